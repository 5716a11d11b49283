"""Modules of a user's own for tests, and other environments for jobs to run in."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType

import cloudpickle
import xxhash

import nbsubmit
from nbsubmit.core.origin import place_of

REPOSITORY = Path(nbsubmit.__file__).parents[1]
_STAND_IN = "class xxh3_128: ..."
_PRETENCE = "import sys\nsys.version_info = (*{}, 0, 'final', 0)\n"


class OwnModules:
    """A folder of modules; those that were imported from it are forgotten with the test.

    Parameters
    ----------
    path : Path
        The folder; it exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, name: str, text: str) -> Path:
        """Write a file below the folder."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def load(self, name: str) -> ModuleType:
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def forget(self) -> None:
        """Have the next import read the files, even if one was written twice in a second."""
        for compiled in self.path.rglob("*.pyc"):
            compiled.unlink()
        for name, module in list(sys.modules.items()):
            if place_of(module).startswith(f"{self.path}{os.sep}"):
                del sys.modules[name]


def bare_environment(path: Path) -> Path:
    """Make an environment that has what a job needs and nothing else; return its Python."""
    venv.create(path, symlinks=True, with_pip=False)
    site = packages_of(path)
    for package in (cloudpickle, xxhash, nbsubmit):
        assert package.__file__ is not None
        (site / package.__name__).symlink_to(Path(package.__file__).parent)
    return path / "bin" / "python"


def packages_of(environment: Path) -> Path:
    """Where an environment's packages are."""
    return environment / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"


def other_python(path: Path) -> Path:
    """Return a Python of another minor version; where there is none, one that says it is."""
    for candidate in _candidates():
        code = "import sys; print(sys.version_info[:2])"
        done = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() != str(sys.version_info[:2]):
            return candidate
    return pretending_python(path, (3, 99))


def pretending_python(path: Path, version: tuple[int, int]) -> Path:
    """Make a Python that says that it is of another version."""
    path.mkdir()
    (path / "sitecustomize.py").write_text(_PRETENCE.format(version))
    wrapper = path / "python"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH="{path}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def _candidates() -> list[Path]:
    """Pythons from 3.10 on, for an older one cannot even read the worker."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += sorted((Path.home() / ".pyenv" / "versions").glob("3.1?.*/bin"))
    names = [f"python3.{minor}" for minor in range(10, 20) if minor != sys.version_info[1]]
    return [file for folder in folders for name in names if (file := folder / name).is_file()]


def what_a_worker_imports(path: Path) -> Path:
    """Make a folder for PYTHONPATH under a Python that has nothing: no compiled part fits it."""
    path.mkdir()
    (path / "nbsubmit").symlink_to(REPOSITORY / "nbsubmit")
    (path / "cloudpickle").symlink_to(Path(cloudpickle.__file__).parent)
    (path / "xxhash.py").write_text(_STAND_IN)
    return path
