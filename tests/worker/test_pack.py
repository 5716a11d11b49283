"""Tasks that run one after another, forked from one process: real ones, without a scheduler."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

import nbsubmit
from nbsubmit.backends.debug import DebugBackend
from nbsubmit.client import watching
from nbsubmit.client.array import Array
from nbsubmit.client.executor import DebugExecutor
from nbsubmit.core.backend import Backend, Report
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import Shape, pack_of
from tests.library.counting import Counting, Ending, Place
from tests.way import PATIENCE, until
from tests.worker import packed

ROOT = Path(__file__).parents[2]
TURN = "waits for its turn in its pack"


class Packs(DebugBackend):
    """Starts nothing: the test does, and says what is seen of it."""

    name: ClassVar[str] = "of this test"
    packs: ClassVar[bool] = True
    sees: Report = Report(JobState.RUNNING)
    stopped: ClassVar[list[str]] = []

    def start(self, launch: Launch) -> str:
        return "7"

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        return dict.fromkeys(handles, self.sees)

    def stop(self, handle: str, owner: object = None) -> None:
        self.stopped.append(handle)


class Executor(DebugExecutor):
    """Sends packs of three to it."""

    backend_name = Packs.name

    def __init__(self, folder: Path) -> None:
        self.of_test = Packs()
        super().__init__(folder)
        self.update_parameters(pack=3)

    def backend(self) -> Backend:
        return self.of_test


@pytest.fixture
def executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    monkeypatch.setenv("NBSUBMIT_BEAT_SECONDS", "1")
    monkeypatch.setenv("NBSUBMIT_POLL_SECONDS", "1")
    watching.watcher.cache_clear()
    Packs.stopped.clear()
    yield Executor(tmp_path / "jobs")
    watching.watcher.cache_clear()


def whole(jobs: Array[Any]) -> JobFolder:
    """The folder of the whole array."""
    return JobFolder(jobs[0].folder.whole)


def pack(jobs: Array[Any], number: int = 0) -> JobFolder:
    """The folder of one of its packs."""
    folder = whole(jobs)
    return pack_of(folder, Shape.of(folder.spec), number)


def begun(jobs: Array[Any], number: int = 0) -> subprocess.Popen[bytes]:
    """Start the worker of a pack, as the script does."""
    environ = {**os.environ, "NBSUBMIT_PACK": str(number), "NBSUBMIT_JOB_ID": f"7_{number}"}
    command = [sys.executable, "-m", "nbsubmit.worker", str(whole(jobs).path)]
    return subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL)


def run(jobs: Array[Any], number: int = 0) -> int:
    """Run a pack to its end, and return the exit code."""
    return begun(jobs, number).wait(PATIENCE)


def began(place: Path) -> list[int]:
    """Which tasks have left a mark, in their order."""
    return sorted(int(mark.name.split()[1]) for mark in place.glob("began *"))


def pid_of(place: Path, number: int) -> int:
    (mark,) = place.glob(f"began {number} *")
    return int(mark.name.split()[2])


# Each task


def test_each_task_runs_in_a_process_of_its_own_that_was_forked_from_one(
    executor: Executor,
) -> None:
    jobs = executor.map_array(packed.told, range(7))
    for number in range(3):
        worker = begun(jobs, number)
        assert worker.wait(PATIENCE) == 0
        mine = [job.result(PATIENCE) for job in jobs[3 * number : 3 * number + 3]]
        assert {one["parent"] for one in mine} == {worker.pid}
    told = jobs.results(PATIENCE)
    assert [one["number"] for one in told] == list(range(7))
    assert [one["task"] for one in told] == [str(number) for number in range(7)]
    assert [one["id"] for one in told] == [job.id for job in jobs]
    assert [job.job_id for job in jobs] == [job.id for job in jobs]
    assert {job.handle for job in jobs} == {"7_0", "7_1", "7_2"}
    for name in ("pid", "chance", "session"):
        assert len({one[name] for one in told}) == 7
    assert [one["array"] for one in told] == [[str(number), "7", "6"] for number in range(7)]
    assert {one["pack"] for one in told} == {None}
    for one in told:
        assert one["argv"] == [""]
        assert one["blocked"] == set()
    assert [job.stdout() for job in jobs] == [f"out of {number}\n" for number in range(7)]
    assert [job.stderr() for job in jobs] == [f"err of {number}\n" for number in range(7)]
    assert not whole(jobs).read_json(pack(jobs, 2).end_file)


def test_where_something_has_begun_threads_each_is_started_anew(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    jobs = executor.map_array(packed.told, range(3))
    worker = begun(jobs)
    assert worker.wait(PATIENCE) == 0
    told = jobs.results(PATIENCE)
    assert [one["task"] for one in told] == ["0", "1", "2"]
    assert {one["parent"] for one in told} == {worker.pid}
    assert {tuple(one["blocked"]) for one in told} == {()}


ENDS = {
    "exit": "the worker ended with exit code 3 before it could write a result",
    "quietly": "its process ended by itself, as with os._exit, before it could write a result",
    "kill": "the worker was killed by SIGKILL, often for want of memory",
    "terminate": "told to end by SIGTERM",
    "abort": "the worker was killed by SIGABRT",
    "raise": "ValueError: raised",
}


@pytest.mark.parametrize("how", ENDS)
def test_a_task_that_dies_fails_alone_and_says_how(executor: Executor, how: str) -> None:
    jobs = executor.map_array(packed.end, ["well", how, "well"])
    assert run(jobs) == 1
    jobs.wait(PATIENCE)
    assert [job.state for job in jobs] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert jobs[1].status.reason.startswith(ENDS[how])
    assert [jobs[0].result(), jobs[2].result()] == ["well", "well"]
    # A new process, which has seen nothing of it, is told the same.
    again = nbsubmit.attach(jobs[1].id, executor.folder)
    assert (again.state, again.status.reason) == (jobs[1].state, jobs[1].status.reason)


def test_it_is_told_at_once_while_the_others_run(executor: Executor, tmp_path: Path) -> None:
    calls: list[Callable[[], Any]] = [
        Ends("kill"),
        Waits(str(tmp_path), 1),
        Waits(str(tmp_path), 2),
    ]
    jobs = executor.submit_array(calls)
    worker = begun(jobs)
    until(lambda: began(tmp_path) == [1], "the second runs")
    assert jobs[0].wait(PATIENCE).state is JobState.FAILED
    until(lambda: jobs[1].state is JobState.RUNNING, "it says so")
    (tmp_path / "gate").touch()
    assert worker.wait(PATIENCE) == 1
    assert [job.result(PATIENCE) for job in jobs[1:]] == [1, 2]


class Waits:
    """A call without arguments that waits."""

    def __init__(self, place: str, number: int) -> None:
        self.given = place, number

    def __call__(self) -> int:
        return packed.mark_and_wait(*self.given)


class Ends:
    """A call without arguments that ends somehow."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __call__(self) -> str:
        return packed.end(self.how)


@pytest.mark.parametrize("how", ["plainly", "in a session of its own", "as an orphan"])
def test_what_a_task_leaves_running_ends_with_it(
    executor: Executor, tmp_path: Path, how: str
) -> None:
    jobs = executor.map_array(packed.leave_a_child, [str(tmp_path)] * 3, range(3), [how] * 3)
    assert run(jobs) == 0
    assert jobs.results(PATIENCE) == [0, 0, 0]


# States


def test_those_that_wait_for_their_turn_say_so(executor: Executor, tmp_path: Path) -> None:
    jobs = executor.map_array(packed.mark_and_wait, [str(tmp_path)] * 4, range(4))
    executor.of_test.sees = Report(JobState.PENDING, "Resources")
    until(lambda: jobs[0].state and jobs[0].status.reason == "Resources", "the queue's reason")
    worker = begun(jobs)
    executor.of_test.sees = Report(JobState.RUNNING)
    until(lambda: jobs[0].state is JobState.RUNNING, "the first runs")
    until(lambda: jobs[2].state and jobs[2].status.reason == TURN, "the third waits")
    assert [jobs[n].state for n in (1, 2)] == ["PENDING", "PENDING"]
    assert jobs[1].status.reason == TURN
    (tmp_path / "gate").touch()
    assert worker.wait(PATIENCE) == 0
    assert [job.result(PATIENCE) for job in jobs[:3]] == [0, 1, 2]
    assert not jobs[3].done(force_check=True)


def test_of_a_pack_that_is_gone_the_rest_ends_as_the_backend_says(
    executor: Executor, tmp_path: Path
) -> None:
    jobs = executor.map_array(
        packed.mark_and_wait, [str(tmp_path), str(tmp_path / "other"), str(tmp_path)], range(3)
    )
    (tmp_path / "gate").touch()
    (tmp_path / "other").mkdir()
    worker = begun(jobs)
    until(lambda: began(tmp_path / "other") == [1], "the second runs")
    task = pid_of(tmp_path / "other", 1)
    worker.kill()
    worker.wait(PATIENCE)
    until(lambda: not packed.runs(str(task)), "no task runs on without its pack")
    executor.of_test.sees = Report(JobState.NODE_FAIL)
    jobs.wait(PATIENCE)
    assert [job.state for job in jobs] == ["COMPLETED", "NODE_FAIL", "NODE_FAIL"]
    assert {job.status.reason for job in jobs[1:]} == {"its node was lost"}
    assert jobs[0].result() == 0


def test_at_the_time_limit_the_one_that_runs_is_told_and_the_rest_is_not_begun(
    executor: Executor, tmp_path: Path
) -> None:
    jobs = executor.map_array(packed.mark_and_wait, [str(tmp_path)] * 3, range(3))
    worker = begun(jobs)
    until(lambda: began(tmp_path) == [0], "the first runs")
    executor.of_test.sees = Report(JobState.TIMEOUT)
    worker.terminate()
    assert worker.wait(PATIENCE) == 128 + signal.SIGTERM
    pack(jobs).exit_file.write_text("143")  # as the script does
    jobs.wait(PATIENCE)
    assert [job.state for job in jobs] == ["TIMEOUT"] * 3
    assert began(tmp_path) == [0]


# Cancelling


def test_one_that_has_not_begun_is_passed_over(executor: Executor, tmp_path: Path) -> None:
    jobs = executor.map_array(packed.mark_and_wait, [str(tmp_path)] * 3, range(3))
    jobs[0].cancel()
    assert jobs[0].wait(PATIENCE).state is JobState.CANCELLED
    worker = begun(jobs)
    until(lambda: began(tmp_path) == [1], "the second runs")
    jobs[2].cancel()
    assert jobs[2].wait(PATIENCE).state is JobState.CANCELLED
    (tmp_path / "gate").touch()
    assert worker.wait(PATIENCE) == 1
    assert jobs[1].result(PATIENCE) == 1
    assert began(tmp_path) == [1]
    assert Packs.stopped == []
    assert {jobs[n].status.reason for n in (0, 2)} == {"cancelled from this notebook"}


def test_one_that_runs_ends_alone(executor: Executor, tmp_path: Path) -> None:
    jobs = executor.map_array(packed.mark_and_wait, [str(tmp_path)] * 3, range(3))
    worker = begun(jobs)
    until(lambda: began(tmp_path) == [0], "the first runs")
    jobs[0].cancel()
    until(lambda: began(tmp_path) == [0, 1], "the second runs")
    assert jobs[0].wait(PATIENCE).state is JobState.CANCELLED
    assert jobs[0].status.reason == "cancelled from this notebook"
    (tmp_path / "gate").touch()
    assert worker.wait(PATIENCE) == 1
    assert [job.result(PATIENCE) for job in jobs[1:]] == [1, 2]
    assert Packs.stopped == []


def test_all_of_them_are_cancelled_by_their_packs(executor: Executor) -> None:
    jobs = executor.map_array(packed.told, range(7))
    jobs.cancel()
    assert Packs.stopped == ["7"]


# Once more


def test_warned_it_asks_for_another_run_and_the_rest_follows_then(
    executor: Executor, tmp_path: Path
) -> None:
    place = Place(tmp_path)
    calls: list[Callable[[], Any]] = [Ends("well"), Counting(place), lambda: place.note("last")]
    jobs = executor.submit_array(calls)
    worker = begun(jobs)
    until(place.lines, "the second runs")
    until(lambda: jobs[1].state is JobState.RUNNING, "it says so")
    worker.send_signal(signal.SIGUSR2)
    assert worker.wait(PATIENCE) == 1
    assert pack(jobs).requeue_file.exists()
    assert place.lines() == ["from 0"]
    # As the script and the backend do.
    pack(jobs).exit_file.write_text("1")
    pack(jobs).requeued_file.touch()
    executor.of_test.sees = Report(JobState.PENDING, "BeginTime")
    until(lambda: jobs[2].status.reason.startswith("its pack waits to be run again"), "the rest")
    until(lambda: jobs[1].status.reason.startswith("waits to be run again (run 2)"), "itself")
    assert [job.state for job in jobs] == ["COMPLETED", "PENDING", "PENDING"]
    pack(jobs).exit_file.unlink()
    pack(jobs).requeued_file.unlink()
    place.open_gate()
    executor.of_test.sees = Report(JobState.RUNNING)
    assert run(jobs) == 0
    assert jobs[1].result(PATIENCE) > 0
    jobs[2].wait(PATIENCE)
    first, second, last = place.lines()
    assert (first, last) == ("from 0", "last")
    assert second != first
    assert not pack(jobs).requeue_file.exists()


def test_those_that_have_ended_are_not_run_twice_however_they_ended(
    executor: Executor, tmp_path: Path
) -> None:
    place = Place(tmp_path)
    calls: list[Callable[[], Any]] = [
        _Noting(place, "kill"),
        _Noting(place, "raise"),
        _Noting(place, "well"),
    ]
    jobs = executor.submit_array(calls)
    assert run(jobs) == 1
    assert run(jobs) == 1
    jobs.wait(PATIENCE)
    assert place.lines() == ["kill", "raise", "well"]
    assert [job.state for job in jobs] == ["FAILED", "FAILED", "COMPLETED"]


class _Noting(Ends):
    def __init__(self, place: Place, how: str) -> None:
        super().__init__(how)
        self.place = place

    def __call__(self) -> str:
        self.place.note(self.how)
        return super().__call__()


def test_one_that_does_not_want_to_be_run_again_is_not(executor: Executor, tmp_path: Path) -> None:
    place = Place(tmp_path)
    calls: list[Callable[[], Any]] = [Ending(place), _Noting(place, "well")]
    jobs = executor.submit_array(calls)
    worker = begun(jobs)
    until(place.lines, "the first runs")
    whole(jobs).write_json(jobs[0].folder.interrupt_file, {"timeout": False})
    worker.send_signal(signal.SIGUSR2)
    assert jobs[0].wait(PATIENCE).state is JobState.PREEMPTED
    worker.wait(PATIENCE)
    assert run(jobs) == 1
    assert place.lines().count("from 0") == 1
    assert place.lines()[-1] == "well"
