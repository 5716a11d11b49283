"""How often a real Slurm is asked by processes that know nothing of each other but a file.

Promise 6 of README.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.sandbox.sandbox import Sandbox
from tests.cluster.test_slurm import calls
from tests.way import PATIENCE, Way, until

__all__ = ["calls"]

pytestmark = pytest.mark.slurm


@pytest.fixture
def way(
    make_way: Callable[..., Way], on_slurm: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Way:
    """The way over the session's Slurm, of a user of whom nobody has asked anything yet."""
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    return make_way("slurm")


def test_commands_one_after_another_ask_no_more_than_one_that_waits_politely(
    way: Way, calls: Callable[[str], int]
) -> None:
    job = way.send("y = 1", hold=None, begin="now+1hour")
    until(lambda: "held" in job.status.reason or "time to begin" in job.status.reason, "it waits")
    before, start = calls("squeue"), time.monotonic()
    for _ in range(6):
        listed = subprocess.run(
            [sys.executable, "-m", "nbsubmit", "jobs", "--folder", str(way.store)],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        ).stdout
        assert "PENDING" in listed
        assert "held" in listed or "time to begin" in listed
    seconds = time.monotonic() - start
    # A question is a look at our jobs, and once a minute one at the queue.
    assert calls("squeue") - before <= seconds / way.backend.polite_seconds + 2


def test_a_job_that_ends_normally_costs_no_question(
    make_way: Callable[..., Way], way: Way, calls: Callable[[str], int]
) -> None:
    # Tests ask often, and on a busy machine a job takes longer than that.
    seldom = make_way(way.backend.name, poll_seconds=PATIENCE)
    assert seldom.run("y = 1").names == {"y": 1}
    assert {program: calls(program) for program in ("sbatch", "squeue", "sacct", "scancel")} == {
        "sbatch": 1, "squeue": 0, "sacct": 0, "scancel": 0,
    }  # fmt: skip
