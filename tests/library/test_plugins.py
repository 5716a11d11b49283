"""A backend of another package is an executor by its name."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

import pytest

import nbsubmit
from nbsubmit.backends import registry
from nbsubmit.backends.debug import DebugBackend
from nbsubmit.core.options import Option
from tests.library import functions
from tests.library.conftest import Makes


class Other(DebugBackend):
    """Runs jobs as the debug backend does, and has an option of its own."""

    name = "other"
    options = (Option("queue", "", "NAME", "the queue"),)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the backend installed, and one that is broken beside it."""
    real = entry_points
    ours = [
        EntryPoint("other", f"{__name__}:Other", registry.GROUP),
        EntryPoint("broken", "no_such_module:Backend", registry.GROUP),
    ]

    def with_ours(**wanted: Any) -> EntryPoints:
        found = [*real(group=wanted["group"]), *ours]
        return EntryPoints(found).select(**wanted)

    monkeypatch.setattr(registry, "entry_points", with_ours)


def test_a_backend_of_another_package_has_an_executor(
    installed: None, make_executor: Makes
) -> None:

    executor = make_executor("other")
    executor.update_parameters(other_queue="short", timeout_min=5, slurm_partition="x")
    assert executor.parameters == {"queue": "short", "timeout_min": 5}
    job = executor.submit(functions.add, 1, 2)
    assert job.result() == 3
    assert job.spec["backend"] == "other"


def test_one_that_is_broken_hinders_nobody(installed: None, make_executor: Makes) -> None:
    assert nbsubmit.AutoExecutor.which() != "broken"
    assert make_executor("debug").submit(functions.add, 1).result() == 1
