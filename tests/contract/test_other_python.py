"""A job under another Python says what is wrong and what to do, however little that Python has."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.core.job import Job
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from tests.modules import REPOSITORY, other_python, pretending_python, what_a_worker_imports
from tests.way import Way

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return other_python(tmp_path_factory.mktemp("other") / "python")


@pytest.fixture
def run(make_way: Callable[..., Way], started_backend: str, other: Path) -> Callable[[str], Job]:
    """Run a cell under the other Python, which finds packages in this folder alone."""

    def run(path: str) -> Job:
        # No folder of its own packages, for there nbsubmit may be by chance.
        options = CellOptions(python=f"{other} -s", env={"PYTHONPATH": path})
        return make_way(started_backend).run("x = 1", options=options)

    return run


def test_one_with_all_that_is_needed_is_refused_with_both_versions(
    run: Callable[[str], Job], tmp_path: Path
) -> None:
    job = run(str(what_a_worker_imports(tmp_path / "packages")))
    assert job.state is JobState.FAILED
    assert f"the notebook runs Python {HERE} and this job Python 3." in job.status.reason
    assert "--python COMMAND" in job.status.reason
    assert "--python COMMAND" in str(job.exception())


@pytest.mark.parametrize("missing", ["nbsubmit", "cloudpickle"])
def test_one_without_what_is_needed_is_told_what_it_needs(
    run: Callable[[str], Job], tmp_path: Path, missing: str
) -> None:
    packages = what_a_worker_imports(tmp_path / "packages")
    next(packages.glob(f"{missing}*")).unlink()
    job = run(str(packages))
    assert job.state is JobState.FAILED
    assert f"No module named {missing}" in job.status.reason.replace("'", "")
    assert (
        f"one with nbsubmit and its packages, and a {HERE} as the notebook's" in job.status.advice
    )
    assert "--python" in str(job.exception())


def test_one_that_is_too_old_is_told_so(
    make_way: Callable[..., Way], started_backend: str, tmp_path: Path
) -> None:
    old = pretending_python(tmp_path / "old", (3, 8))
    job = make_way(started_backend).run("x = 1", options=CellOptions(python=str(old)))
    assert job.state is JobState.FAILED
    assert "nbsubmit needs Python 3.10 or newer" in job.status.reason
    assert "is 3.8" in job.status.reason


@pytest.mark.parametrize("file", ["__init__.py", "worker/__init__.py", "worker/__main__.py"])
def test_any_python_can_read_as_far_as_to_be_told(file: str) -> None:
    tree = ast.parse((REPOSITORY / "nbsubmit" / file).read_text(), feature_version=(3, 6))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "__future__" not in modules
    returned = (node.returns for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    assert not [node for node in returned if isinstance(node, (ast.Subscript, ast.BinOp))]
