"""The JupyterLab extension in the package: its size, and that nobody needs node to install it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "nbsubmit" / "labextension"
LOCK = ROOT / "labextension" / "package-lock.json"
LARGEST_BYTES = 60_000


def test_what_a_page_loads_is_small() -> None:
    scripts = list((BUILT / "static").glob("*.js"))
    assert scripts, "pip install -e . builds it"
    # The style sheet is a script of its own.
    code = [each for each in scripts if "--jp-layout-color1" not in each.read_text()]
    assert len(code) < len(scripts)
    assert sum(each.stat().st_size for each in code) < LARGEST_BYTES


def test_the_lock_names_no_place_to_load_from() -> None:
    text = LOCK.read_text()
    assert "integrity" in text
    assert not re.findall(r'"resolved": "(?!file:)[^"]*"', text)


@pytest.fixture(scope="module")
def without_node(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine without node."""
    programs = tmp_path_factory.mktemp("bin")
    for name in ("git", "cc", "ld"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    path = os.pathsep.join((str(programs), str(Path(sys.executable).parent)))
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return {**env, "PATH": path}


def test_a_wheel_from_an_sdist_needs_no_node_and_is_enabled(
    tmp_path: Path, without_node: dict[str, str]
) -> None:
    def python(*arguments: str, cwd: Path, **more: str) -> str:
        command = (sys.executable, "-m", *arguments)
        env = {**without_node, **more}
        done = subprocess.run(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = done.stdout.decode()
        assert done.returncode == 0, said
        return said

    assert shutil.which("node", path=without_node["PATH"]) is None
    python("hatchling", "build", "-t", "sdist", "-d", str(tmp_path), cwd=ROOT)
    (sdist,) = tmp_path.glob("*.tar.gz")
    python("pip", "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(sdist), cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith("nbsubmit/labextension")]
    assert [name for name in names if name.endswith("labextensions/nbsubmit/install.json")]
    python("venv", str(tmp_path / "venv"), cwd=tmp_path)
    pip = (str(tmp_path / "venv" / "bin" / "pip"), "install", "--quiet", "--no-deps", str(wheel))
    subprocess.run(pip, env=without_node, check=True)
    there = str(tmp_path / "venv" / "share" / "jupyter")
    said = python("jupyterlab.labextensions", "list", cwd=tmp_path, JUPYTER_PATH=there)
    assert re.search(r"nbsubmit v\S+ .*enabled.*OK", said), said
