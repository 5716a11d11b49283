"""Waiting for several jobs."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from nbsubmit import AutoExecutor, JobState
from nbsubmit.client.job import Job
from nbsubmit.helpers import as_completed, monitor_jobs
from tests.way import PATIENCE, until


def once_there(path: Path) -> str:
    """Return when there is such a file; the name of a job's function is not that of a test's."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.01)
    return path.name


def fail() -> None:
    raise KeyError("k")


@pytest.fixture
def executor(tmp_path: Path) -> AutoExecutor:
    return AutoExecutor(tmp_path / "jobs", cluster="local")


def test_jobs_come_in_the_order_in_which_they_end(executor: AutoExecutor, tmp_path: Path) -> None:
    names = ("late", "early", "middle")
    jobs = executor.map_array(once_there, [tmp_path / name for name in names])
    found: list[str] = []
    (tmp_path / "early").touch()
    for job in as_completed(jobs, timeout=PATIENCE, poll_frequency=PATIENCE):
        found.append(job.result())
        (tmp_path / ("middle" if len(found) == 1 else "late")).touch()
    assert found == ["early", "middle", "late"]


def test_who_waits_is_woken_at_once(executor: AutoExecutor, tmp_path: Path) -> None:
    job = executor.submit(once_there, tmp_path / "file")
    until(job.running, "the job runs")
    (tmp_path / "file").touch()
    began = time.monotonic()
    assert list(as_completed([job], poll_frequency=10 * PATIENCE)) == [job]
    assert time.monotonic() - began < PATIENCE


def test_a_job_that_failed_or_was_cancelled_has_ended_too(
    executor: AutoExecutor, tmp_path: Path
) -> None:
    jobs: list[Job[object]] = [
        executor.submit(fail), executor.submit(once_there, tmp_path / "never"),
    ]  # fmt: skip
    jobs[1].cancel()
    states = {job.state for job in as_completed(jobs, timeout=PATIENCE)}
    assert states == {JobState.FAILED, JobState.CANCELLED}


def test_no_jobs_are_no_wait() -> None:
    assert list(as_completed([])) == []


def test_when_the_time_is_over_it_says_how_many_go_on(
    executor: AutoExecutor, tmp_path: Path
) -> None:
    jobs = executor.map_array(once_there, [tmp_path / "there", tmp_path / "not yet"])
    (tmp_path / "there").touch()
    jobs[0].wait(PATIENCE)
    ending = as_completed(jobs, timeout=0.3)
    assert next(ending) is jobs[0]
    with pytest.raises(TimeoutError, match=r"1 of 2 jobs go on after 0\.3 s"):
        next(ending)
    (tmp_path / "not yet").touch()
    assert [job.result(PATIENCE) for job in jobs] == ["there", "not yet"]


def test_a_monitor_tells_how_jobs_go_and_which_have_failed(
    executor: AutoExecutor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs: list[Job[object]] = [
        executor.submit(once_there, tmp_path / "file"), executor.submit(fail),
    ]  # fmt: skip
    until(lambda: jobs[0].running() and jobs[1].done(), "one runs and one has failed")
    told: list[tuple[int, dict[str, set[int]]]] = []

    def log(started: float, number: int, states: object) -> str:
        assert started <= time.time()
        assert isinstance(states, dict)
        told.append((number, states))
        (tmp_path / "file").touch()
        return "a line of my own"

    monitor_jobs(jobs, poll_frequency=0.5, custom_logging=log)
    assert told[0] == (2, {"RUNNING": {0}, "FAILED": {1}, "DONE": {1}})
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first == f"Monitoring 2 jobs: {', '.join(sorted(job.job_id for job in jobs))}"
    assert set(lines) == {"a line of my own"}
    assert last == "All 2 jobs have ended after 0 min, those that failed: 1"


class Screen(io.StringIO):
    """Makes a file as soon as a line says that a job runs."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def write(self, text: str) -> int:
        if "RUNNING" in text:
            self._file.touch()
        return super().write(text)


def test_a_monitor_prints_how_many_are_in_each_state(
    executor: AutoExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = executor.submit(once_there, tmp_path / "file")
    until(job.running, "the job runs")
    screen = Screen(tmp_path / "file")
    monkeypatch.setattr(sys, "stdout", screen)
    monitor_jobs([job], poll_frequency=PATIENCE)
    _, line, last = screen.getvalue().splitlines()
    assert line.endswith("  1 RUNNING of 1")
    assert last == "All 1 jobs have ended after 0 min, none has failed"


def test_a_monitor_takes_any_time_between_lines_but_none(
    executor: AutoExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor_jobs([])
    assert capsys.readouterr().out == "There are no jobs to monitor\n"
    with pytest.raises(ValueError, match="more than 0"):
        monitor_jobs([], poll_frequency=0)
