"""How a real job goes: what it was given and uses, how far it is, when it is expected to start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.backends.slurm.backend import SlurmBackend
from nbsubmit.backends.slurm.places import Places
from nbsubmit.client import words
from nbsubmit.client.meters import Meters
from nbsubmit.client.rows import JobRow, row_of
from nbsubmit.core.job import Job
from nbsubmit.core.spec import CellOptions, Resources
from nbsubmit.core.state import JobState
from nbsubmit.sandbox.sandbox import Sandbox
from tests.way import PATIENCE, Way, until

ASKED = CellOptions(resources=Resources(cpus=2, memory_mib=1000, time_seconds=3600))
HOLDS = """
import os, subprocess, sys, time
import nbsubmit
held = bytearray(150_000_000)
busy = subprocess.Popen([sys.executable, "-c", "held = bytearray(100_000_000)\\nwhile True: pass"])
for epoch in nbsubmit.progress(range(4), desc="epoch"):
    for batch in nbsubmit.progress(range(10), desc="batch"):
        time.sleep(0.15)
        while epoch == 2 and batch == 5 and not os.path.exists(gate):
            time.sleep(0.05)
busy.kill()
del held, busy
"""
TQDM = """
import os, time
from {module} import tqdm
for epoch in tqdm(range(4), desc="epoch", mininterval=0):
    for batch in tqdm(range(10), desc="batch", leave=False, mininterval=0):
        while epoch == 2 and batch == 5 and not os.path.exists(gate):
            time.sleep(0.05)
"""
HALF = "62 % (epoch 3 of 4)"
MB = 1_000_000


@pytest.fixture
def started_way(make_way: Callable[..., Way], started_backend: str) -> Way:
    """The way over each backend that starts a process."""
    return make_way(started_backend)


def shown(job: Job, seen: Callable[[JobRow], bool]) -> JobRow:
    """The job's row once it shows something."""
    meters = Meters(job)
    found: JobRow = until(
        lambda: seen(row := row_of(job, meters=meters)) and row, f"{job} shows how it goes"
    )
    return found


def test_a_job_shows_what_it_uses_of_what_it_was_given_and_how_far_it_is(
    started_way: Way, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    job = started_way.send(HOLDS, {"gate": str(gate)}, options=ASKED)
    row = shown(job, lambda row: len(row.samples) > 3 and words.progress(row) == HALF)
    # The cell's process and its child, together.
    assert (row.peak or 0) > 250 * MB
    assert max(sample.memory for sample in row.samples) > 250 * MB
    assert row.samples == tuple(sorted(row.samples, key=lambda sample: sample.at))
    assert 5 < max(sample.cpu for sample in row.samples) < 110
    assert abs((row.started or 0) - time.time()) < PATIENCE
    assert [(bar.description, bar.done, bar.total) for bar in row.progress] == [
        ("epoch", 2, 4), ("batch", 5, 10),
    ]  # fmt: skip
    if started_way.backend.name == "slurm":
        assert (row.limits.cpus, row.limits.memory) == (2, 1000 << 20)
        assert words.memory(row).endswith(" MB of 1000 MB")
    else:  # which does not see to memory
        assert row.limits.cpus == len(os.sched_getaffinity(0))
        assert row.limits.memory is None
    assert row.time_limit == 3600
    assert row.remaining == pytest.approx(3600 - row.seconds, abs=60)
    assert "of 1 h" in words.title(row)
    gate.touch()
    job.wait(PATIENCE)
    ended = row_of(job)
    assert (ended.state, ended.progress, ended.remaining) == (JobState.COMPLETED, (), None)
    assert (ended.peak or 0) >= (row.peak or 0)
    assert f"\n{words.memory(ended)}" in words.details(ended)


def test_a_job_without_a_time_limit_is_told_of_none(started_way: Way, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = started_way.send(HOLDS, {"gate": str(gate)})
    row = shown(job, lambda row: bool(row.elapsed and row.limits.cpus))
    gate.touch()
    assert (row.time_limit, row.remaining) == (None, None)
    assert words.time(row) == row.elapsed


@pytest.mark.parametrize("module", ["tqdm", "tqdm.auto"])
def test_bars_of_tqdm_are_seen_in_a_job(started_way: Way, tmp_path: Path, module: str) -> None:
    gate = tmp_path / "gate"
    job = started_way.send(TQDM.format(module=module), {"gate": str(gate)})
    row = shown(job, lambda row: words.progress(row) == HALF)
    assert [bar.description for bar in row.progress] == ["epoch", "batch"]
    gate.touch()
    assert job.wait(PATIENCE).state is JobState.COMPLETED


def test_the_list_of_jobs_shows_how_those_go_that_run(
    make_way: Callable[..., Way], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    way = make_way("local")
    job = way.send(HOLDS, {"gate": str(gate)})
    shown(job, lambda row: words.progress(row) == HALF and bool(row.peak))
    listed = subprocess.run(
        [sys.executable, "-m", "nbsubmit", "jobs", "--folder", way.store],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    gate.touch()
    assert f"{HALF}, peak " in listed


def test_a_job_that_came_to_nothing_at_once_has_been_measured_too(started_way: Way) -> None:
    job = started_way.run("1 / 0")
    row = row_of(job, meters=Meters(job))
    assert row.state is JobState.FAILED
    assert (row.peak or 0) > MB
    assert row.samples


@pytest.mark.slurm
def test_jobs_that_wait_know_when_they_may_start_and_how_many_are_before_them(
    make_way: Callable[..., Way], on_slurm: Sandbox, tmp_path: Path
) -> None:
    way = make_way("slurm")
    # A minute of it takes less than a second.
    way.backend = SlurmBackend(Places(lambda: 100 * time.monotonic()))
    options = CellOptions(resources=Resources(time_seconds=600))

    def send(source: str) -> Job:
        """Send a cell that takes all nodes."""
        return way.send(source, options=options, exclusive=None, nodes="2")

    first = send("import time\nwhile True: time.sleep(0.1)")
    until(lambda: first.state is JobState.RUNNING, "the first runs")
    second = send("y = 1")
    third = send("y = 1")
    until(lambda: row_of(third).starts and row_of(third).ahead == 1, "the third has its place")
    now = time.time()
    row = until(lambda: row_of(second).starts and row_of(second), "the second has its time")
    assert row.state is JobState.PENDING
    assert row.ahead == 0
    assert 0 < (row.starts or 0) - now <= 700
    assert (row_of(third).starts or 0) > (row.starts or 0)
    assert row.time_limit == 600
    assert (row.started, row.seconds, row.remaining) == (None, 0.0, None)
    assert "starts about " in words.why(row)
    assert words.why(row).endswith(", next in line")
    assert words.why(row_of(third)).endswith(", 1 ahead")
    first.cancel()
    assert second.wait(PATIENCE).names == {"y": 1}
    ended = row_of(second)
    assert (ended.starts, ended.ahead) == (None, None)
