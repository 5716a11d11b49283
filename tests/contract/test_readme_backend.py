"""The backend that README shows does all that every backend must do.

Promise 7 of README.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbsubmit
from nbsubmit.backends import registry
from nbsubmit.core.backend import Backend
from tests.contract import test_backend
from tests.library import functions

ROOT = Path(__file__).parents[2]
MODULE = "my_package"


def block(kind: str, holds: str) -> str:
    """The block of this kind in README that holds a text."""
    blocks = (ROOT / "README.md").read_text().split("```")[1::2]
    (found,) = [text for text in blocks if text.startswith(f"{kind}\n") and holds in text]
    return found.partition("\n")[2]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have it installed as a package of somebody else's, as pip would leave it."""
    place = tmp_path / "site"
    info = place / "my_package-1.0.dist-info"
    info.mkdir(parents=True)
    (place / f"{MODULE}.py").write_text(block("python", "class PlainBackend"))
    (info / "METADATA").write_text("Name: my-package\nVersion: 1.0\n")
    named = block("toml", "[project.entry-points")
    group = named.replace('[project.entry-points."', "[").replace('"]', "]").replace('"', "")
    (info / "entry_points.txt").write_text(group)
    monkeypatch.syspath_prepend(str(place))
    registry._installed.cache_clear()
    yield
    sys.modules.pop(MODULE, None)
    registry._installed.cache_clear()


@pytest.fixture
def backend_name() -> str:
    return "plain"


def test_it_is_found_by_its_name_and_is_a_backend() -> None:
    assert isinstance(registry.get("plain"), Backend)


def test_it_is_short() -> None:
    lines = block("python", "class PlainBackend").splitlines()
    assert len([line for line in lines if line.strip() and "import" not in line]) <= 45


def test_it_has_an_executor_and_runs_arrays(tmp_path: Path) -> None:
    executor = nbsubmit.AutoExecutor(tmp_path / "logs", cluster="plain")
    jobs = executor.map_array(functions.add, [1, 2, 3], [10, 20, 30])
    assert [job.result(60) for job in jobs] == [11, 22, 33]


def contract() -> dict[str, Any]:
    """What every backend must do, to be done by this one."""
    return {name: test for name, test in vars(test_backend).items() if name.startswith("test_")}


globals().update(contract())
