"""What the folder says + what the backend says → the one status.

The two may disagree: a shared disk shows a file late, a scheduler forgets a job. A complete result
on disk outranks everything, and silence from both is an end too, never a state of its own.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from nbsubmit.core import usage
from nbsubmit.core.backend import Report
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.result import Result
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.usage import NOTHING_KNOWN, Limits, Sample

T = TypeVar("T")

# How long a result may take to show on a shared disk after the backend says that the job ended.
GRACE_SECONDS = 3.0
# How long the backend may take to have an opinion on a job that we know has ended.
VERDICT_SECONDS = 10.0
# How long a notebook may take between writing a job's folder and noting its handle.
LIMBO_SECONDS = 120.0
_TAIL_BYTES = 4000
# The exit code that a shell gives for SIGKILL.
_KILLED = 128 + 9
_PLACE = re.compile(r"^\S.*?: line \d+: ")


@dataclass(frozen=True)
class Found:
    """What a job's folder says.

    Attributes
    ----------
    handle : str
        The backend's handle, or empty while there is none.
    refusal : str
        Why the backend did not take the job, or empty.
    cancelled : bool
        Somebody asked here for the job to be cancelled.
    node : str
        The host that the worker started on, or empty.
    started : float
        When it did, in seconds since the epoch by that host's clock; 0 while it has not.
    limits : Limits
        What the job was given, as far as the worker knows.
    usage : Sample or None
        What it used when that was last noted.
    signal : str
        The signal that told the worker to end, or empty.
    exit_code : int or None
        The exit code of the worker, once it has ended and the script around it has not.
    last_words : str
        The last line in the log of a job that ended before its worker started.
    result : Result or None
        The outcome.
    end : Status or None
        The end that was settled on earlier.
    run : int
        How often it has been started.
    not_again : str
        Why it is not run once more now that its time is over, or empty.
    """

    handle: str = ""
    refusal: str = ""
    cancelled: bool = False
    node: str = ""
    started: float = 0.0
    limits: Limits = NOTHING_KNOWN
    usage: Sample | None = None
    signal: str = ""
    exit_code: int | None = None
    last_words: str = ""
    result: Result | None = None
    end: Status | None = None
    run: int = 1
    not_again: str = ""

    @property
    def suspicious(self) -> bool:
        """Something happened after which only the backend knows what the job's state is."""
        return self.cancelled or bool(self.signal) or self.exit_code is not None

    @property
    def conclusive(self) -> bool:
        """The folder alone tells the end."""
        if self.end or self.refusal:
            return True
        return self.result is not None and not self.result.signal


def look(folder: JobFolder) -> Found:
    """Read what the folder says now.

    Raises
    ------
    FolderError
        If a file is not what nbsubmit writes.
    """
    if not folder.whole.is_dir():
        raise FolderError(f"its folder {folder.whole} was deleted")
    node, started, limits = _read(folder, folder.started_file, _started, ("", 0.0, NOTHING_KNOWN))
    # The script around several processes leaves one exit code for all of them.
    together = folder.together
    found = Found(
        handle=folder.handle(),
        refusal=folder.refusal(),
        cancelled=folder.is_cancelled(),
        node=node,
        started=started,
        limits=limits,
        usage=usage.last_sample(folder.usage_file) if node else None,
        signal=_read(folder, folder.signal_file, lambda data: str(data["signal"]), ""),
        exit_code=_exit_code(folder.exit_file, together.exit_file),
        result=_read(folder, folder.result_file, Result.from_json, None),
        end=_end_of(folder, together),
        run=_read(together, together.runs_file, lambda data: int(data.get("run", 1)), 1),
        not_again=_read(together, together.not_requeued_file, lambda data: str(data["reason"]), ""),
    )
    never_started = found.exit_code and not found.node and found.result is None
    if not never_started:
        return found
    return replace(found, last_words=_last_line(folder.log_err) or _last_line(together.log_err))


def _end_of(folder: JobFolder, together: JobFolder) -> Status | None:
    """The first of several processes may have settled the end of all of them."""
    found = _read(folder, folder.end_file, _end, None)
    if found is not None or together is folder:
        return found
    return _read(together, together.end_file, _end, None)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _read(folder: JobFolder, file: Path, parse: Callable[[dict[str, Any]], T], absent: T) -> T:
    data = folder.read_json(file)
    if data is None:
        return absent
    try:
        return parse(data)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise FolderError(f"{file} is not what nbsubmit wrote there: {error!r}") from None


def _exit_code(*files: Path) -> int | None:
    for file in dict.fromkeys(files):
        with suppress(FileNotFoundError, ValueError):
            return int(file.read_text())
    return None


def _started(data: Mapping[str, Any]) -> tuple[str, float, Limits]:
    limits = Limits.from_json(data.get("limits", {}))
    return str(data["host"]), float(data.get("at", 0)), limits


def _end(data: Mapping[str, Any]) -> Status | None:
    return Status(JobState(data["state"]), data["reason"], data["advice"], data["node"])


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
        return _of_result(found.result, found.node)
    if found.end is not None:
        return found.end
    if found.refusal:
        return Status(JobState.REFUSED, found.refusal, "change the options and run the cell again")
    node = found.node or (report.node if report else "")
    if report is not None and report.state is not None and report.state.ended:
        if doubt_seconds >= GRACE_SECONDS or not _may_have_result(found, report.state):
            return _of_end(found, report.state, report.reason, node)
    elif _is_over(found, report, doubt_seconds):
        return _without_verdict(found, node)
    return _of_life(found, report, node)


def _may_have_result(found: Found, state: JobState) -> bool:
    """Tell whether a result may be there that a shared disk does not show yet."""
    told_to_end = found.cancelled or bool(found.signal)
    return state is JobState.COMPLETED or (state is JobState.FAILED and not told_to_end)


def _is_over(found: Found, report: Report | None, doubt_seconds: float) -> bool:
    if report is not None and not report.stale:
        # Its word of today counts for more than a sign in the folder: a job that was queued again
        # has ended once and is alive all the same.
        return report.state is None and doubt_seconds >= GRACE_SECONDS
    if not found.handle and not found.node:
        return doubt_seconds >= LIMBO_SECONDS
    return found.exit_code is not None and doubt_seconds >= VERDICT_SECONDS


def _of_result(result: Result, node: str) -> Status:
    if result.error is None:
        return Status(JobState.COMPLETED, node=node)
    first_line = str(result.error).strip().partition("\n")[0]
    return Status(JobState.FAILED, first_line, "", node)


def _of_life(found: Found, report: Report | None, node: str) -> Status:
    reason = report.reason if report else ""
    if found.cancelled:
        reason = "being cancelled"
    if report is not None and report.state is not None and not report.state.ended:
        if report.state is not JobState.PENDING or not found.node:
            return Status(report.state, reason, node=node)
        # Started once and pending again: it waits for another run.
        again = f"waits to be run again (run {found.run + 1})"
        return Status(JobState.PENDING, again + _after(reason))
    if found.node:
        return Status(JobState.RUNNING, reason, node=node)
    return Status(JobState.PENDING, reason)


def _of_end(found: Found, state: JobState, reason: str, node: str) -> Status:
    if state is JobState.COMPLETED:
        return Status(
            JobState.LOST,
            "it ended without leaving a result",
            "see its log; was the job's folder full, or deleted?",
            node,
        )
    if found.cancelled and state in (JobState.CANCELLED, JobState.FAILED):
        return Status(JobState.CANCELLED, "cancelled from this notebook", node=node)
    if state is JobState.FAILED and _was_killed_for_memory(found):
        state, reason = JobState.OUT_OF_MEMORY, ""
    if state is JobState.FAILED:
        told = f"told to end by {found.signal}" if found.signal else ""
        reason = told or _exit_in_words(found) or reason or _REASONS[state]
        return Status(state, reason, _after_exit(found), node)
    if state is JobState.TIMEOUT and found.not_again:
        reason = f"Job not requeued because: {found.not_again}"
    reason = reason or _REASONS.get(state, "")
    if state is JobState.OUT_OF_MEMORY:
        reason += _used(found)
    return Status(state, reason, _ADVICE.get(state, _SEE_LOG), node)


def _without_verdict(found: Found, node: str) -> Status:
    if found.cancelled:
        return Status(JobState.CANCELLED, "cancelled from this notebook", node=node)
    if found.signal:
        return Status(JobState.CANCELLED, f"told to end by {found.signal}", _SEE_LOG, node)
    if found.exit_code == _KILLED and _was_killed_for_memory(found):
        return _of_end(found, JobState.OUT_OF_MEMORY, "", node)
    if found.exit_code is not None:
        reason = _exit_in_words(found) or _REASONS[JobState.FAILED]
        return Status(JobState.FAILED, reason, _after_exit(found), node)
    if not found.handle:
        return Status(
            JobState.LOST,
            "the notebook ended while it was handing it over",
            "send the cell again",
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
    return f"the worker ended with exit code {code} before it could write a result" + _after(words)


def _used(found: Found) -> str:
    words = usage.memory_in_words(found.usage, found.limits)
    return f": {words}" if words else ""


def _was_killed_for_memory(found: Found) -> bool:
    """Tell whether it was killed while it had about as much as it was given.

    Not every backend says so: one that looks at memory now and then reports a job that failed.
    """
    killed = not found.signal and found.exit_code in (None, _KILLED)
    return killed and usage.is_nearly_all(found.usage, found.limits)


def _after(words: str) -> str:
    return f": {words}" if words else ""


def _after_exit(found: Found) -> str:
    """What to do about a worker that ended too early."""
    if "No module named" not in found.last_words:
        return _SEE_LOG
    return (
        f"the job's Python has to be one with nbsubmit and its packages, and a "
        f"{sys.version_info[0]}.{sys.version_info[1]} as the notebook's: install nbsubmit there, "
        f"or choose another with --python"
    )


_SHELL_CODES = {
    126: "may not be executed on the node",
    127: "does not exist on the node",
}
_SEE_LOG = "see its log"
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
