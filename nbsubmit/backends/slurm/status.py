"""The words of squeue and sacct → reports. Pure; one table of Slurm's words.

Source: JOB STATE CODES and JOB REASON CODES in the manuals of squeue and sacct.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from nbsubmit.core.backend import Report
from nbsubmit.core.state import JobState
from nbsubmit.core.units import parse_duration

# Job id, state, reason, nodes, expected or actual start, time limit; none can hold a bar.
SQUEUE_FORMAT = "%i|%T|%r|%N|%S|%l"
SACCT_FORMAT = "JobID,State,ExitCode,NodeList"

STATES: dict[str, JobState] = {
    "BOOT_FAIL": JobState.NODE_FAIL,
    "CANCELLED": JobState.CANCELLED,
    "COMPLETED": JobState.COMPLETED,
    "COMPLETING": JobState.RUNNING,
    "CONFIGURING": JobState.PENDING,
    "DEADLINE": JobState.TIMEOUT,
    "EXPEDITING": JobState.PENDING,
    "FAILED": JobState.FAILED,
    "LAUNCH_FAILED": JobState.NODE_FAIL,
    "NODE_FAIL": JobState.NODE_FAIL,
    "OUT_OF_MEMORY": JobState.OUT_OF_MEMORY,
    "PENDING": JobState.PENDING,
    "POWER_UP_NODE": JobState.PENDING,
    "PREEMPTED": JobState.PREEMPTED,
    "RECONFIG_FAIL": JobState.NODE_FAIL,
    "REQUEUED": JobState.PENDING,
    "REQUEUE_FED": JobState.PENDING,
    "REQUEUE_HOLD": JobState.PENDING,
    "RESIZING": JobState.RUNNING,
    "RESV_DEL_HOLD": JobState.PENDING,
    "REVOKED": JobState.CANCELLED,
    "RUNNING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "SPECIAL_EXIT": JobState.PENDING,
    "STAGE_OUT": JobState.RUNNING,
    "STOPPED": JobState.SUSPENDED,
    "SUSPENDED": JobState.SUSPENDED,
    "TIMEOUT": JobState.TIMEOUT,
    "UPDATE_DB": JobState.RUNNING,
}

_REASONS = {
    "AssociationJobLimit": "your account has reached its limit of jobs",
    "BeginTime": "its time to begin has not come",
    "Cleaning": "it is being cleaned up to run again",
    "Dependency": "it waits for other jobs",
    "DependencyNeverSatisfied": "a job that it waits for did not succeed",
    "JobHeldAdmin": "an admin holds it",
    "JobHeldUser": "it is held; release it with scontrol release",
    "Licenses": "it waits for a licence",
    "NodeDown": "a node that it needs is down",
    "OutOfMemory": "it ran out of memory",
    "PartitionDown": "its partition is down",
    "PartitionTimeLimit": "it asks for more time than its partition allows",
    "Priority": "jobs before it have a higher priority",
    "ReqNodeNotAvail": "a node that it needs is not available",
    "Reservation": "it waits for its reservation",
    "Resources": "it waits for free resources",
    "TimeLimit": "it reached its time limit",
}
# Reasons of a job that waits for nothing but its turn.
IN_LINE = {"Priority", "Resources"}
_SILENT = {"", "None", "(null)", "NonZeroExitCode"}


def state_of(word: str) -> JobState | None:
    """Return the state that a word of Slurm's means; ``CANCELLED by 1000`` is one of them."""
    first = word.split()[0].rstrip("+") if word.strip() else ""
    return STATES.get(first)


def from_squeue(text: str) -> dict[str, Report]:
    """Return a report for each job in squeue's lines."""
    reports = {}
    for job_id, word, reason, nodes, start, limit in _fields(text, 6):
        state = state_of(word)
        report = Report(
            state,
            in_words(reason),
            nodes.strip(),
            starts=_time(start) if state is JobState.PENDING else None,
            seconds=_duration(limit),
        )
        reports.update(dict.fromkeys(tasks(job_id), report))
    return reports


def arrays(handles: Iterable[str]) -> list[str]:
    """Return the ids to ask for: of tasks of an array its own alone."""
    return list(dict.fromkeys(handle.partition("_")[0] for handle in handles))


def tasks(job_id: str) -> list[str]:
    """Return the handles that a job id of Slurm's stands for: ``7``, ``7_3`` or ``7_[0-2,9%4]``."""
    array, bracket, ranges = job_id.strip().partition("_[")
    if not bracket:
        return [job_id.strip()]
    found: list[str] = []
    for part in ranges.rstrip("]").partition("%")[0].split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            found += [f"{array}_{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def in_line(text: str) -> set[str]:
    """Return the jobs in squeue's lines that wait for nothing but their turn."""
    return {
        job_id
        for job_id, word, reason, *_ in _fields(text, 6)
        if state_of(word) is JobState.PENDING and reason.strip() in IN_LINE
    }


def _time(text: str) -> float | None:
    """Seconds since the epoch in a time of Slurm's, which is this host's local time."""
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:  # N/A
        return None


def _duration(text: str) -> float | None:
    try:
        return parse_duration(text)
    except ValueError:  # UNLIMITED, NOT_SET
        return None


def from_sacct(text: str) -> dict[str, Report]:
    """Return a report for each job in sacct's lines; of a requeued job the last one counts."""
    reports = {}
    for job_id, word, exit_code, nodes in _fields(text, 4):
        nodes = "" if nodes.strip() == "None assigned" else nodes.strip()
        report = Report(state_of(word), _from_accounting(word, exit_code), nodes)
        reports.update(dict.fromkeys(tasks(job_id), report))
    return reports


def _fields(text: str, count: int) -> Iterator[list[str]]:
    """The fields of each line; a line of another kind is a remark and is passed over."""
    for line in text.splitlines():
        fields = line.split("|", count - 1)
        if len(fields) == count:
            yield fields


def _from_accounting(word: str, exit_code: str) -> str:
    if word.startswith("CANCELLED by "):
        return f"cancelled by {word.removeprefix('CANCELLED by ')}"
    code, _, number = exit_code.partition(":")
    if word.startswith("FAILED"):
        return (
            f"it was ended by signal {number}" if number not in ("", "0") else f"exit code {code}"
        )
    return ""


def in_words(reason: str) -> str:
    """Return a reason of squeue's in plain words; one that is not in the table as it is."""
    reason = reason.strip()
    if reason in _SILENT:
        return ""
    first = reason.partition(",")[0].strip("()")
    return _REASONS.get(first, reason)
