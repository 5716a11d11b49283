"""A job as plain data, for whoever draws it: text, widgets, one day the browser."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nbsubmit.client.bars import Bar
from nbsubmit.client.meters import Meters
from nbsubmit.core.contents import Entry
from nbsubmit.core.inject import Arrival
from nbsubmit.core.job import Job
from nbsubmit.core.result import IMPORTED, NO_NAMES, VALUE, Result
from nbsubmit.core.state import JobState
from nbsubmit.core.units import format_bytes, format_elapsed
from nbsubmit.core.usage import NOTHING_KNOWN, Limits, Sample

# Name, type, size, how and why.
SentRow = tuple[str, str, str, str, str]


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
    ]
    bound = ((name, "module", "", "", module) for name, module in modules.items())
    sources = (
        (s["name"], "module", format_bytes(s["size_bytes"]), "its source", f"files: {s['files']}")
        for s in by_value
    )
    return (*values, *bound, *sources)


def _came(result: Result, unsent: Mapping[str, str]) -> tuple[SentRow, ...]:
    return tuple(
        (
            "the last expression" if entry.name == VALUE else entry.name,
            entry.type,
            "" if entry.is_definition else format_bytes(entry.size_bytes),
            "changed in place" if entry.name in result.changed else "",
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
    elapsed, limits = job.elapsed_seconds, job.limits
    unsent = dict(result.unsent) if result else {}
    unsent |= arrival.failed if arrival else {}
    return JobRow(
        id=job.id,
        name=job.name,
        backend=str(job.spec.get("backend", "")),
        handle=job.handle.partition(":")[0],
        state=status.state,
        reason=status.reason,
        advice=status.advice,
        node=status.node,
        elapsed=format_elapsed(elapsed) if elapsed else "",
        sent=sent_rows(job.sent.entries, job.sent.modules, job.sent.by_value),
        left_out=tuple(job.sent.left_out.items()),
        missing=job.sent.missing,
        warnings=job.sent.warnings,
        back=tuple(n for n in result.names if n not in unsent and n not in result.imported)
        if result
        else (),
        came=_came(result, unsent) if result else (),
        imported=tuple(result.imported) if result else (),
        changed=result.changed if result else (),
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


def _remaining(limits: Limits, elapsed: float) -> float | None:
    if limits.ends is not None:
        return max(limits.ends - time.time(), 0.0)
    return max(limits.seconds - elapsed, 0.0) if limits.seconds is not None else None
