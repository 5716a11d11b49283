"""The sdist and the wheel: what is in them, and that they work where nothing else is."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

import nbsubmit
from tests.packaging.conftest import ROOT, Environment, lower_bounds

pytestmark = pytest.mark.timeout(1200)

VERSION = json.loads((ROOT / "labextension" / "package.json").read_text())["version"]


def test_there_is_one_version(wheel: Path, sdist: Path) -> None:
    assert version("nbsubmit") == nbsubmit.__version__ == VERSION
    assert wheel.name.startswith(f"nbsubmit-{VERSION}-")
    assert sdist.name == f"nbsubmit-{VERSION}.tar.gz"
    readme = (ROOT / "README.md").read_text()
    assert f"\n**{VERSION}** " in readme
    assert f"Version {VERSION}, " in readme
    assert f"version = {{{VERSION}}}" in readme


def test_the_wheel_holds_the_package_and_its_notebooks_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"nbsubmit/py.typed", "nbsubmit/notebooks/01_first_job.ipynb"} <= names
    here = {str(path.relative_to(ROOT)) for path in (ROOT / "nbsubmit").rglob("*.py")}
    assert here <= names
    tops = {name.partition("/")[0] for name in names}
    assert not tops & {"tests", "notebooks", "labextension"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_sdist_holds_what_is_needed_to_go_on(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"pyproject.toml", "README.md", "LICENSE", "labextension/package.json", "tests/run"}
    assert needed <= names
    assert not {name for name in names if "/.venv/" in name or "__pycache__" in name}


def test_what_the_wheel_says_of_itself(clean: Environment) -> None:
    asked = (
        "import importlib.metadata as m, json, nbsubmit\n"
        "d = m.metadata('nbsubmit')\n"
        "print(json.dumps([nbsubmit.__version__, d['Version'], d['License-Expression'],"
        " sorted(d.get_all('Provides-Extra')), nbsubmit.__file__]))"
    )
    here, said, licence, extras, file = json.loads(clean.run("python", "-c", asked))
    assert here == said == VERSION
    assert licence == "BSD-3-Clause"
    assert {"demo", "lab", "test"} <= {*extras}
    assert Path(file).is_relative_to(clean.path)
    assert clean.run("nbsubmit", "--version").split()[-1] == VERSION
    assert clean.run("python", "-m", "nbsubmit", "--version") == clean.run("nbsubmit", "--version")


def test_it_works_where_nothing_else_is_installed(
    clean: Environment, terminal_session: Callable[[Environment], str]
) -> None:
    assert "all is well" in terminal_session(clean)
    assert "no jobs here" in clean.run("nbsubmit", "jobs")
    said = clean.run("python", "-m", "pip", "check")
    assert "No broken requirements found" in said


def test_it_works_with_the_lowest_releases_that_it_takes(
    lowest: Environment, terminal_session: Callable[[Environment], str]
) -> None:
    asked = "import importlib.metadata as m; print({n: m.version(n) for n in %r})"
    installed = lowest.run("python", "-c", asked % [*lower_bounds()])
    for name, least in lower_bounds().items():
        assert f"'{name}': '{least}" in installed
    assert "all is well" in terminal_session(lowest)
    assert "no jobs here" in lowest.run("nbsubmit", "jobs")
    assert "--follow" in lowest.run("nbsubmit", "jobs", "--help")
    assert "complete -o" in lowest.run("nbsubmit", "completion", "bash")
