"""What is told of a job to programs: a row as JSON has it, under keys that stay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nbsubmit.client.rows import JobRow, SentRow
from nbsubmit.core.job import Job


def facts(job: Job, row: JobRow) -> dict[str, Any]:
    """Return what a list of jobs tells of one.

    Times are in seconds since the epoch, lengths of time in seconds, sizes in bytes; what is not
    known is None, and a text that says nothing is empty.

    Parameters
    ----------
    job : Job
        The job.
    row : JobRow
        What is shown of it.
    """
    limits, origin = row.limits, job.spec.get("origin") or {}
    return {
        "id": row.id,
        "name": row.name,
        "backend": row.backend,
        "handle": row.handle,
        "state": row.state.value,
        "live": not row.state.ended,
        "reason": row.reason,
        "advice": row.advice,
        "node": row.node,
        "sent": job.created,
        "started": finite(row.started),
        "seconds": finite(row.seconds),
        "remaining": finite(row.remaining),
        "starts": finite(row.starts),
        "ahead": row.ahead,
        "cpus": limits.cpus,
        "gpus": limits.gpus,
        "memory": limits.memory,
        "time_limit": finite(limits.seconds),
        "peak_memory": row.peak,
        "progress": _progress(row),
        "tasks": {state.value: count for state, count in sorted(row.counts.items())},
        "notebook": str(origin.get("notebook") or "") or None,
        "folder": str(job.folder.path),
    }


def all_facts(job: Job, row: JobRow) -> dict[str, Any]:
    """Return these, and what was sent, what came back, and what went wrong.

    Parameters
    ----------
    job : Job
        The job.
    row : JobRow
        What is shown of it.
    """
    return {
        **facts(job, row),
        "line": str(job.spec.get("line", "")),
        "sends": _values(row.sent),
        "left_out": dict(row.left_out),
        "missing": [*row.missing],
        "warnings": [*row.warnings],
        "brings": _values(row.came),
        "imports": [*row.imported],
        "changed": [*row.changed],
        "deleted": [*row.deleted],
        "unsent": dict(row.unsent),
        "error": "\n".join(row.error) or None,
        "failed_tasks": [
            {"task": t.name, "state": t.state.value, "reason": t.reason, "node": t.node}
            for t in row.failed
        ],
    }


def _values(rows: Sequence[SentRow]) -> list[dict[str, str]]:
    keys = ("name", "type", "size", "how", "why")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _progress(row: JobRow) -> list[dict[str, Any]]:
    return [
        {"text": bar.description, "done": finite(bar.done), "total": finite(bar.total)}
        for bar in row.progress
    ]


def finite(number: float | None) -> float | None:
    """Return a number that JSON can have; None for any other."""
    return number if number is not None and math.isfinite(number) else None
