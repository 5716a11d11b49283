"""What the folder says + what the backend says → the one status.

The two may disagree: a shared disk shows a file late, a scheduler forgets a job. A complete result
on disk outranks everything, and silence from both is an end too, never a state of its own.
"""

from __future__ import annotations

import re
import signal
import sys

from nbsubmit.core import usage
from nbsubmit.core.backend import Report
from nbsubmit.core.ends import AFTER_OTHERS, NOT_STARTED, of_result
from nbsubmit.core.found import KILLED, Found
from nbsubmit.core.state import JobState, Status

# How long a result may take to show on a shared disk after the backend says that the job ended.
GRACE_SECONDS = 3.0
# How long the backend may take to have an opinion on a job that we know has ended.
VERDICT_SECONDS = 10.0
# The same of one that was told to end, which the backend may have queued again.
UNHEARD_SECONDS = 600.0
# How long a notebook may take between writing a job's folder and noting its handle.
LIMBO_SECONDS = 120.0
_PLACE = re.compile(r"^\S.*?: line \d+: ")


def settle(found: Found, report: Report | None, doubt_seconds: float) -> Status:
    """Return the state that both sources support.

    Parameters
    ----------
    found : Found
        What the folder says.
    report : Report or None
        What the backend said last; None if it has not been asked.
    doubt_seconds : float
        For how long there has been a sign that the job has ended, with no result.
    """
    if found.result is not None and not found.result.signal:
        return of_result(found.result, found.node)
    if found.end is not None:
        return found.end
    if found.refusal:
        return Status(JobState.REFUSED, found.refusal, "change the options and run the cell again")
    if found.unsent and not found.never:
        return _of_unsent(found)
    if found.passed_over:
        return Status(JobState.CANCELLED, "cancelled from this notebook")
    is_gone = report is None or report.state is None or report.state.ended
    if found.not_run and (found.never or is_gone):
        return Status(JobState.CANCELLED, found.not_run)
    node = found.node or (report.node if report else "")
    if report is not None and report.state is not None and report.state.ended:
        if doubt_seconds >= GRACE_SECONDS or not _may_have_result(found, report.state):
            return _of_end(found, report.state, report.reason, node, report.advice)
    elif _is_over(found, report, doubt_seconds):
        if report is not None and report.foreign and not _tells_of_end(found):
            return Status(JobState.LOST, _ANOTHERS.format(found.handle), _SEND_AGAIN, node)
        return _without_verdict(found, node)
    return _of_life(found, report, node)


def _may_have_result(found: Found, state: JobState) -> bool:
    """Tell whether a result may be there that is not seen yet: its own, or that of its input."""
    if found.follows and not found.cancelled:
        return True
    told_to_end = found.cancelled or bool(found.signal)
    return state is JobState.COMPLETED or (state is JobState.FAILED and not told_to_end)


def _is_over(found: Found, report: Report | None, doubt_seconds: float) -> bool:
    if report is not None and not report.stale:
        # Its word of today counts for more than a sign in the folder: a job that was queued again
        # has ended once and is alive all the same.
        return report.state is None and doubt_seconds >= GRACE_SECONDS
    if not found.handle and not found.node:
        # That it was not started is known only once the backend was asked.
        return doubt_seconds >= LIMBO_SECONDS and report is None
    if found.queued_again and not found.cancelled:
        return False
    # Who tells a job to end may want it to run again, as one that makes room for another.
    patience = UNHEARD_SECONDS if found.may_run_again else VERDICT_SECONDS
    return found.exit_code is not None and doubt_seconds >= patience


def _tells_of_end(found: Found) -> bool:
    return found.exit_code is not None or bool(found.signal)


def _of_unsent(found: Found) -> Status:
    if found.cancelled:
        return Status(JobState.CANCELLED, "cancelled from this notebook")
    return Status(JobState.PENDING, found.unsent, _GO_ON if found.deserted else "")


def _of_life(found: Found, report: Report | None, node: str) -> Status:
    reason, advice = (report.reason, report.advice) if report else ("", "")
    if found.packed and _is_in_turn(found, report):
        return Status(JobState.PENDING, "being cancelled" if found.cancelled else _ITS_TURN)
    if found.cancelled:
        reason, advice = "being cancelled", ""
    elif found.queued_again and found.exit_code is not None and (report is None or report.stale):
        return Status(JobState.PENDING, _again(found) + _after(reason), advice)
    elif found.may_run_again and report is not None and report.stale:
        reason = f"it was told to end by {found.signal}, and {_whether_again(reason)}"
    if report is not None and report.state is not None and not report.state.ended:
        if report.state is not JobState.PENDING:
            return Status(report.state, reason, advice, node)
        if not found.node and not (found.packed and found.queued_again):
            return Status(JobState.PENDING, _turn(found, reason), advice, node)
        # Started once and pending again: it waits for another run.
        return Status(JobState.PENDING, _again(found) + _after(reason), advice)
    if found.node:
        return Status(JobState.RUNNING, reason, advice, node)
    return Status(JobState.PENDING, _turn(found, reason), advice)


def _is_in_turn(found: Found, report: Report | None) -> bool:
    """Tell whether the pack runs in which a task waits."""
    if report is None or report.state is None:
        return found.in_turn
    if report.state is JobState.PENDING:  # it may have begun once and be queued again
        return found.in_turn and report.stale
    return not report.state.ended


def _again(found: Found) -> str:
    if found.packed:
        return "its pack waits to be run again"
    return f"waits to be run again (run {found.run + 1})"


def _turn(found: Found, reason: str) -> str:
    """Return why a job has not started: which other jobs it waits for the backend cannot say."""
    if not found.awaits or found.cancelled or reason == found.awaits:
        return reason
    return found.awaits if reason in ("", AFTER_OTHERS) else f"{found.awaits}; {reason}"


def _whether_again(reason: str) -> str:
    """``slurm cannot be asked: words``, with what it cannot be asked."""
    return reason.replace("asked", "asked whether it is to run again", 1)


def _of_end(found: Found, state: JobState, reason: str, node: str, advice: str = "") -> Status:
    if state is JobState.COMPLETED and found.exit_code == 0 and found.node:
        return Status(JobState.FAILED, _LEFT, _SEE_LOG, node)
    if state is JobState.COMPLETED:
        return Status(
            JobState.LOST,
            "it ended without leaving a result",
            "see its log; was the job's folder full, or deleted?",
            node,
        )
    if found.cancelled and state in (JobState.CANCELLED, JobState.FAILED):
        return Status(JobState.CANCELLED, "cancelled from this notebook", node=node)
    if state is JobState.FAILED and found.not_queued:
        return _of_not_queued(found, node)
    if state is JobState.FAILED and _was_killed_for_memory(found):
        state, reason = JobState.OUT_OF_MEMORY, ""
    if state is JobState.FAILED and not found.node and found.exit_code is None:
        return Status(state, _NOT_SEEN + _after(reason), _WHERE_SEEN, node)
    if state is JobState.FAILED:
        told = f"told to end by {found.signal}" if found.signal else ""
        killed = _KILLED_THERE if found.node and reason == NOT_STARTED else ""
        reason = told or _exit_in_words(found) or killed or reason or _REASONS[state]
        return Status(state, reason, _after_exit(found), node)
    if state is JobState.TIMEOUT and found.not_again:
        reason = f"Job not requeued because: {found.not_again}"
    reason = reason or _REASONS.get(state, "")
    if state is JobState.OUT_OF_MEMORY:
        reason += _used(found)
    return Status(state, reason, advice or _ADVICE.get(state, _SEE_LOG), node)


def _of_not_queued(found: Found, node: str) -> Status:
    """A job that was told to end and asked to be run again, where the scheduler does not do it."""
    return Status(
        JobState.FAILED,
        f"it was told to end, and it was not queued again: {found.not_queued}",
        "send it again, and without --no-requeue if it had that",
        node,
    )


def _without_verdict(found: Found, node: str) -> Status:
    if found.cancelled:
        return Status(JobState.CANCELLED, "cancelled from this notebook", node=node)
    if found.not_queued:
        return _of_not_queued(found, node)
    if found.signal:
        return Status(JobState.CANCELLED, f"told to end by {found.signal}", _SEE_LOG, node)
    if found.exit_code == KILLED and _was_killed_for_memory(found):
        return _of_end(found, JobState.OUT_OF_MEMORY, "", node)
    if found.exit_code is not None:
        reason = _exit_in_words(found) or _LEFT
        return Status(JobState.FAILED, reason, _after_exit(found), node)
    if not found.handle:
        return Status(
            JobState.LOST,
            "the notebook ended while it was handing it over",
            _SEND_AGAIN,
        )
    return Status(
        JobState.LOST,
        "it is gone and left no result: killed, or its node was lost",
        "send the cell again; if it happens again, see the job's log",
        node,
    )


def _exit_in_words(found: Found) -> str:
    code = found.exit_code
    if not code:
        return ""
    if code > 128:
        try:
            name = signal.Signals(code - 128).name
        except ValueError:
            return f"the worker ended with exit code {code}"
        hint = f", often for want of memory{_used(found)}" if name == "SIGKILL" else ""
        return f"the worker was killed by {name}{hint}"
    # The shell's own words, without where in the script it met it.
    words = _PLACE.sub("", found.last_words)
    if code in _SHELL_CODES:
        what = "something that this job needs" if words else "the Python of this job"
        return f"{what} {_SHELL_CODES[code]}" + _after(words)
    if not found.node and not _misses_module(found):
        return f"its script ended with exit code {code} before the cell was run" + _after(words)
    return f"the worker ended with exit code {code} before it could write a result" + _after(words)


def _used(found: Found) -> str:
    words = usage.memory_in_words(found.usage, found.limits)
    return f": {words}" if words else ""


def _was_killed_for_memory(found: Found) -> bool:
    """Tell whether it was killed while it had about as much as it was given.

    Not every backend says so: one that looks at memory now and then reports a job that failed.
    """
    killed = not found.signal and found.exit_code in (None, KILLED)
    return killed and (found.over_memory or usage.is_nearly_all(found.usage, found.limits))


def _after(words: str) -> str:
    return f": {words}" if words else ""


def _after_exit(found: Found) -> str:
    """What to do about a worker that ended too early."""
    if not _misses_module(found):
        return _SEE_LOG if found.node else f"{_SEE_LOG}, and the lines that --setup gave it"
    return (
        f"the job's Python has to be one with nbsubmit and its packages, and a "
        f"{sys.version_info[0]}.{sys.version_info[1]} as the notebook's: install nbsubmit there, "
        f"or choose another with --python"
    )


def _misses_module(found: Found) -> bool:
    return "No module named" in found.last_words


_SHELL_CODES = {
    126: "may not be executed on the node",
    127: "does not exist on the node",
}
_SEE_LOG = "see its log"
_ITS_TURN = "waits for its turn in its pack"
# Its script leaves an exit code in the folder whatever happens.
_NOT_SEEN = "it ended and left nothing in its folder, as where its node does not see that"
_WHERE_SEEN = "have jobs in a folder that the nodes can see and write to: NBSUBMIT_FOLDER"
# A worker that succeeds has written its result by then.
_KILLED_THERE = "its script was killed on its node"
_LEFT = "its process ended by itself, as with os._exit, before it could write a result"
_SEND_AGAIN = "send the cell again"
_ANOTHERS = "its id {} is another job's now: it has ended, and left no result"
_GO_ON = (
    "nobody sends them now, for who did has ended: %jobs attach, or nbsubmit.attach(id), goes on"
)
_REASONS = {
    JobState.FAILED: "the worker ended without leaving a result",
    JobState.TIMEOUT: "it reached its time limit",
    JobState.OUT_OF_MEMORY: "it ran out of memory",
    JobState.NODE_FAIL: "its node was lost",
    JobState.PREEMPTED: "it had to make room for another job",
    JobState.CANCELLED: "somebody cancelled it",
    JobState.LOST: "it is gone and left no result",
    JobState.REFUSED: "the backend refused it",
}
_ADVICE = {
    JobState.TIMEOUT: "send it again with a longer --time",
    JobState.OUT_OF_MEMORY: "send it again with more --mem",
    JobState.NODE_FAIL: "send it again",
    JobState.PREEMPTED: "send it again",
    JobState.CANCELLED: "",
}
