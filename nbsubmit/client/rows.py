"""A job as plain data, for whoever draws it: text, widgets, one day the browser."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

from nbsubmit.client.bars import Bar
from nbsubmit.client.meters import Meters
from nbsubmit.core.call import SHARED
from nbsubmit.core.contents import Entry
from nbsubmit.core.gathered import names_in
from nbsubmit.core.harmless import plain
from nbsubmit.core.inject import Arrival
from nbsubmit.core.job import Job
from nbsubmit.core.result import IMPORTED, NO_NAMES, VALUE, Result
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.core.tasks import name_of
from nbsubmit.core.units import format_bytes, format_elapsed
from nbsubmit.core.usage import NOTHING_KNOWN, Limits, Sample

# So many failed tasks are shown one by one.
SHOWN_TASKS = 20
# Slurm ends a job that has no time limit after 365 days.
_NO_LIMIT_SECONDS = 364 * 86_400
# Name, type, size, how and why.
SentRow = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class TaskRow:
    """What is shown of one task.

    Attributes
    ----------
    place : int
        Its place among the tasks.
    name : str
        The number by which people know it.
    state : JobState
        Its state.
    reason : str
        Why it is so.
    node : str
        Where it runs, or ran.
    """

    place: int
    name: str
    state: JobState
    reason: str = ""
    node: str = ""


@dataclass(frozen=True)
class JobRow:
    """What is shown of one job.

    Attributes
    ----------
    id, name, backend, handle, node, reason, advice, elapsed : str
        Ready to be shown; empty where not known.
    state : JobState
        Its state.
    sent : tuple of tuple of str
        Name, type, size, how and why, of each value that was sent.
    left_out : tuple of tuple of str
        Name and why, of what was not.
    missing : tuple of str
        Names that the cell reads and that were not there.
    warnings : tuple of str
        What was said when it was sent.
    back : tuple of str
        Names that came back with a value.
    came : tuple of tuple of str
        Name, type, size, how and why, of each value that came back.
    imported : tuple of str
        Names under which the cell imported something.
    changed, deleted, kept : tuple of str
        Those that were changed in place; that the cell deleted; that the notebook kept its own of.
    unsent : tuple of tuple of str
        Name and why, of what could not come back.
    error : tuple of str
        The cell's traceback.
    frames : bool
        Whether its frames were kept, for ``%jobs debug``.
    started : float or None
        When it started, in seconds since the epoch; None while it has not.
    seconds : float
        For how long it has run, or ran, in seconds.
    remaining : float or None
        Seconds that are left until its time limit; None where it has none, or does not run.
    starts : float or None
        When a job that waits is expected to start, in seconds since the epoch.
    ahead : int or None
        How many jobs of its queue come before one that waits.
    limits : Limits
        What it was given, or asks for: processors, GPUs, bytes of memory, seconds.
    peak : int or None
        The most memory that it has used, in bytes.
    samples : tuple of Sample
        What it used, oldest first, at most 120; empty unless `row_of` was given `Meters`.
    progress : tuple of Bar
        The progress bars of a job that runs, an outer one before the one inside it.
    tasks : tuple of JobState
        The state of each task, in order; empty for a job that has none.
    failed : tuple of TaskRow
        The first of those that have failed.
    apart : tuple of str
        Names that the tasks have changed in place or deleted, each its own.
    """

    id: str
    name: str
    backend: str
    handle: str
    state: JobState
    reason: str
    advice: str
    node: str
    elapsed: str
    sent: tuple[SentRow, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    came: tuple[SentRow, ...] = ()
    imported: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unsent: tuple[tuple[str, str], ...] = ()
    error: tuple[str, ...] = ()
    frames: bool = False
    started: float | None = None
    seconds: float = 0.0
    remaining: float | None = None
    starts: float | None = None
    ahead: int | None = None
    limits: Limits = NOTHING_KNOWN
    peak: int | None = None
    samples: tuple[Sample, ...] = ()
    progress: tuple[Bar, ...] = ()
    tasks: tuple[JobState, ...] = ()
    failed: tuple[TaskRow, ...] = ()
    apart: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[JobState, int]:
        """How many tasks are in which state."""
        return dict(Counter(self.tasks))

    @property
    def failures(self) -> int:
        """How many tasks have ended and have not succeeded."""
        return sum(s.ended and s is not JobState.COMPLETED for s in self.tasks)

    @property
    def short_id(self) -> str:
        """The end of the id, which is enough to name the job."""
        return self.id.rpartition("-")[2]

    @property
    def time_limit(self) -> float | None:
        """Seconds that it may run; None where that is not known."""
        if self.limits.seconds is None and self.limits.ends and self.started:
            return self.limits.ends - self.started
        return self.limits.seconds


def sent_rows(
    entries: Iterable[Entry],
    modules: Mapping[str, str],
    by_value: Iterable[Mapping[str, Any]] = (),
    more: Mapping[str, Any] | None = None,
) -> tuple[SentRow, ...]:
    """Return what is shown of each name that is sent, and of each module whose source is."""
    values = [
        (
            entry.name,
            entry.type,
            "" if entry.is_definition else format_bytes(entry.size_bytes),
            "already there" if entry.was_there else "",
            entry.why,
        )
        for entry in entries
        if entry.name not in (SHARED, *((more or {}).get("inputs") or ()))
    ]
    bound = ((name, "module", "", "", module) for name, module in modules.items())
    sources = (
        (s["name"], "module", format_bytes(s["size_bytes"]), "its source", f"files: {s['files']}")
        for s in by_value
    )
    return (*_mapped(more or {}), *_inputs(more or {}), *values, *bound, *sources)


def _inputs(more: Mapping[str, Any]) -> Iterator[SentRow]:
    """Return what is shown of the names that other jobs bring."""
    after = more.get("after") or ()
    for name, numbers in (more.get("inputs") or {}).items():
        jobs = ", ".join(Path(after[number]["folder"]).name for number in numbers)
        yield (name, "", "", "from folder to folder", f"job {jobs}")


def _mapped(more: Mapping[str, Any]) -> Iterator[SentRow]:
    """Return what is shown of the names that each task has for itself; the first has the size."""
    for number, one in enumerate(more.get("maps") or ()):
        size = "" if number else format_bytes(more["own_bytes"])
        yield (", ".join(one["names"]), "", size, "one for each task", one["source"])


def _came(result: Result, unsent: Mapping[str, str]) -> tuple[SentRow, ...]:
    return tuple(
        (
            "the last expression" if entry.name == VALUE else entry.name,
            entry.type,
            "" if entry.is_definition else format_bytes(entry.size_bytes),
            "changed in place" if entry.name in (*result.changed, *result.renewed) else "",
            "",
        )
        for entry in result.entries
        if entry.name not in unsent and entry.why != IMPORTED and entry.name not in _UNSHOWN
    )


_UNSHOWN = NO_NAMES - {VALUE}


def row_of(job: Job, arrival: Arrival | None = None, meters: Meters | None = None) -> JobRow:
    """Return what is shown of a job.

    Parameters
    ----------
    job : Job
        The job.
    arrival : Arrival, optional
        What its arrival in the notebook did, if it has.
    meters : Meters, optional
        Reads its samples and bars. Whoever draws a job again and again keeps one; without it there
        are no samples.
    """
    status, result, found = job.status, job.found.result, job.found
    waits = status.state is JobState.PENDING
    runs = status.state is JobState.RUNNING
    report = job.report if waits else None
    elapsed, limits = job.elapsed_seconds, _timed(job.limits, found.started)
    unsent = dict(result.unsent) if result else {}
    unsent |= arrival.failed if arrival else {}
    row = JobRow(
        id=job.id,
        name=job.name,
        backend=str(job.spec.get("backend", "")),
        handle=job.handle.partition(":")[0],
        state=status.state,
        reason=status.reason,
        advice=status.advice,
        node=status.node,
        elapsed=format_elapsed(elapsed) if elapsed else "",
        sent=sent_rows(job.sent.entries, job.sent.modules, job.sent.by_value, job.spec),
        left_out=tuple(job.sent.left_out.items()),
        missing=job.sent.missing,
        warnings=job.sent.warnings,
        back=tuple(n for n in result.names if n not in unsent and n not in result.imported)
        if result
        else (),
        came=_came(result, unsent) if result else (),
        imported=tuple(result.imported) if result else (),
        changed=(*result.changed, *result.renewed) if result else (),
        deleted=result.deleted if result else (),
        kept=tuple(arrival.kept) if arrival else (),
        unsent=tuple(unsent.items()),
        error=result.error.traceback if result and result.error else (),
        frames=status.state.ended and job.folder.kept_file.exists(),
        started=found.started or None,
        seconds=elapsed,
        remaining=_remaining(limits, elapsed) if runs else None,
        starts=report.starts if report else None,
        ahead=report.ahead if report else None,
        limits=limits,
        peak=found.usage.peak if found.usage else None,
        samples=meters.samples() if meters else (),
        progress=(meters or Meters(job)).progress() if runs else (),
    )
    return _harmless(_with_tasks(row, job, arrival) if isinstance(job, TaskedJob) else row)


def _harmless(row: JobRow) -> JobRow:
    """Return a row of which every text can be printed anywhere; the error has its colours."""
    texts = {each.name: getattr(row, each.name) for each in fields(row)}
    return replace(row, **{n: _plain(text) for n, text in texts.items() if n not in _NO_TEXTS})


_NO_TEXTS = {"error", "state", "tasks", "failed", "samples", "progress", "limits"}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    return tuple(_plain(part) for part in value) if isinstance(value, tuple) else value


def _with_tasks(row: JobRow, job: TaskedJob, arrival: Arrival | None) -> JobRow:
    """Add to what is shown of a job what there is to say of its tasks."""
    failed = list(islice(((n, t) for n, t in enumerate(job.tasks) if _has_failed(t)), SHOWN_TASKS))
    first = failed[0][1].found.result if failed else None
    error = first.error.traceback if first and first.error else ()
    row = replace(
        row,
        tasks=tuple(task.state for task in job.tasks),
        failed=tuple(task_row(place, task) for place, task in failed),
        error=error,
        frames=bool(failed) and failed[0][1].folder.kept_file.exists(),
        apart=tuple(arrival.apart) if arrival else (),
    )
    if not row.state.ended:
        return row
    names = [name for name in names_in(job.tasks) if name not in dict(row.unsent)]
    return replace(
        row,
        back=tuple(names),
        came=tuple((name, f"list of {len(job.tasks)}", "", "", "") for name in names),
    )


def _has_failed(task: Job) -> bool:
    return task.is_over and task.state is not JobState.COMPLETED


def task_row(place: int, task: Job) -> TaskRow:
    """Return what is shown of one task."""
    status = task.status
    return TaskRow(place, name_of(task.folder), status.state, status.reason, status.node)


def _timed(limits: Limits, started: float) -> Limits:
    """Return limits without an end that is none."""
    endless = limits.ends is not None and started and limits.ends - started > _NO_LIMIT_SECONDS
    return replace(limits, ends=None) if endless else limits


def _remaining(limits: Limits, elapsed: float) -> float | None:
    if limits.ends is not None:
        return max(limits.ends - time.time(), 0.0)
    return max(limits.seconds - elapsed, 0.0) if limits.seconds is not None else None
