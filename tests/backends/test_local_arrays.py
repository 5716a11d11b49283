"""Arrays and jobs of several processes on the local backend, with real processes."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsubmit.core.state import JobState
from tests.backends.queue_of_a_test import Queue, gated, most_at_once
from tests.opened import Opened
from tests.way import until


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue of this test's own, on a machine with four processors."""
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    monkeypatch.setenv("NBSUBMIT_LOCAL_SLOTS", "4")
    queue = Queue(tmp_path)
    yield queue
    queue.end()


TASK = "note task $NBSUBMIT_TASK; echo $NBSUBMIT_TASK; exit $NBSUBMIT_TASK"


def test_every_task_runs_once_with_its_number_its_log_and_its_exit_code(queue: Queue) -> None:
    queue.send("a", TASK, count=6)
    queue.wait_for_end()
    assert sorted(queue.lines()) == [f"task {k}" for k in range(6)]
    for task in range(6):
        log = queue.path / "jobs" / "a" / "logs" / f"{task}.out"
        assert log.read_text() == f"{task}\n"
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        assert queue.exit_code("a", str(task)) == str(task)


def test_a_part_of_an_array_has_the_numbers_of_the_whole(queue: Queue) -> None:
    queue.send("a", TASK, count=2, first=5)
    queue.wait_for_end()
    assert sorted(queue.lines()) == ["task 5", "task 6"]
    assert queue.exit_code("a", "6") == "6"


def test_no_more_tasks_run_at_once_than_are_allowed_and_others_may_pass(queue: Queue) -> None:
    array = queue.send("a", "note start; sleep 0.1; note end", count=8, parallel=2)
    until(lambda: len(queue.folder.read().entries["a"].runs) == 2, "two run")
    assert queue.report(f"{array}_7").reason == "waits for other tasks of its array"
    other = queue.send("other", gated("other"))
    assert queue.state(other) is JobState.RUNNING
    until(lambda: queue.lines().count("end") == 8, "all tasks have run")
    assert most_at_once([line for line in queue.lines() if "other" not in line]) == 2


def test_one_task_is_cancelled_and_the_others_run(queue: Queue) -> None:
    array = queue.send("a", gated("$NBSUBMIT_TASK"), count=6)
    queue.wait_for("start 0", "start 1", "start 2", "start 3")
    queue.backend.stop(f"{array}_1")
    queue.backend.stop(f"{array}_5")
    assert [queue.state(f"{array}_{k}") for k in (1, 5)] == [JobState.CANCELLED] * 2
    queue.open_gate()
    queue.wait_for_end()
    assert {line for line in queue.lines() if "end" in line} == {f"end {k}" for k in (0, 2, 3, 4)}
    assert [queue.state(f"{array}_{k}") for k in (1, 5)] == [JobState.CANCELLED] * 2
    assert queue.state(f"{array}_0") is JobState.FAILED


def test_a_whole_array_is_cancelled(queue: Queue) -> None:
    array = queue.send("a", gated("$NBSUBMIT_TASK"), count=1000)
    queue.wait_for("start 3")
    queue.backend.stop(array)
    reports = queue.backend.poll([array, *(f"{array}_{k}" for k in range(1000))])
    assert {report.state for report in reports.values()} == {JobState.CANCELLED}
    assert queue.folder.read().entries == {}
    assert not [line for line in queue.lines() if "end" in line]


def test_ten_thousand_tasks_are_one_ticket_and_one_look(queue: Queue) -> None:
    array = queue.send("a", gated("$NBSUBMIT_TASK"), count=10_000)
    assert len(list((queue.path / "queue" / "tickets").glob("*.json"))) == 1
    assert queue.folder.state_file.stat().st_size < 4000
    handles = [f"{array}_{k}" for k in range(10_000)]
    opened = Opened(queue.path)
    reports = queue.backend.poll([array, *handles])
    assert 0 < len(opened.stop()) < 20
    states = [reports[handle].state for handle in handles]
    assert states == [JobState.RUNNING] * 4 + [JobState.PENDING] * 9_996
    assert reports[array].state is JobState.RUNNING


def test_a_task_that_asks_for_it_is_run_again_after_all_others(queue: Queue) -> None:
    folder = queue.path / "jobs" / "a" / "tasks"
    line = (
        "note run $NBSUBMIT_TASK; [ $NBSUBMIT_TASK != 1 ] || [ -e once ] || "
        f"{{ touch once; echo > {folder}/1/requeue.json; }}"
    )
    queue.send("a", line, count=6, parallel=1)
    queue.wait_for_end()
    assert queue.lines() == [f"run {k}" for k in (0, 1, 2, 3, 4, 5, 1)]


def test_the_time_limit_is_each_tasks_own(queue: Queue) -> None:
    line = "[ $NBSUBMIT_TASK = 1 ] && exec sleep 600; note $NBSUBMIT_TASK"
    array = queue.send("a", line, count=3, time_seconds=1)
    queue.wait_for_end()
    assert queue.state(f"{array}_1") is JobState.TIMEOUT
    assert sorted(queue.lines()) == ["0", "2"]


# Several processes


def test_the_processes_of_a_job_start_together_and_one_that_fails_ends_no_other(
    queue: Queue,
) -> None:
    line = (
        "note start $NBSUBMIT_RANK of $NBSUBMIT_RANKS; echo $NBSUBMIT_RANK; "
        "[ $NBSUBMIT_RANK = 1 ] && exit 9; " + gated("$NBSUBMIT_RANK").partition("; ")[2]
    )
    handle = queue.send("a", line, ranks=3)
    queue.wait_for(*(f"start {r} of 3" for r in range(3)))
    assert queue.exit_code("a", "_1") == "9"
    assert queue.state(handle) is JobState.RUNNING
    waits = queue.send("wide", "note wide", cpus=2)
    assert queue.state(waits) is JobState.PENDING
    queue.open_gate()
    queue.wait_for_end()
    assert [queue.exit_code("a", f"_{r}") for r in range(3)] == ["0", "9", "0"]
    logs = queue.path / "jobs" / "a" / "logs"
    assert [(logs / f"_{r}.out").read_text() for r in range(3)] == ["0\n", "1\n", "2\n"]


def test_the_tasks_of_an_array_may_have_several_processes(queue: Queue) -> None:
    queue.send("a", "note $NBSUBMIT_TASK $NBSUBMIT_RANK", count=3, ranks=2)
    queue.wait_for_end()
    assert sorted(queue.lines()) == [f"{k} {r}" for k in range(3) for r in range(2)]
    assert queue.exit_code("a", "2_1") == "0"
    assert (queue.path / "jobs" / "a" / "logs" / "2_1.out").exists()


def test_all_processes_of_a_job_are_cancelled(queue: Queue) -> None:
    handle = queue.send("a", gated("$NBSUBMIT_RANK"), ranks=4)
    queue.wait_for("start 3")
    queue.backend.stop(handle)
    assert queue.state(handle) is JobState.CANCELLED
    assert {queue.exit_code("a", f"_{r}") for r in range(4)} == {"143"}


def test_one_of_several_processes_can_ask_for_all_to_be_run_again_and_nobody_has_to_look(
    queue: Queue,
) -> None:
    folder = queue.path / "jobs" / "a"
    line = (
        "note run $NBSUBMIT_RANK; [ $NBSUBMIT_RANK = 1 ] || exit 0; "
        f"[ -e once ] || {{ touch once; echo > {folder}/requeue.json; exit; }}; note ok"
    )
    queue.send("a", line, ranks=2)
    queue.wait_for("ok")
    queue.wait_for_end()
    assert sorted(queue.lines()) == ["ok", "run 0", "run 0", "run 1", "run 1"]
