"""Jobs that are told to end go on from where they were, here and on a real Slurm."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.client.executor import LocalExecutor
from nbsubmit.client.job import Job
from nbsubmit.core.errors import JobError, JobTimedOut
from nbsubmit.core.state import JobState
from tests.library import counting
from tests.library.counting import Counting, Place
from tests.way import PATIENCE, until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Where the test and its jobs leave each other word; in the end all jobs go on."""
    place = Place(tmp_path)
    yield place
    place.open_gate()


@pytest.fixture
def executor(place: Place) -> Iterator[LocalExecutor]:
    """Sends jobs to processes here."""
    executor = LocalExecutor(place.path / "jobs")
    yield executor
    for job in executor.jobs:
        job.cancel()
    executor.shutdown()


def wait_for(place: Place, count: int) -> list[str]:
    """Wait until jobs have noted so many lines."""
    until(lambda: len(place.lines()) >= count, f"{count} lines, only {place.lines()}")
    return place.lines()


def began_with(line: str) -> int:
    """The number that a run began with."""
    return int(line.split()[1])


def test_a_preempted_job_goes_on_from_its_checkpoint(executor: LocalExecutor, place: Place) -> None:
    job = executor.submit(Counting(place))
    wait_for(place, 1)
    job._interrupt()
    first, second = wait_for(place, 2)
    assert first == "from 0"
    assert began_with(second) > 0
    place.open_gate()
    assert job.result(PATIENCE) >= began_with(second)
    assert "preempted; it is queued to be run again" in job.stderr()


def test_it_goes_on_as_often_as_it_is_interrupted(executor: LocalExecutor, place: Place) -> None:
    job = executor.submit(Counting(place))
    for count in range(1, 6):
        wait_for(place, count)
        job._interrupt()
    starts = [began_with(line) for line in wait_for(place, 6)]
    assert starts == sorted(set(starts))
    place.open_gate()
    assert job.result(PATIENCE) >= starts[-1]


def test_submitits_own_method_is_preferred(executor: LocalExecutor, place: Place) -> None:
    job = executor.submit(counting.Preferring(place))
    wait_for(place, 1)
    job._interrupt()
    assert began_with(wait_for(place, 2)[1]) > 0
    place.open_gate()
    assert job.result(PATIENCE) > 0


def test_a_preempted_function_without_a_checkpoint_begins_again(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(counting.wait, place)
    wait_for(place, 1)
    job._interrupt()
    assert wait_for(place, 2) == ["from the start"] * 2
    place.open_gate()
    assert job.result(PATIENCE) == "done"


def test_it_waits_its_turn_and_says_that_it_is_to_be_run_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(place.path / "queue"))
    monkeypatch.setenv("NBSUBMIT_LOCAL_SLOTS", "1")
    with LocalExecutor(place.path / "jobs") as executor:
        job = executor.submit(Counting(place), "one")
        wait_for(place, 1)
        other = executor.submit(counting.wait, place, "other")
        job._interrupt()
        until(lambda: "from the start other" in place.lines(), "the other job runs")
        until(lambda: not job.done() and job.state is JobState.PENDING, "it waits")
        assert job.status.reason.startswith("waits to be run again (run 2): waits for a free")
        place.open_gate()
        assert job.result(PATIENCE) > 0
        assert other.result(PATIENCE) == "done other"


def test_timeouts_are_counted_down_and_preemptions_are_not(place: Place) -> None:
    executor = LocalExecutor(place.path / "jobs", max_num_timeout=1)
    job = executor.submit(Counting(place))
    for count, timeout in enumerate((False, True, False, True), 1):
        wait_for(place, count)
        job._interrupt(timeout=timeout)
    job.wait(PATIENCE)
    assert len(place.lines()) == 4
    assert job.state is JobState.TIMEOUT
    assert job.status.reason == "Job not requeued because: timed-out too many times"
    with pytest.raises(JobTimedOut, match="Job not requeued because: timed-out too many times"):
        job.result()


def test_a_timed_out_function_without_a_checkpoint_is_not_run_again(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(counting.wait, place)
    wait_for(place, 1)
    job._interrupt(timeout=True)
    with pytest.raises(JobTimedOut, match="requeued because: timed-out and not checkpointable"):
        job.result(PATIENCE)
    assert job.state is JobState.TIMEOUT
    assert place.lines() == ["from the start"]


@pytest.mark.parametrize("timeout", [True, False])
def test_a_checkpoint_of_none_ends_the_job(
    executor: LocalExecutor, place: Place, timeout: bool
) -> None:
    job = executor.submit(counting.Ending(place))
    wait_for(place, 1)
    job._interrupt(timeout=timeout)
    with pytest.raises(JobError, match="requeued because: checkpoint function returned None"):
        job.result(PATIENCE)
    assert job.state is (JobState.TIMEOUT if timeout else JobState.PREEMPTED)


def test_what_cannot_be_pickled_is_said_and_a_preempted_job_begins_again(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(counting.Unsaved(place))
    wait_for(place, 1)
    job._interrupt()
    assert wait_for(place, 2) == ["from 0", "from 0"]
    assert "lock" in job.stderr()
    assert "the next run begins where this one did" in job.stderr()
    job._interrupt(timeout=True)
    job.wait(PATIENCE)
    assert "Job not requeued because: its checkpoint could not be saved" in job.status.reason
    assert "lock" in job.status.reason


def test_at_the_end_of_its_real_time_it_is_run_again_as_often_as_it_may(place: Place) -> None:
    executor = LocalExecutor(place.path / "jobs", max_num_timeout=1)
    executor.update_parameters(timeout_min=3 / 60, signal_delay_s=2)
    job = executor.submit(Counting(place))
    job.wait(PATIENCE)
    first, second = (began_with(line) for line in place.lines())
    assert first == 0 < second
    assert job.state is JobState.TIMEOUT
    assert job.status.reason == "Job not requeued because: timed-out too many times"


def test_a_function_that_cannot_be_run_again_has_all_of_its_time(place: Place) -> None:
    executor = LocalExecutor(place.path / "jobs")
    executor.update_parameters(timeout_min=1, signal_delay_s=59)
    job = executor.submit(counting.wait, place)
    until(lambda: "not checkpointable" in job.stderr(), "it was warned")
    place.open_gate()
    assert job.result(PATIENCE) == "done"
    assert job.state is JobState.COMPLETED


def test_a_task_of_an_array_is_run_again_by_itself(executor: LocalExecutor, place: Place) -> None:
    jobs = executor.map_array(Counting(place), ["a", "b", "c"])
    wait_for(place, 3)
    jobs[1]._interrupt()
    lines = wait_for(place, 4)
    assert [line.split()[2] for line in lines].count("b") == 2
    place.open_gate()
    assert all(count > 0 for count in jobs.results(PATIENCE))
    assert len(place.lines()) == 4


def test_all_ranks_end_and_all_go_on_from_the_first_ones_checkpoint(
    executor: LocalExecutor, place: Place
) -> None:
    executor.update_parameters(tasks_per_node=3)
    job = executor.submit(counting.Ranks(place))
    wait_for(place, 3)
    job._interrupt()
    again = wait_for(place, 6)[3:]
    starts = {began_with(line) for line in again}
    assert len(starts) == 1
    assert starts.pop() > 100
    assert sorted(line.split()[-1] for line in again) == ["0", "1", "2"]
    place.open_gate()
    assert job.results(PATIENCE) == [0, 1, 2]


def test_in_an_array_of_such_jobs_one_is_run_again_by_itself(
    executor: LocalExecutor, place: Place
) -> None:
    executor.update_parameters(tasks_per_node=2)
    jobs = executor.map_array(counting.Ranks(place), ["a", "b"])
    wait_for(place, 4)
    jobs[1]._interrupt()
    again = wait_for(place, 6)[4:]
    assert len({began_with(line) for line in again}) == 1
    assert began_with(again[0]) > 100
    place.open_gate()
    assert [job.results(PATIENCE) for job in jobs] == [[0, 1], [0, 1]]
    assert len(place.lines()) == 6


def test_a_whole_array_is_interrupted_task_by_task(executor: LocalExecutor, place: Place) -> None:
    jobs = executor.map_array(Counting(place), ["a", "b"])
    wait_for(place, 2)
    assert jobs[0].whole is not None
    jobs[0].whole._interrupt()
    assert sorted(line.split()[2] for line in wait_for(place, 4)) == ["a", "a", "b", "b"]
    place.open_gate()
    assert all(count > 0 for count in jobs.results(PATIENCE))


def test_a_rank_that_waits_for_one_that_is_gone_ends_too(
    executor: LocalExecutor, place: Place
) -> None:
    executor.update_parameters(tasks_per_node=2)
    job = executor.submit(counting.one_is_stuck, place)
    wait_for(place, 1)
    until(lambda: all(p.folder.started_file.exists() for p in job.parts), "both run")
    job._interrupt()
    until(lambda: job.parts[0].folder.exit_file.exists(), "the first has ended")
    place.open_gate()
    assert job.results(PATIENCE) == [0, 1]


def test_all_ranks_end_when_the_time_is_over_for_good(
    executor: LocalExecutor, place: Place
) -> None:
    executor.update_parameters(tasks_per_node=2)
    job = executor.submit(counting.wait, place)
    wait_for(place, 2)
    job._interrupt(timeout=True)
    job.wait(PATIENCE)
    assert job.state is JobState.TIMEOUT
    assert [part.state for part in job.parts] == [JobState.TIMEOUT] * 2


def test_children_that_a_job_forks_end_when_they_are_told_to(executor: LocalExecutor) -> None:
    codes = executor.submit(counting.ends_a_child).result(PATIENCE)
    assert codes == [-signal.SIGTERM, -signal.SIGUSR2, -signal.SIGTERM]


def test_code_that_catches_all_ends_all_the_same(executor: LocalExecutor, place: Place) -> None:
    job = executor.submit(counting.catches_all, place)
    wait_for(place, 1)
    job._interrupt()
    wait_for(place, 2)
    place.open_gate()
    assert job.result(PATIENCE) == "caught"


def test_it_is_said_that_code_which_is_not_pythons_must_return_first(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(counting.in_c, place)
    wait_for(place, 1)
    job._interrupt()
    until(lambda: "in code that is not Python's" in job.stderr(), "the log says why")
    place.open_gate()
    assert job.result(PATIENCE) == "done"
    assert place.lines() == ["in C"] * 2


def test_what_a_killed_run_has_left_half_written_is_in_nobodys_way(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(Counting(place))
    wait_for(place, 1)
    folder = job.folder
    for name in (folder.checkpoint_file.name, folder.result_stream.name, "result.json"):
        (folder.path / f".{name}.0123456789abcdef").write_bytes(b"half")
    job._interrupt()
    assert began_with(wait_for(place, 2)[1]) > 0
    place.open_gate()
    assert job.result(PATIENCE) > 0


def test_a_cancelled_job_is_not_run_again(executor: LocalExecutor, place: Place) -> None:
    job = executor.submit(Counting(place))
    wait_for(place, 1)
    job.cancel()
    job.wait(PATIENCE)
    assert job.state is JobState.CANCELLED
    assert not job.folder.requeue_file.exists()
    assert place.lines() == ["from 0"]


def test_a_job_that_has_not_begun_cannot_be_interrupted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(place.path / "queue"))
    monkeypatch.setenv("NBSUBMIT_LOCAL_SLOTS", "1")
    with LocalExecutor(place.path / "jobs") as executor:
        executor.submit(counting.wait, place)
        waits: Job[str] = executor.submit(counting.wait, place)
        with pytest.raises(nbsubmit.NbsubmitError, match="has not begun"):
            waits._interrupt()
        place.open_gate()


def test_a_function_may_keep_a_state_without_a_checkpoint_of_its_own(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(counting.with_state, place)
    wait_for(place, 1)
    job._interrupt(timeout=True)
    assert began_with(wait_for(place, 2)[1]) > 0
    place.open_gate()
    assert job.result(PATIENCE) > 0


def test_a_warning_that_comes_before_the_call_is_heeded_when_it_begins(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(counting.Disturbs(place, signal.SIGUSR2))
    assert job.result(PATIENCE) == "done"
    assert place.lines() == ["disturbed", "saved", "runs"]


def test_a_job_that_is_told_to_end_before_the_call_leaves_no_result_for_good(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(counting.Disturbs(place, signal.SIGTERM))
    job.wait(PATIENCE)
    result = job.folder.read_json(job.folder.result_file) or {}
    assert result["signal"] == "SIGTERM"
    assert place.lines() == ["disturbed"]


def test_a_worker_that_is_told_to_end_from_outside_saves_what_it_has(
    executor: LocalExecutor, place: Place
) -> None:
    job = executor.submit(Counting(place))
    wait_for(place, 1)
    started = job.folder.read_json(job.folder.started_file) or {}
    os.kill(started["pid"], signal.SIGTERM)
    job.wait(PATIENCE)
    assert job.folder.checkpoint_file.exists()
    result = job.folder.read_json(job.folder.result_file) or {}
    assert result["signal"] == "SIGTERM"
