"""The lines of squeue and sacct → reports. Pure; what their words mean stands in `meanings`."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from nbsubmit.backends.slurm.meanings import IN_LINE, meaning, state_of
from nbsubmit.backends.slurm.script import DEFAULT_NAME, MARK
from nbsubmit.core.backend import Report
from nbsubmit.core.state import JobState
from nbsubmit.core.units import parse_duration

# Comment, name and user: no name of ours holds a tab.
WHOSE_FORMAT = "%k\t%j\t%U"
# Job id, state, reason, nodes, expected or actual start, time limit, and whose it is; only the last
# can hold a bar.
SQUEUE_FORMAT = f"%i|%T|%r|%N|%S|%l|{WHOSE_FORMAT}"
# What squeue says of a job that runs without a limit.
_UNLIMITED_SECONDS = 365 * 86_400
# Only the last two can hold a bar.
SACCT_FORMAT = "JobID,State,ExitCode,NodeList,JobName,Comment"


def from_squeue(text: str) -> dict[str, Report]:
    """Return a report for each job in squeue's lines."""
    reports = {}
    for job_id, word, reason, nodes, start, limit, owner in _fields(text, 7):
        state, told = state_of(word), meaning(word, reason).about(job_id.strip())
        report = Report(
            state,
            told.sentence,
            nodes.strip(),
            starts=_time(start) if state is JobState.PENDING else None,
            seconds=_duration(limit),
            advice=told.advice,
        )
        reports.update(dict.fromkeys(tasks(job_id), owned(report, owner)))
    return reports


def owned(report: Report, owner: str) -> Report:
    """Return a report with what squeue says of whose the job is.

    A site may write comments of its own; names are left alone. Another user's job has neither.
    """
    comment, *more = owner.rsplit("\t", 2)
    job_id = id_in(comment)[0]
    if len(more) < 2:
        return replace(report, job_id=job_id)
    name, user = (part.strip() for part in more)
    is_mine = user == str(os.geteuid())
    return replace(report, job_id=job_id, name=_given(name), foreign=not job_id and not is_mine)


def _given(name: str) -> str:
    return "" if name == DEFAULT_NAME else name


def id_in(comment: str) -> tuple[str, int]:
    """Return our id of a job and the first task of this part, from what `script.comment` gave."""
    name, _, first = comment.strip().partition(" ")[0].partition("+")
    is_ours = name.startswith(MARK) and (first or "0").isdecimal()
    job_id = name.removeprefix(MARK)
    return (job_id, int(first or 0)) if is_ours else ("", 0)


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
        for job_id, word, reason, *_ in _fields(text, 7)
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
        seconds = parse_duration(text)
    except ValueError:  # UNLIMITED, NOT_SET
        return None
    return None if seconds == _UNLIMITED_SECONDS else seconds


def from_sacct(text: str) -> dict[str, Report]:
    """Return a report for each job in sacct's lines; of a requeued job the last one counts."""
    reports = {}
    for job_id, word, exit_code, nodes, *owner in _fields(text, 4, 5):
        nodes = "" if nodes.strip() == "None assigned" else nodes.strip()
        told = meaning(word, "")
        reason = _from_accounting(word, exit_code) or told.sentence
        report = Report(state_of(word), reason, nodes, advice=told.advice)
        if owner:
            name, comment = _name_and_comment(owner[0])
            report = replace(report, job_id=id_in(comment)[0], name=_given(name))
        reports.update(dict.fromkeys(tasks(job_id), report))
    return reports


def _name_and_comment(text: str) -> tuple[str, str]:
    """Take apart ``name|comment``, either of which may hold a bar; many sites keep no comment."""
    name, bar, comment = text.rpartition(f"|{MARK}")
    if bar:
        return name, MARK + comment
    name, _, comment = text.rpartition("|") if text.endswith("|") else text.partition("|")
    return name, comment


def _fields(text: str, count: int, most: int = 0) -> Iterator[list[str]]:
    """The fields of each line; a line of another kind is a remark and is passed over."""
    most = most or count
    for line in text.splitlines():
        fields = line.split("|", most - 1)
        if count <= len(fields) <= most:
            yield fields


def _user(number: str) -> str:
    """Return the name of a user whose number is known, else the number."""
    try:
        return pwd.getpwuid(int(number)).pw_name
    except (KeyError, ValueError):
        return number


def _from_accounting(word: str, exit_code: str) -> str:
    if word.startswith("CANCELLED by "):
        return f"cancelled by {_user(word.removeprefix('CANCELLED by ').strip())}"
    code, _, number = exit_code.partition(":")
    if word.startswith("FAILED"):
        return (
            f"it was ended by signal {number}" if number not in ("", "0") else f"exit code {code}"
        )
    return ""
