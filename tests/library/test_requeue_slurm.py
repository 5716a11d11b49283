"""Jobs of a real Slurm that are preempted, or whose time is over, go on from where they were."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.client.executor import SlurmExecutor
from nbsubmit.core.errors import JobLost, JobTimedOut
from nbsubmit.core.state import JobState
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.library import counting
from tests.library.counting import Counting, Place
from tests.library.test_requeue import began_with, wait_for
from tests.way import until

pytestmark = pytest.mark.slurm
# A job that was queued again waits until its credential has ended.
PATIENCE = 120.0


@pytest.fixture(scope="module")
def preempting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A Slurm in which jobs of one partition make room for those of another."""
    config = SandboxConfig(
        tmp_path_factory.mktemp("preempting"),
        nodes=1,
        cpus=4,
        extra_conf={"PreemptType": "preempt/partition_prio", "PreemptMode": "REQUEUE"},
        partitions=("PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF",),
    )
    with up(config, owner=os.getpid()) as sandbox:
        yield sandbox


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Where the test and its jobs leave each other word; in the end all jobs go on."""
    place = Place(tmp_path)
    yield place
    place.open_gate()


@pytest.fixture
def executor(
    preempting: Sandbox, place: Place, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SlurmExecutor]:
    """Sends jobs to it."""
    for name, value in preempting.environ.items():
        monkeypatch.setenv(name, value)
    executor = SlurmExecutor(place.path / "jobs")
    yield executor
    for job in executor.jobs:
        job.cancel()
    executor.shutdown()


def preempt(executor: SlurmExecutor, place: Place) -> None:
    """Let a job run that takes the whole node, and goes before others."""
    kept = executor.parameters
    executor.parameters = {"partition": "urgent", "exclusive": True}
    executor.submit(place.note, "urgent").result(PATIENCE)
    executor.parameters = kept


def wait_longer(place: Place, count: int) -> list[str]:
    until(lambda: len(place.lines()) >= count, f"{count} lines, only {place.lines()}", PATIENCE)
    return place.lines()


def test_a_preempted_job_goes_on_from_its_checkpoint(executor: SlurmExecutor, place: Place) -> None:
    job = executor.submit(Counting(place))
    until(lambda: place.lines() and not job.done() and job.state is JobState.RUNNING, "it runs")
    preempt(executor, place)
    assert not job.done(force_check=True)
    first, urgent, second = wait_longer(place, 3)
    assert (first, urgent) == ("from 0", "urgent")
    assert began_with(second) > 0
    place.open_gate()
    assert job.result(PATIENCE) >= began_with(second)
    assert "DUE TO PREEMPTION" in job.stderr()


def test_one_without_a_checkpoint_begins_again(executor: SlurmExecutor, place: Place) -> None:
    job = executor.submit(counting.wait, place)
    wait_for(place, 1)
    preempt(executor, place)
    wait_longer(place, 3)
    place.open_gate()
    assert job.result(PATIENCE) == "done"
    assert place.lines() == ["from the start", "urgent", "from the start"]


def test_interrupted_it_is_queued_again_and_says_so(executor: SlurmExecutor, place: Place) -> None:
    job = executor.submit(Counting(place))
    until(lambda: place.lines() and not job.done() and job.state is JobState.RUNNING, "it runs")
    job._interrupt()
    until(lambda: not job.done() and job.state is JobState.PENDING, "it is queued again")
    assert job.status.reason.startswith("waits to be run again (run 2)")
    second = wait_longer(place, 2)[1]
    assert began_with(second) > 0
    until(lambda: not job.done() and job.state is JobState.RUNNING, "it runs again")
    place.open_gate()
    assert job.result(PATIENCE) >= began_with(second)
    assert place.lines() == ["from 0", second]


def test_it_is_queued_again_where_a_site_has_turned_that_off(
    executor: SlurmExecutor, place: Place
) -> None:
    job = executor.submit(Counting(place))
    wait_for(place, 1)
    update = ["scontrol", "update", f"JobId={job.job_id}", "Requeue=0"]
    subprocess.run(update, check=True)
    job._interrupt()
    assert began_with(wait_longer(place, 2)[1]) > 0
    place.open_gate()
    assert job.result(PATIENCE) > 0


def test_one_that_is_not_to_be_queued_again_says_so(executor: SlurmExecutor, place: Place) -> None:
    executor.update_parameters(additional_parameters={"no_requeue": True})
    job = executor.submit(Counting(place))
    wait_for(place, 1)
    job._interrupt()
    with pytest.raises(JobLost, match=r"and it was not queued again: .*isabled"):
        job.result(PATIENCE)
    assert job.state is JobState.FAILED
    assert job.status.advice == "send it again, and without --no-requeue if it had that"
    assert "isabled" in job.stderr()


def test_at_the_end_of_its_time_it_goes_on_as_often_as_it_may(
    executor: SlurmExecutor, place: Place
) -> None:
    executor.max_num_timeout = 1
    executor.update_parameters(time=1, signal_delay_s=58)
    job = executor.submit(Counting(place))
    second = wait_longer(place, 2)[1]
    assert began_with(second) > 0
    until(lambda: "timed-out too many times" in job.stderr(), "it was warned again", PATIENCE)
    place.open_gate()
    # It may come to its end in the time that is left.
    assert job.result(PATIENCE) >= began_with(second)
    assert "timed out; it is queued to be run again, 0 more times at most" in job.stderr()


def test_one_without_a_checkpoint_ends_with_its_time(executor: SlurmExecutor, place: Place) -> None:
    executor.update_parameters(time=1, signal_delay_s=58)
    job = executor.submit(counting.wait, place)
    with pytest.raises(JobTimedOut, match="requeued because: timed-out and not checkpointable"):
        job.result(PATIENCE)
    assert job.state is JobState.TIMEOUT
    assert place.lines() == ["from the start"]


def test_a_task_of_an_array_is_queued_again_by_itself(
    executor: SlurmExecutor, place: Place
) -> None:
    jobs = executor.map_array(Counting(place), ["a", "b", "c"])
    wait_for(place, 3)
    jobs[1]._interrupt()
    lines = wait_longer(place, 4)
    assert [line.split()[2] for line in lines].count("b") == 2
    place.open_gate()
    assert all(count > 0 for count in jobs.results(PATIENCE))
    assert len(place.lines()) == 4


def test_a_pack_is_queued_again_and_goes_on_where_it_was(
    executor: SlurmExecutor, place: Place
) -> None:
    executor.update_parameters(pack=4)
    calls: list[Callable[[], Any]] = [
        partial(place.note, "first"),
        Counting(place),
        partial(counting.wait, place, "last"),
    ]
    jobs = executor.submit_array(calls)
    wait_for(place, 2)
    until(lambda: not jobs[1].done() and jobs[1].state is JobState.RUNNING, "the second runs")
    jobs[1]._interrupt()
    until(lambda: jobs[2].status.reason.startswith("its pack waits to be run again"), "the rest")
    assert jobs[1].status.reason.startswith("waits to be run again (run 2)")
    assert [job.state for job in jobs] == ["COMPLETED", "PENDING", "PENDING"]
    wait_longer(place, 3)
    place.open_gate()
    _, count, last = jobs.results(PATIENCE)
    first, *others = place.lines()
    assert (first, others[0], others[2:]) == ("first", "from 0", ["from the start last"])
    assert count >= began_with(others[1]) > 0
    assert last == "done last"


def test_a_preempted_pack_does_not_run_twice_what_has_ended(
    executor: SlurmExecutor, place: Place
) -> None:
    executor.update_parameters(pack=3)
    calls: list[Callable[[], Any]] = [
        partial(place.note, "first"),
        partial(counting.wait, place),
        partial(place.note, "last"),
    ]
    jobs = executor.submit_array(calls)
    wait_for(place, 2)
    preempt(executor, place)
    wait_longer(place, 4)
    place.open_gate()
    assert jobs.results(PATIENCE)[1] == "done"
    assert place.lines() == ["first", "from the start", "urgent", "from the start", "last"]


def test_at_the_end_of_its_time_a_pack_keeps_what_it_has(
    executor: SlurmExecutor, place: Place
) -> None:
    executor.update_parameters(time=1, pack=3, signal_delay_s=None)
    calls: list[Callable[[], Any]] = [
        partial(place.note, "first"),
        partial(counting.wait, place),
        partial(place.note, "last"),
    ]
    jobs = executor.submit_array(calls)
    for job in jobs:
        job.wait(PATIENCE)
    assert [job.state for job in jobs] == ["COMPLETED", "TIMEOUT", "TIMEOUT"]
    assert {job.status.reason for job in jobs[1:]} == {"it reached its time limit"}
    assert place.lines() == ["first", "from the start"]


def test_all_ranks_end_and_all_go_on_from_the_first_ones_checkpoint(
    executor: SlurmExecutor, place: Place
) -> None:
    executor.update_parameters(ntasks_per_node=3)
    job = executor.submit(counting.Ranks(place))
    wait_for(place, 3)
    job._interrupt()
    again = wait_longer(place, 6)[3:]
    starts = {began_with(line) for line in again}
    assert len(starts) == 1
    assert starts.pop() > 100
    place.open_gate()
    assert job.results(PATIENCE) == [0, 1, 2]


def test_a_job_that_somebody_cancels_is_not_queued_again(
    executor: SlurmExecutor, place: Place
) -> None:
    job = executor.submit(Counting(place))
    wait_for(place, 1)
    subprocess.run(["scancel", job.job_id], check=True)
    job.wait(PATIENCE)
    assert job.state is JobState.CANCELLED
    assert place.lines() == ["from 0"]
