"""What has failed and was not sent again since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nbsubmit.core.ends import Failed
from nbsubmit.core.job import Job
from nbsubmit.core.later import cell_of
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.core.tasks import TaskFolder, number_of


@dataclass(frozen=True)
class Failure:
    """A job that failed, or some tasks of it.

    Attributes
    ----------
    job : Job
        The whole job.
    only : tuple of int or None
        Of an array, the places of the tasks that are to be run again; None for a job by itself.
    """

    job: Job
    only: tuple[int, ...] | None = None


def not_sent_again(jobs: Iterable[Job], among: Sequence[Job]) -> list[Failure]:
    """Return what has failed of some jobs and was not sent again, as a job or as a cell.

    Parameters
    ----------
    jobs : iterable of Job
        The jobs, each looked at.
    among : sequence of Job
        All jobs that there are: one of them may be another of these, sent again.
    """
    again: dict[str, list[Job]] = {}
    latest: dict[tuple[str, str], float] = {}
    for job in among:
        if job.spec.get("again"):
            again.setdefault(str(job.spec["again"]), []).append(job)
        elif (cell := cell_of(job.spec)) is not None:
            latest[cell] = max(job.created, latest.get(cell, 0.0))
    found = []
    # What another one starts after is sent before it.
    for job in sorted(jobs, key=lambda job: job.created):
        cell = cell_of(job.spec)
        is_old = cell is not None and latest.get(cell, 0.0) > job.created
        failure = _failure(job, again.get(job.id, ()))
        if failure is not None and not is_old:
            found.append(failure)
    return found


def _failure(job: Job, again: Sequence[Job]) -> Failure | None:
    if not job.is_over or _is_fine(job):
        return None
    if any(one.spec.get("picked") is None for one in again):
        return None
    if not isinstance(job, TaskedJob) or not _is_array(job):
        return Failure(job)
    sent = {number for one in again for number in one.spec["picked"]}
    places = tuple(
        place
        for place, task in enumerate(job.tasks)
        if task.status.state is not JobState.COMPLETED and _number(task) not in sent
    )
    return Failure(job, places) if places else None


def _is_fine(job: Job) -> bool:
    """Tell whether nothing is to be sent: who cancels a job wants neither it nor what follows."""
    if job.status.state is not JobState.CANCELLED:
        return job.status.state is JobState.COMPLETED
    kept_back = (Failed(part.folder, part.status) for part in job.parts if part.found.was_not_run)
    return all(failed.root.status.state is JobState.CANCELLED for failed in kept_back)


def _is_array(job: Job) -> bool:
    return bool(job.spec.get("array"))


def _number(task: Job) -> int:
    return number_of(task.folder) if isinstance(task.folder, TaskFolder) else 0
