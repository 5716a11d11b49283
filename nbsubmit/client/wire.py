"""A job as a row that a browser is told, as JSON has it; `messages` carry rows."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbsubmit.client.cells import MAGICS
from nbsubmit.client.facts import finite
from nbsubmit.client.messages import Row
from nbsubmit.client.meters import Meters
from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob, counted

CANCEL, RESUBMIT, CLEAN, ATTACH = "cancel", "resubmit", "clean", "attach"


def row(job: Job, root: Path | None = None, meters: Meters | None = None) -> Row:
    """Return what is told of a job.

    Parameters
    ----------
    job : Job
        The job, as it was last looked at.
    root : Path, optional
        The folder that notebooks are named in relative to; without it none is.
    meters : Meters, optional
        Reads its progress bars. Whoever tells of a job again and again keeps one.
    """
    status, origin = job.status, job.spec.get("origin") or {}
    notebook = str(origin.get("notebook") or "")
    return {
        "id": job.id,
        "store": str(job.folder.store),
        "name": job.name,
        "backend": plain(str(job.spec.get("backend", ""))),
        "handle": plain(job.handle.partition(":")[0]),
        "state": status.state.value,
        "live": not status.state.ended,
        "reason": status.reason,
        "advice": status.advice,
        "node": status.node,
        "sent": finite(job.created) or 0.0,
        "started": finite(_started(job)),
        "ended": finite(job.ended_at),
        "seconds": finite(job.elapsed_seconds) or 0.0,
        "progress": _progress(job, meters),
        "tasks": _tasks(job),
        "notebook": plain(notebook) if notebook else None,
        "path": _within(notebook, root),
        "cell": plain(str(origin["cell"])) if origin.get("cell") else None,
        "can": list(_can(job)),
    }


def _can(job: Job) -> Iterator[str]:
    """Yield what can be done with a job now."""
    is_call = bool(job.spec.get("function"))
    magic = str(job.spec.get("line", "")).partition(" ")[0].lstrip("%")
    if not job.status.state.ended:
        yield CANCEL
    if magic in MAGICS or (is_call and "parameters" in job.spec):
        yield RESUBMIT
    if job.status.state.ended:
        yield CLEAN
    if not is_call and job.status.state is not JobState.REFUSED:
        yield ATTACH


def _started(job: Job) -> float | None:
    return min((part.found.started for part in job.parts if part.found.started), default=None)


def _tasks(job: Job) -> dict[str, int]:
    if not isinstance(job, TaskedJob):
        return {}
    return {state.value: count for state, count in sorted(job.states.items())}


def _progress(job: Job, meters: Meters | None) -> dict[str, Any] | None:
    """Return how far a job is: by its tasks, or by the outermost of its progress bars."""
    if job.status.state.ended:
        return None
    if isinstance(job, TaskedJob):
        over = sum(task.is_over for task in job.tasks)
        return {"done": float(over), "total": float(len(job.tasks)), "text": counted(job.states)}
    if job.status.state is not JobState.RUNNING:
        return None
    bars = (meters or Meters(job)).progress()
    if not bars or not math.isfinite(bars[0].done):
        return None
    words = (bars[0].description, bars[-1].note)
    return {
        "done": bars[0].done,
        "total": finite(bars[0].total),
        "text": plain(" ".join(word for word in words if word)),
    }


def _within(notebook: str, root: Path | None) -> str | None:
    """Return a notebook's path as the server's clients name it; None if it lies outside."""
    if root is None or not notebook:
        return None
    path = Path(os.path.realpath(notebook))
    base = Path(os.path.realpath(root))
    return plain(path.relative_to(base).as_posix()) if path.is_relative_to(base) else None
