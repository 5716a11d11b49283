"""The local backend's queue, with real processes: order, room, and that nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from nbsubmit.backends.queue import processes
from nbsubmit.backends.queue.turn import turn
from nbsubmit.core.errors import Refused, SubmitError
from nbsubmit.core.state import JobState
from tests.backends.queue_of_a_test import Queue, client, described, gated, most_at_once
from tests.opened import Opened
from tests.way import until


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue of this test's own, on a machine with two processors."""
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    monkeypatch.setenv("NBSUBMIT_LOCAL_SLOTS", "2")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    queue = Queue(tmp_path)
    yield queue
    queue.end()


def slots(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setenv("NBSUBMIT_LOCAL_SLOTS", str(number))


# Order and room


def test_jobs_run_in_the_order_in_which_they_came(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots(monkeypatch, 1)
    queue.send("first", gated("first"))
    for name in ("a", "b", "c", "d"):
        queue.send(name, f"note {name}")
    queue.open_gate()
    queue.wait_for_end()
    assert queue.lines() == ["start first", "end first", "a", "b", "c", "d"]


def test_a_job_that_starts_after_another_lets_those_pass_that_do_not(queue: Queue) -> None:
    first = queue.send("first", gated("first"))
    second = queue.send("second", "note second", after=(first,))
    third = queue.send("third", "note third; exit 1", after_any=(second,))
    queue.send("fourth", "note fourth")
    queue.wait_for("start first", "fourth")
    assert queue.report(second).reason == "it waits for other jobs"
    assert queue.state(third) is JobState.PENDING
    queue.open_gate()
    queue.wait_for_end()
    assert queue.lines() == ["start first", "fourth", "end first", "second", "third"]


def test_a_job_that_starts_after_another_starts_as_soon_as_that_has_ended(queue: Queue) -> None:
    now = "note $(date +%s.%N)"
    first = queue.send("first", f"{gated('first')}; {now}")
    second = queue.send("second", f"{now}; {now}", after=(first,))
    queue.send("third", now, after_any=(second,))
    queue.wait_for("start first")
    queue.open_gate()
    # Nobody polls meanwhile: that would have the queue look again. By itself it does after 3 s.
    until(lambda: len(queue.lines()) == 6, "all have run")
    ended, started, ended_too, started_too = map(float, queue.lines()[2:])
    assert started - ended < 2.5
    assert started_too - ended_too < 2.5


def test_what_runs_is_what_was_sent_whatever_lies_there_when_its_turn_comes(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may rename the store may put another one there, and in it another script."""
    slots(monkeypatch, 1)
    queue.send("first", gated("first"))
    queue.send("second", "note second")
    (queue.path / "jobs" / "second" / "script.sh").write_text(f"echo theirs >> {queue.notes}\n")
    queue.open_gate()
    queue.wait_for_end()
    assert queue.lines() == ["start first", "end first", "second"]
    assert list((queue.path / "queue" / "tickets").iterdir()) == []


def test_never_more_run_at_once_than_there_are_processors(queue: Queue) -> None:
    for number in range(10):
        queue.send(f"j{number}", f"note start {number}; sleep 0.1; note end {number}")
    queue.wait_for_end()
    assert len(queue.lines()) == 20
    assert most_at_once(queue.lines()) == 2


def test_a_job_that_finds_room_starts_at_once_and_needs_no_other_process(queue: Queue) -> None:
    handle = queue.send("only", gated("only"))
    queue.wait_for("start only")
    assert queue.state(handle) is JobState.RUNNING
    assert queue.folder.read().daemon is None


def test_a_job_that_waits_says_for_what_and_behind_how_many(queue: Queue) -> None:
    for name in ("a", "b"):
        queue.send(name, gated(name))
    first, second = queue.send("c", "note c"), queue.send("d", "note d")
    reports = queue.backend.poll([first, second])
    assert reports[first].state is JobState.PENDING
    assert reports[first].reason == "waits for a free processor"
    assert [reports[h].ahead for h in (first, second)] == [0, 1]


def test_when_a_job_would_start_is_told_before_it_is_sent(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = queue.launch("asked", "true")
    assert queue.backend.expected_start(asked) == "at once"
    for name in ("a", "b", "c"):
        queue.send(name, gated(name))
    assert queue.backend.expected_start(asked) == "later: it waits for a free processor, 1 ahead"
    monkeypatch.setenv("NBSUBMIT_LOCAL_GPUS", "0")
    too_much = queue.launch("too much", "true", gpus="2")
    assert queue.backend.expected_start(too_much).startswith("never: it asks for 2 GPUs")
    assert list(queue.folder.read().entries) == ["a", "b", "c"]


def test_a_job_that_needs_two_processors_waits_for_both_and_those_behind_wait_too(
    queue: Queue,
) -> None:
    queue.send("small", gated("small"))
    wide = queue.send("wide", "note wide", cpus=2)
    behind = queue.send("behind", "note behind")
    assert [queue.state(h) for h in (wide, behind)] == [JobState.PENDING] * 2
    queue.open_gate()
    queue.wait_for_end()
    assert queue.lines()[2:] == ["wide", "behind"]


def test_a_job_that_asks_for_more_processors_than_there_are_gets_all(queue: Queue) -> None:
    queue.send("huge", "note huge", cpus=1000)
    queue.wait_for("huge")


def test_a_number_of_slots_that_is_none_is_refused(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSUBMIT_LOCAL_SLOTS", "many")
    with pytest.raises(SubmitError, match="NBSUBMIT_LOCAL_SLOTS='many' is not a number"):
        queue.send("a", "true")


def test_two_hundred_jobs_that_wait_are_not_two_hundred_processes(queue: Queue) -> None:
    for name in ("a", "b"):
        queue.send(name, gated(name))
    before = len(psutil.pids())
    for number in range(200):
        queue.send(f"j{number}", f"note {number}")
    assert len(psutil.pids()) < before + 50
    assert processes.is_alive(queue.daemon())
    mine = [p for p in psutil.process_iter(["cmdline"]) if "nbsubmit.backends.queue" in _words(p)]
    assert sum(str(queue.path) in _environ(p) for p in mine) == 1


def _words(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or ())


def _environ(process: psutil.Process) -> str:
    try:
        return process.environ().get("NBSUBMIT_QUEUE", "")
    except psutil.Error:
        return ""


def test_a_thousand_jobs_that_wait_are_one_look(queue: Queue) -> None:
    for name in ("a", "b"):
        queue.send(name, gated(name))
    launch = queue.launch("one", "true")
    handles = [queue.backend.start(replace(launch, id=f"one-{n}")) for n in range(1000)]
    opened = Opened(queue.path)
    reports = queue.backend.poll(handles)
    assert 0 < len(opened.stop()) < 20
    assert [reports[handle].ahead for handle in handles] == list(range(1000))
    with turn(queue.folder) as state:
        for key in state.entries.keys() - {"a", "b"}:
            state.entries[key].stop()


def test_two_clients_at_once_take_no_more_than_there_is(queue: Queue) -> None:
    launches = [
        queue.launch(f"j{n}", f"note start {n}; sleep 0.05; note end {n}") for n in range(16)
    ]
    codes = [
        "from nbsubmit.backends.local import LocalBackend\n"
        + "".join(described(launch) + "LocalBackend().start(launch)\n" for launch in launches[i::2])
        for i in range(2)
    ]
    with client(codes[0]) as one, client(codes[1]) as other:
        assert one.wait(60) == other.wait(60) == 0
    queue.wait_for_end()
    assert len(queue.lines()) == 32
    assert most_at_once(queue.lines()) <= 2


def test_the_process_that_takes_turns_ends_when_there_is_nothing_left(queue: Queue) -> None:
    for name in ("a", "b", "c"):
        queue.send(name, "sleep 0.1")
    daemon = queue.daemon()
    queue.wait_for_end()
    until(lambda: not processes.is_alive(daemon), "it has ended")
    assert queue.folder.read().daemon is None
    assert (queue.path / "queue" / "daemon.log").read_text() == ""


# Nothing is lost


def test_jobs_that_wait_run_though_their_client_is_killed(queue: Queue) -> None:
    launches = [queue.launch(f"j{n}", f"{gated(str(n))}") for n in range(5)]
    code = "import time\nfrom nbsubmit.backends.local import LocalBackend\n"
    code += "".join(described(launch) + "LocalBackend().start(launch)\n" for launch in launches)
    with client(code + "print('sent', flush=True)\ntime.sleep(600)") as sender:
        assert sender.stdout is not None
        assert sender.stdout.readline() == "sent\n"
        os.kill(sender.pid, signal.SIGKILL)
    queue.open_gate()
    queue.wait_for(*(f"end {n}" for n in range(5)))
    assert sorted(queue.lines()) == sorted(f"{w} {n}" for n in range(5) for w in ("start", "end"))


def test_a_job_runs_on_when_the_process_that_takes_turns_is_killed_and_all_run_once(
    queue: Queue,
) -> None:
    handles = [queue.send(f"j{n}", gated(str(n))) for n in range(4)]
    queue.wait_for("start 0", "start 1")
    daemon = queue.daemon()
    os.kill(daemon.pid, signal.SIGKILL)
    until(lambda: not processes.is_alive(daemon), "it is gone")
    assert [queue.state(handle) for handle in handles[:2]] == [JobState.RUNNING] * 2
    assert queue.daemon() != daemon
    queue.open_gate()
    queue.wait_for_end()
    assert sorted(queue.lines()) == sorted(f"{w} {n}" for n in range(4) for w in ("start", "end"))


def test_what_is_started_by_a_client_that_is_killed_before_it_notes_that_does_not_run(
    queue: Queue,
) -> None:
    launch = queue.launch("a", "note ran")
    code = (
        "import os, signal\n"
        "from nbsubmit.backends.local import LocalBackend\n"
        "from nbsubmit.backends.queue.place import QueueFolder\n"
        f"{described(launch)}"
        "QueueFolder.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "LocalBackend().start(launch)\n"
    )
    with client(code) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    assert queue.folder.read().entries == {}
    # The next finds all in order, and what the killed one left is gone.
    queue.backend.start(launch)
    queue.wait_for("ran")
    assert queue.lines() == ["ran"]


def test_a_job_whose_handle_nobody_could_write_down_is_found_by_its_id(queue: Queue) -> None:
    queue.send("240102-030405-bcdf", gated("a"))
    assert queue.state("240102-030405-bcdf") is JobState.RUNNING


def test_a_job_of_another_machines_queue_is_not_taken_for_gone(queue: Queue) -> None:
    report = queue.report("240102-030405-bcdf@far.away")
    assert report.stale
    assert report.state is JobState.RUNNING
    with pytest.raises(OSError, match=r"cancel it there"):
        queue.backend.stop("240102-030405-bcdf@far.away")


def test_a_job_that_cannot_be_started_is_an_error_or_says_so_later(queue: Queue) -> None:
    nowhere = queue.path / "nowhere"
    with pytest.raises(SubmitError, match="could not be started"):
        queue.send("a", "true", working_directory=nowhere)
    for name in ("b", "c"):
        queue.send(name, gated(name))
    handle = queue.send("d", "true", working_directory=nowhere)
    queue.open_gate()
    report = until(lambda: (r := queue.report(handle)).state is JobState.FAILED and r, "it ended")
    assert "could not be started" in report.reason


def test_a_ticket_that_is_gone_ends_its_own_job_and_no_other(queue: Queue) -> None:
    for name in ("a", "b"):
        queue.send(name, gated(name))
    handle = queue.send("c", "note c")
    queue.send("d", "note d")
    (queue.path / "queue" / "tickets" / "c.json").unlink()
    queue.open_gate()
    queue.wait_for("d")
    queue.wait_for_end()
    assert queue.state(handle) is JobState.FAILED
    assert "c" not in queue.lines()


def test_a_queue_that_others_may_write_to_is_not_used(queue: Queue) -> None:
    (queue.path / "queue").mkdir(mode=0o777)
    (queue.path / "queue").chmod(0o777)
    with pytest.raises(SubmitError, match="others may write"):
        queue.send("a", "true")
    (queue.path / "queue").chmod(0o700)


def test_of_a_queue_that_cannot_be_read_a_job_is_neither_told_nor_ended(queue: Queue) -> None:
    handle = queue.send("a", gated("a"))
    queue.wait_for("start a")
    state = queue.path / "queue" / "queue.json"
    text = state.read_text()
    state.write_text("[")
    for ask in (queue.backend.poll, lambda handles: queue.backend.stop(handles[0])):
        with pytest.raises(OSError, match="is not what nbsubmit wrote there"):
            ask([handle])
    with pytest.raises(OSError, match="is not what nbsubmit wrote there"):
        queue.backend.warn(handle)
    state.write_text(text)
    queue.open_gate()
    queue.wait_for_end()
    assert queue.lines() == ["start a", "end a"]


def test_nobody_else_can_read_what_is_in_the_queue(queue: Queue) -> None:
    for name in ("a", "b", "c"):
        queue.send(name, gated(name), env={"TOKEN": "hush"})
    queue.daemon()
    for file in (queue.path / "queue").rglob("*"):
        wanted = 0o700 if file.is_dir() else 0o600
        assert stat.S_IMODE(file.stat().st_mode) == wanted, file
    queue.open_gate()
    queue.wait_for_end()
    # An environment is not kept for longer than it is needed.
    until(lambda: not list((queue.path / "queue" / "tickets").iterdir()), "the tickets are gone")


# Cancelling


def test_a_job_that_waits_can_be_cancelled_and_never_runs(queue: Queue) -> None:
    for name in ("a", "b"):
        queue.send(name, gated(name))
    waiting, other = queue.send("c", "note c"), queue.send("d", "note d")
    queue.backend.stop(waiting)
    assert queue.state(waiting) is JobState.CANCELLED
    assert queue.state(other) is JobState.PENDING
    queue.open_gate()
    queue.wait_for("d")
    assert "c" not in queue.lines()
    assert queue.state(waiting) is JobState.CANCELLED


def test_a_running_job_is_ended_with_all_that_it_started_and_its_place_is_free(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots(monkeypatch, 1)
    line = "sleep 600 & echo $! > child; (setsid sleep 600 & echo $! > far); note up; wait"
    handle = queue.send("a", line)
    queue.send("b", "note b")
    queue.wait_for("up")
    queue.backend.stop(handle)
    assert queue.state(handle) is JobState.CANCELLED
    child = int((queue.path / "child").read_text())
    until(lambda: not psutil.pid_exists(child), "its child is gone")
    queue.wait_for("b")
    os.kill(int((queue.path / "far").read_text()), signal.SIGKILL)


def test_a_worker_gets_the_signal_to_end_once_and_has_its_last_word(queue: Queue) -> None:
    code = (
        "import signal, sys, time\n"
        "def told(*_):\n"
        "    print('told', flush=True)\n"
        "    time.sleep(0.5)\n"
        "    print('done', flush=True)\n"
        "    sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, told)\n"
        "print('up', flush=True)\n"
        "time.sleep(600)"
    )
    handle = queue.send("a", f'exec {sys.executable} -c "{code}"')
    log = queue.path / "jobs" / "a" / "log.out"
    until(lambda: log.read_text(), "it is up")
    queue.backend.stop(handle)
    assert log.read_text() == "up\ntold\ndone\n"
    assert queue.exit_code("a") == "3"


def test_a_job_is_cancelled_while_it_is_being_set_up(queue: Queue) -> None:
    setup = (f"echo up >> {queue.notes}", "sleep 600")
    handle = queue.send("a", "note ran", setup=setup)
    queue.wait_for("up")
    began = time.monotonic()
    queue.backend.stop(handle)
    assert time.monotonic() - began < 60
    assert queue.state(handle) is JobState.CANCELLED
    assert queue.lines() == ["up"]


def test_a_stopped_process_is_reported_as_suspended(queue: Queue) -> None:
    handle = queue.send("a", gated("a"))
    queue.wait_for("start a")
    (run,) = queue.folder.read().entries["a"].runs.values()
    os.kill(run.processes[0].pid, signal.SIGSTOP)
    until(lambda: queue.state(handle) is JobState.SUSPENDED, "it is suspended")
    queue.backend.stop(handle)
    assert queue.state(handle) is JobState.CANCELLED


def test_a_handle_of_a_release_without_a_queue_is_still_known(queue: Queue) -> None:
    with client("import time; time.sleep(600)") as sleeper:
        handle = f"{sleeper.pid}:{psutil.Process(sleeper.pid).create_time()}"
        assert queue.state(handle) is JobState.RUNNING
        queue.backend.stop(handle)
        assert queue.state(handle) is JobState.FAILED
        assert sleeper.wait(10) == -signal.SIGTERM


# GPUs


def test_each_job_is_given_gpus_of_its_own_and_one_that_asks_for_none_keeps_what_it_sees(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots(monkeypatch, 8)
    monkeypatch.setenv("NBSUBMIT_LOCAL_GPUS", "0,1,3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    line = "note {0} sees $CUDA_VISIBLE_DEVICES; " + gated("{0}").replace("note start {0}; ", "")
    queue.send("two", line.format("two"), gpus="2")
    queue.send("none", line.format("none"))
    queue.wait_for("two sees 0,1", "none sees 7")
    waits = queue.send("more", line.format("more"), extra={"gpus-per-node": "a100:2"})
    assert queue.report(waits).reason == "waits for a free GPU"
    queue.send("one", line.format("one"), gpus="a100")  # one of a type
    queue.send("plain", line.format("plain"))
    # Past a job for which only GPUs are missing go those that need none, but no other.
    queue.wait_for("plain sees 7")
    assert not [seen for seen in queue.lines() if seen.startswith("one")]
    queue.open_gate()
    queue.wait_for_end()
    assert len([seen for seen in queue.lines() if "sees" in seen]) == 5


def test_more_gpus_than_there_are_is_refused(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBSUBMIT_LOCAL_GPUS", "0,1")
    with pytest.raises(Refused, match=r"asks for 3 GPUs and there are 2 here: 0, 1"):
        queue.send("a", "true", gpus="3")
    assert queue.folder.read().entries == {}


def test_a_machine_without_gpus_runs_what_asks_for_them_and_says_that_it_does_not_use_that(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = queue.launch("a", "note a", gpus="2", time_seconds=60, cpus=1)
    assert queue.backend.ignored(launch) == ["--gpus"]
    queue.backend.start(launch)
    queue.wait_for("a")
    monkeypatch.setenv("NBSUBMIT_LOCAL_GPUS", "0,1")
    assert queue.backend.ignored(launch) == []


# Time limits


def test_a_job_is_warned_then_told_to_end_and_reported_as_out_of_time(queue: Queue) -> None:
    line = (
        "trap 'note warned' USR2; trap 'note told; exit 5' TERM; note up; "
        "while :; do sleep 0.02; done"
    )
    handle = queue.send("a", line, time_seconds=3, signal_seconds=1)
    queue.wait_for("up", "warned")
    assert queue.state(handle) is JobState.RUNNING
    assert queue.report(handle).seconds == 3
    until(lambda: queue.state(handle) is JobState.TIMEOUT, "its time is over")
    assert queue.lines() == ["up", "warned", "told"]
    assert queue.exit_code("a") == "5"


def test_a_job_that_does_not_go_when_its_time_is_over_is_killed(queue: Queue) -> None:
    handle = queue.send("a", "trap '' TERM; note up; while :; do sleep 0.05; done", time_seconds=1)
    queue.wait_for("up")
    began = time.monotonic()
    queue.wait_for_end()
    assert 4 < time.monotonic() - began < 20
    assert queue.state(handle) is JobState.TIMEOUT


# Being run again


AGAIN = 'note run; [ -e once ] || { touch once; echo "{}" > "$0/requeue.json"; exit 4; }; note ok'


def again(queue: Queue, name: str, key: str = "") -> str:
    folder = queue.path / "jobs" / name / ("tasks" if key else "") / key
    return AGAIN.replace("$0", str(folder))


def test_a_job_that_asks_for_it_is_run_again_at_the_end_of_the_queue(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots(monkeypatch, 1)
    queue.send("first", gated("first"))
    handle = queue.send("a", again(queue, "a"))
    queue.send("b", "note b")
    queue.open_gate()
    queue.wait_for_end()
    assert queue.lines()[2:] == ["run", "b", "run", "ok"]
    assert not (queue.path / "jobs" / "a" / "requeue.json").exists()
    assert queue.exit_code("a") == "0"
    assert queue.state(handle) is JobState.FAILED


def test_a_job_that_found_room_is_run_again_though_no_client_looks(queue: Queue) -> None:
    queue.send("a", again(queue, "a"))
    queue.wait_for("ok")
    queue.wait_for_end()
    assert queue.lines() == ["run", "run", "ok"]


def test_a_cancelled_job_is_not_run_again(queue: Queue) -> None:
    folder = queue.path / "jobs" / "a"
    line = f"trap 'echo > {folder}/requeue.json; exit' TERM; note up; while :; do sleep 0.02; done"
    handle = queue.send("a", line)
    queue.wait_for("up")
    queue.backend.stop(handle)
    assert queue.state(handle) is JobState.CANCELLED
    assert not (folder / "requeue.json").exists()


# Jobs within jobs


def test_a_job_may_wait_for_one_that_it_sends(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots(monkeypatch, 1)
    inner = queue.launch("inner", "note inner")
    code = (
        "from nbsubmit.backends.local import LocalBackend\n"
        + described(inner)
        + "import time\nhandle = LocalBackend().start(launch)\n"
        "while not (launch.folder / 'exit').exists(): time.sleep(0.02)\n"
    )
    (queue.path / "outer.py").write_text(code)
    queue.send("outer", f"note outer; {sys.executable} outer.py && note both")
    queue.wait_for("both")
    assert queue.lines() == ["outer", "inner", "both"]


# The script


def test_lines_for_the_end_run_after_the_command_whose_exit_code_is_kept(queue: Queue) -> None:
    teardown = (f"echo after >> {queue.notes}", "false")
    queue.send("a", "note ran; exit 6", teardown=teardown)
    assert queue.exit_code("a") == "6"
    assert queue.lines() == ["ran", "after"]


def test_a_cell_can_still_be_interrupted(queue: Queue) -> None:
    code = "import signal; print(signal.getsignal(signal.SIGINT))"
    queue.send("a", f"exec {sys.executable} -c '{code}'")
    assert queue.exit_code("a") == "0"
    printed = (queue.path / "jobs" / "a" / "log.out").read_text()
    assert re.search("default_int_handler", printed)
