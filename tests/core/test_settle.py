"""What the folder says + what the backend says → the one status, as a table."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest

from nbsubmit.core.backend import Report
from nbsubmit.core.found import Found
from nbsubmit.core.result import CellError, Result
from nbsubmit.core.settle import (
    GRACE_SECONDS,
    LIMBO_SECONDS,
    UNHEARD_SECONDS,
    VERDICT_SECONDS,
    settle,
)
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.usage import Limits, Sample

S = JobState

DONE = Result(started=1.0, ended=2.0, python=(3, 11))
RAISED = replace(DONE, error=CellError("KeyError", "'x'\nand a second line", ("trace",)))
TOLD = replace(DONE, error=CellError("Terminated", "SIGTERM", ("trace",)), signal="SIGTERM")

SENT = Found(handle="17")
STARTED = replace(SENT, node="n1")
# A task of a pack that is in the queue, and of one that runs.
PACKED = replace(SENT, packed=True)
IN_TURN = replace(PACKED, in_turn=True)
ITS_TURN = "waits for its turn in its pack"


def stale(state: JobState | None) -> Report:
    return Report(state, "it cannot be asked", "n7", stale=True)


MIB = 1 << 20
GIVEN = Limits(memory=1024 * MIB)
MOST = Sample(at=1.0, cpu=50.0, memory=1, peak=950 * MIB)
LITTLE = replace(MOST, peak=10 * MIB)

NOW = 0.0
LATER = GRACE_SECONDS
MUCH_LATER = VERDICT_SECONDS


def found(base: Found = STARTED, **what: Any) -> Found:
    return replace(base, **what)


def says(state: JobState | None, reason: str = "") -> Report:
    return Report(state, reason, "n7")


# In words: (folder, backend, seconds of doubt) → state, reason.
OTHERS = Report(None, foreign=True)
TABLE: dict[str, tuple[Found, Report | None, float, JobState, str]] = {
    # On its way
    "just sent": (SENT, None, NOW, S.PENDING, ""),
    "waits in the queue": (SENT, says(S.PENDING, "Priority"), NOW, S.PENDING, "Priority"),
    "has started": (STARTED, None, NOW, S.RUNNING, ""),
    "runs, both say": (STARTED, says(S.RUNNING), NOW, S.RUNNING, ""),
    "runs, the disk is late": (SENT, says(S.RUNNING), NOW, S.RUNNING, ""),
    "is suspended": (STARTED, says(S.SUSPENDED, "its process is stopped"), NOW, S.SUSPENDED,
                     "its process is stopped"),
    "is being cancelled": (found(cancelled=True), says(S.RUNNING), NOW, S.RUNNING,
                           "being cancelled"),
    "is being cancelled in the queue": (found(SENT, cancelled=True), says(S.PENDING), NOW,
                                        S.PENDING, "being cancelled"),
    "waits for another run": (STARTED, says(S.PENDING), NOW, S.PENDING, "waits to be run again"),
    "waits for another run, the queue says why": (STARTED, says(S.PENDING, "BeginTime"), NOW,
                                                  S.PENDING, r"\(run 2\): BeginTime"),
    "waits for its fourth run": (found(run=3), says(S.PENDING), NOW, S.PENDING,
                                 r"waits to be run again \(run 4\)"),
    # The result is there: nothing else counts
    "has succeeded": (found(result=DONE), None, NOW, S.COMPLETED, ""),
    "has raised": (found(result=RAISED), None, NOW, S.FAILED, "KeyError: 'x'"),
    "has succeeded, the backend thinks it runs": (found(result=DONE), says(S.RUNNING), NOW,
                                                  S.COMPLETED, ""),
    "has succeeded, the backend says it failed": (found(result=DONE), says(S.FAILED), MUCH_LATER,
                                                  S.COMPLETED, ""),
    "has succeeded, the backend says it is out of time": (
        found(result=DONE), says(S.TIMEOUT), MUCH_LATER, S.COMPLETED, ""),
    "has succeeded, the backend has forgotten it": (found(result=DONE), says(None), MUCH_LATER,
                                                    S.COMPLETED, ""),
    "has succeeded before it was cancelled": (found(result=DONE, cancelled=True),
                                              says(S.CANCELLED), NOW, S.COMPLETED, ""),
    "has succeeded, with an exit code": (found(result=DONE, exit_code=1), None, MUCH_LATER,
                                         S.COMPLETED, ""),
    "has succeeded although it was given up": (
        found(result=DONE, end=Status(S.LOST, "it is gone")), None, NOW, S.COMPLETED, ""),
    "has succeeded although it was thought refused": (found(result=DONE, refusal="no answer"),
                                                      None, NOW, S.COMPLETED, ""),
    # Settled once
    "was settled earlier": (found(end=Status(S.TIMEOUT, "why", "what", "n1")), None, NOW,
                            S.TIMEOUT, "why"),
    "was settled earlier, the backend has forgotten it": (
        found(end=Status(S.NODE_FAIL, "why")), says(None), MUCH_LATER, S.NODE_FAIL, "why"),
    # Never taken
    "was refused": (Found(refusal="invalid partition"), None, NOW, S.REFUSED, "invalid partition"),
    # The backend says that it ended: a result may still come
    "completed, the disk may be late": (STARTED, says(S.COMPLETED), NOW, S.RUNNING, ""),
    "completed, and no result came": (STARTED, says(S.COMPLETED), LATER, S.LOST,
                                      "it ended without leaving a result"),
    "completed while it was being cancelled, the disk may be late": (
        found(cancelled=True), says(S.COMPLETED), NOW, S.RUNNING, "being cancelled"),
    "failed, the disk may be late": (STARTED, says(S.FAILED, "exit code 1"), NOW, S.RUNNING,
                                     "exit code 1"),
    "failed, and no result came": (STARTED, says(S.FAILED, "exit code 1"), LATER, S.FAILED,
                                   "exit code 1"),
    "failed, nobody says why": (STARTED, says(S.FAILED), LATER, S.FAILED, r"\w+ \w+"),
    "failed with a good exit code": (found(exit_code=0), says(S.FAILED), LATER, S.FAILED,
                                     r"\w+ \w+"),
    "failed before Python": (found(SENT, exit_code=127), says(S.FAILED, "exit code 127"), LATER,
                             S.FAILED, "the Python of this job does not exist on the node"),
    "failed, Python not allowed": (found(SENT, exit_code=126), says(S.FAILED), LATER, S.FAILED,
                                   "the Python of this job may not be executed on the node"),
    "failed before Python, in the shell's words": (
        found(SENT, exit_code=127, last_words="/var/x/script.sh: line 8: module: not found"),
        says(S.FAILED), LATER, S.FAILED,
        "something that this job needs does not exist on the node: module: not found",
    ),
    "failed before the worker": (
        found(SENT, exit_code=1, last_words="/usr/bin/python3: No module named nbsubmit"),
        says(S.FAILED), LATER, S.FAILED,
        "exit code 1 before it could write a result: /usr/bin/python3: No module named nbsubmit",
    ),
    "failed in a setup line": (found(SENT, exit_code=7), says(S.FAILED), LATER, S.FAILED,
                               "its script ended with exit code 7 before the cell was run"),
    "its script was killed, not it": (
        STARTED, says(S.FAILED, "it could not be started on its node"), LATER, S.FAILED,
        "its script was killed on its node"),
    "killed for memory": (found(exit_code=137), says(S.FAILED), LATER, S.FAILED,
                          "killed by SIGKILL, often for want of memory"),
    "crashed": (found(exit_code=139), says(S.FAILED), LATER, S.FAILED, "killed by SIGSEGV"),
    "it asked to be run again, and is not": (
        found(exit_code=1, not_queued="Requested operation is presently disabled"),
        says(S.FAILED, "exit code 1"), LATER, S.FAILED,
        "it was told to end, and it was not queued again: Requested operation is presently"),
    "an exit code beyond all signals": (found(exit_code=255), says(S.FAILED), LATER, S.FAILED,
                                        "exit code 255"),
    # The backend says why: no need to wait
    "out of time": (STARTED, says(S.TIMEOUT), NOW, S.TIMEOUT, "it reached its time limit"),
    "out of time, and not run again": (
        found(not_again="timed-out too many times"), says(S.TIMEOUT), NOW, S.TIMEOUT,
        "Job not requeued because: timed-out too many times"),
    "out of memory": (STARTED, says(S.OUT_OF_MEMORY), NOW, S.OUT_OF_MEMORY,
                      "it ran out of memory"),
    "preempted": (STARTED, says(S.PREEMPTED), NOW, S.PREEMPTED,
                  "it had to make room for another job"),
    "its node failed": (STARTED, says(S.NODE_FAIL), NOW, S.NODE_FAIL, "its node was lost"),
    "cancelled by somebody": (STARTED, says(S.CANCELLED), NOW, S.CANCELLED,
                              "somebody cancelled it"),
    "cancelled by somebody known": (STARTED, says(S.CANCELLED, "cancelled by 1000"), NOW,
                                    S.CANCELLED, "cancelled by 1000"),
    "cancelled here": (found(cancelled=True), says(S.CANCELLED, "cancelled by 1000"), NOW,
                       S.CANCELLED, "cancelled from this notebook"),
    "cancelled here, as a process": (found(cancelled=True), says(S.FAILED, "its process is gone"),
                                     NOW, S.CANCELLED, "cancelled from this notebook"),
    "out of memory, and how much it had": (
        found(limits=GIVEN, usage=MOST), says(S.OUT_OF_MEMORY), NOW, S.OUT_OF_MEMORY,
        "it ran out of memory: it had 950 MB of 1 GB when that was last noted"),
    "out of memory before anything was noted": (
        found(limits=GIVEN), says(S.OUT_OF_MEMORY), NOW, S.OUT_OF_MEMORY,
        "it ran out of memory: it was given 1 GB"),
    "out of memory of nobody knows how much": (
        found(usage=MOST), says(S.OUT_OF_MEMORY), NOW, S.OUT_OF_MEMORY,
        "it ran out of memory: it had 950 MB when that was last noted"),
    "failed with all of its memory": (
        found(limits=GIVEN, usage=MOST), says(S.FAILED, "it was ended by signal 9"), LATER,
        S.OUT_OF_MEMORY, "it ran out of memory: it had 950 MB of 1 GB when that was last noted"),
    "killed with all of its memory": (
        found(limits=GIVEN, usage=MOST, exit_code=137), says(None), LATER, S.OUT_OF_MEMORY,
        "it ran out of memory: it had 950 MB of 1 GB when that was last noted"),
    "killed with little of its memory": (
        found(limits=GIVEN, usage=LITTLE, exit_code=137), says(S.FAILED), LATER, S.FAILED,
        "the worker was killed by SIGKILL, often for want of memory: "
        "it had 10 MB of 1 GB when that was last noted"),
    "failed with little of its memory": (
        found(limits=GIVEN, usage=LITTLE), says(S.FAILED, "it was ended by signal 9"), LATER,
        S.FAILED, "it was ended by signal 9"),
    "ended by itself with all of its memory": (
        found(limits=GIVEN, usage=MOST, exit_code=1), says(S.FAILED), LATER, S.FAILED,
        "the worker ended with exit code 1 before it could write a result"),
    "cancelled here with all of its memory": (
        found(limits=GIVEN, usage=MOST, cancelled=True), says(S.FAILED), LATER, S.CANCELLED,
        "cancelled from this notebook"),
    "cancelled here, out of memory before": (found(cancelled=True), says(S.OUT_OF_MEMORY), NOW,
                                             S.OUT_OF_MEMORY, "it ran out of memory"),
    # It was told to end, and what it had goes with it
    "told to end, nobody knows yet why": (found(signal="SIGTERM", result=TOLD), None, NOW,
                                          S.RUNNING, ""),
    "told to end, for time": (found(signal="SIGTERM", result=TOLD), says(S.TIMEOUT), NOW,
                              S.TIMEOUT, "it reached its time limit"),
    "told to end, for another job": (found(signal="SIGTERM", result=TOLD), says(S.PREEMPTED), NOW,
                                     S.PREEMPTED, "it had to make room for another job"),
    "told to end, preempted and queued again": (
        found(signal="SIGTERM", result=TOLD), says(S.PENDING, "BeginTime"), MUCH_LATER, S.PENDING,
        "BeginTime"),
    "told to end, as a process": (found(signal="SIGTERM"), says(S.FAILED, "its process is gone"),
                                  NOW, S.FAILED, "told to end by SIGTERM"),
    "told to end, the backend has forgotten it": (found(signal="SIGTERM"), says(None), LATER,
                                                  S.CANCELLED, "told to end by SIGTERM"),
    "told to end, with an exit code, the backend has forgotten it": (
        found(signal="SIGTERM", result=TOLD, exit_code=1), says(None), LATER, S.CANCELLED,
        "told to end by SIGTERM"),
    "told to end before it could note that, nobody can be asked": (
        found(exit_code=143, signal="SIGTERM"), stale(S.RUNNING), MUCH_LATER, S.RUNNING,
        "told to end by SIGTERM, and it cannot be asked whether it is to run again"),
    "has had itself queued again, nobody was asked": (
        found(exit_code=0, queued_again=True), None, UNHEARD_SECONDS, S.PENDING,
        r"waits to be run again \(run 2\)"),
    "has had itself queued again, nobody can be asked": (
        found(exit_code=0, queued_again=True), stale(S.RUNNING), UNHEARD_SECONDS, S.PENDING,
        r"waits to be run again \(run 2\): it cannot be asked"),
    "has had itself queued again, and that has ended": (
        found(exit_code=0, queued_again=True), says(None), LATER, S.FAILED, "as with os._exit"),
    # Its handle is another job's
    "is another's now, perhaps for a moment": (STARTED, OTHERS, NOW, S.RUNNING, ""),
    "is another's now": (STARTED, OTHERS, LATER, S.LOST, "its id 17 is another job's now"),
    "is another's now, before it was seen to start": (
        SENT, OTHERS, LATER, S.LOST, "its id 17 is another job's now"),
    "is another's now, and was to be cancelled": (
        found(cancelled=True), OTHERS, LATER, S.LOST, "its id 17 is another job's now"),
    "is another's now, and had ended": (
        found(exit_code=139), OTHERS, LATER, S.FAILED, "killed by SIGSEGV"),
    # It may never have been started
    "was not handed over": (Found(), None, LIMBO_SECONDS, S.LOST, "while it was handing it over"),
    "may have been handed over, and nobody can be asked": (
        Found(), stale(S.PENDING), LIMBO_SECONDS, S.PENDING, "it cannot be asked"),
    # Its log says more than anybody else
    "was killed, and its log says for what": (
        found(over_memory=True, limits=GIVEN), says(S.FAILED), LATER, S.OUT_OF_MEMORY,
        "it ran out of memory"),
    # The backend does not know it
    "unknown, perhaps for a moment": (STARTED, says(None), NOW, S.RUNNING, ""),
    "unknown before it was seen to start": (SENT, says(None), NOW, S.PENDING, ""),
    "unknown for good": (STARTED, says(None), LATER, S.LOST, "it is gone and left no result"),
    "unknown for good and never started": (SENT, says(None), LATER, S.LOST,
                                           "it is gone and left no result"),
    "unknown, and cancelled here": (found(SENT, cancelled=True), says(None), LATER, S.CANCELLED,
                                    "cancelled from this notebook"),
    "unknown, and was killed": (found(exit_code=137), says(None), LATER, S.FAILED,
                                "killed by SIGKILL"),
    "unknown, it asked to be run again, and is not": (
        found(exit_code=1, not_queued="Access denied"), says(None), LATER, S.FAILED,
        "it was not queued again: Access denied"),
    # The worker ended and the backend cannot be asked, or has no opinion yet
    "ended, not asked yet": (found(exit_code=1), None, LATER, S.RUNNING, ""),
    "ended, nobody could be asked": (found(exit_code=1), None, MUCH_LATER, S.FAILED,
                                     "exit code 1 before it could write a result"),
    "ended, still said to run": (found(exit_code=1), says(S.RUNNING), LATER, S.RUNNING, ""),
    "ended once, and runs again": (found(exit_code=1), says(S.RUNNING), MUCH_LATER, S.RUNNING, ""),
    "ended, was said to run, and nobody can be asked": (
        found(exit_code=1), stale(S.RUNNING), MUCH_LATER, S.FAILED,
        "exit code 1 before it could write a result"),
    "was unknown, and nobody can be asked again": (STARTED, stale(None), MUCH_LATER, S.RUNNING,
                                                   "cannot be asked"),
    "ended well, without a result": (found(exit_code=0), None, MUCH_LATER, S.FAILED,
                                     "its process ended by itself, as with os._exit"),
    "ended well, without a result, as the backend says too": (
        found(exit_code=0), says(S.COMPLETED), LATER, S.FAILED, "itself, as with os._exit"),
    "ended, and cancelled here": (found(exit_code=143, cancelled=True), None, MUCH_LATER,
                                  S.CANCELLED, "cancelled from this notebook"),
    # It has its turn in a pack
    "its pack waits in the queue": (PACKED, says(S.PENDING, "Priority"), NOW, S.PENDING,
                                    "^Priority$"),
    "its pack has begun": (IN_TURN, None, NOW, S.PENDING, ITS_TURN),
    "its pack has begun, the disk is late": (PACKED, says(S.RUNNING), NOW, S.PENDING, ITS_TURN),
    "its pack runs, both say": (IN_TURN, says(S.RUNNING), NOW, S.PENDING, ITS_TURN),
    "its pack is suspended": (IN_TURN, says(S.SUSPENDED), NOW, S.PENDING, ITS_TURN),
    "its pack has begun, and nobody can be asked": (IN_TURN, stale(S.PENDING), NOW, S.PENDING,
                                                    ITS_TURN),
    "its pack is in the queue again": (IN_TURN, says(S.PENDING, "BeginTime"), NOW, S.PENDING,
                                       "^BeginTime$"),
    "its pack has had itself queued again": (
        found(PACKED, queued_again=True, exit_code=1), says(S.PENDING, "BeginTime"), NOW,
        S.PENDING, "^its pack waits to be run again: BeginTime$"),
    "its pack has had itself queued again, nobody was asked": (
        found(PACKED, queued_again=True, exit_code=1), None, LATER, S.PENDING,
        "^its pack waits to be run again$"),
    "its pack is cancelled": (found(IN_TURN, cancelled=True), says(S.RUNNING), NOW, S.PENDING,
                              "being cancelled"),
    "it alone was cancelled before its turn": (
        found(IN_TURN, cancelled=True, passed_over=True), None, NOW, S.CANCELLED,
        "cancelled from this notebook"),
    "its pack ran out of time before its turn": (
        found(PACKED, exit_code=143, signal="SIGTERM"), says(S.TIMEOUT), NOW, S.TIMEOUT,
        "it reached its time limit"),
    "the node of its pack is lost": (IN_TURN, says(S.NODE_FAIL), NOW, S.NODE_FAIL,
                                     "its node was lost"),
    "its pack is gone": (IN_TURN, says(None), LATER, S.LOST, "it is gone and left no result"),
    "its pack was killed before its turn": (
        found(PACKED, exit_code=137), says(S.FAILED), LATER, S.FAILED,
        "the worker was killed by SIGKILL"),
    "its pack could not begin": (
        found(PACKED, exit_code=7, last_words="no such module"), says(S.FAILED), LATER, S.FAILED,
        "its script ended with exit code 7 before the cell was run: no such module"),
}  # fmt: skip


@pytest.mark.parametrize("situation", TABLE)
def test_the_state_is_what_both_sources_support(situation: str) -> None:
    folder, backend, doubt, state, reason = TABLE[situation]
    status = settle(folder, backend, doubt)
    assert status.state is state
    if reason:
        assert re.search(reason, status.reason)
    else:
        assert status.reason == ""


FOUND = [
    Found("17", cancelled=cancelled, node=node, signal=signal, exit_code=code, result=result)
    for node in ("", "n1")
    for cancelled in (False, True)
    for signal in ("", "SIGTERM")
    for code in (None, 0, 1, 137)
    for result in (None, DONE, RAISED, TOLD)
]  # fmt: skip
REPORTS = [
    None,
    *(Report(state, stale=stale) for state in (None, *JobState) for stale in (False, True)),
]
EVERYTHING = list(itertools.product(FOUND, REPORTS))


def test_a_complete_result_outranks_every_other_sign() -> None:
    for seen, report in EVERYTHING:
        if seen.result is DONE:
            assert settle(seen, report, MUCH_LATER).state is S.COMPLETED
        elif seen.result is RAISED:
            assert settle(seen, report, MUCH_LATER).state is S.FAILED


def test_what_has_ended_by_the_word_of_the_backend_does_not_stay_undecided() -> None:
    for seen, report in EVERYTHING:
        if report is not None and not report.stale and (report.state is None or report.state.ended):
            assert settle(seen, report, UNHEARD_SECONDS).state.ended, (seen, report)


def test_what_has_ended_by_itself_does_not_stay_undecided_if_nobody_can_be_asked() -> None:
    for seen, report in EVERYTHING:
        if seen.exit_code is not None and (report is None or report.stale):
            assert settle(seen, report, UNHEARD_SECONDS).state.ended, (seen, report)


def test_what_the_backend_says_lives_is_not_given_up() -> None:
    for seen, report in EVERYTHING:
        if report == Report(S.RUNNING) and seen.result in (None, TOLD):
            assert settle(seen, report, 1e9).state is S.RUNNING, seen


def test_every_end_but_success_has_a_reason_in_words() -> None:
    for seen, report in EVERYTHING:
        status = settle(seen, report, MUCH_LATER)
        if status.state.ended and status.state is not S.COMPLETED:
            assert re.match(r"\S+ \S+", status.reason), (status, seen, report)
            assert "\n" not in status.reason


def test_an_end_that_the_user_can_do_something_about_says_what() -> None:
    advice = {
        S.TIMEOUT: "--time",
        S.OUT_OF_MEMORY: "--mem",
        S.NODE_FAIL: "send it again",
        S.PREEMPTED: "send it again",
        S.LOST: "see its log",
    }
    for state, words in advice.items():
        report = Report(S.COMPLETED if state is S.LOST else state)
        assert words in settle(STARTED, report, MUCH_LATER).advice
    refused = settle(Found(refusal="no such partition"), None, NOW)
    assert "change the options" in refused.advice


def test_the_node_is_the_one_that_the_worker_names_else_the_backends() -> None:
    assert settle(STARTED, says(S.RUNNING), NOW).node == "n1"
    assert settle(SENT, says(S.RUNNING), NOW).node == "n7"
    assert settle(SENT, None, NOW).node == ""


def test_a_python_without_nbsubmit_is_told_what_it_needs() -> None:
    lacking = found(SENT, exit_code=1, last_words="python3: No module named nbsubmit")
    assert "install nbsubmit there" in settle(lacking, says(S.FAILED), LATER).advice
    assert "install nbsubmit there" in settle(lacking, None, MUCH_LATER).advice
    other = found(SENT, exit_code=1, last_words="module: command not found")
    assert (
        settle(other, says(S.FAILED), LATER).advice
        == "see its log, and the lines that --setup gave it"
    )
