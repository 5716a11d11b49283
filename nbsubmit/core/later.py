"""What a job that is sent again starts after: of an input that failed, its latest run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbsubmit.core.ends import Failed, failed_input
from nbsubmit.core.errors import InputFailed, SubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.inputs import After, Input, opened
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasks import TaskKey, number_of, parts_named


def inputs_again(job_id: str, spec: Mapping[str, Any]) -> tuple[After, ...]:
    """Return what a job starts after when it is sent again.

    An input that has succeeded, or is still to end, stays. In the place of one that has failed
    comes what it was sent again as, or its cell once more: the last of these that has not failed.

    Parameters
    ----------
    job_id : str
        The job's id, for errors.
    spec : mapping
        What is known of it from the start.

    Raises
    ------
    InputFailed
        If one has failed and was not sent again, or failed again.
    SubmitError
        If one was deleted.
    """
    names: dict[int, set[str]] = {}
    for name, numbers in spec.get("inputs", {}).items():
        for number in numbers:
            names.setdefault(number, set()).add(name)
    found = []
    for number, data in enumerate(spec.get("after", ())):
        old = Input.from_json(data)
        new = _latest(old)
        if not Path(new.folder).is_dir():
            gone = Path(new.folder).name
            raise SubmitError(
                f"job {job_id} was not sent: its input, job {gone}, was deleted. Send that again "
                f"from where it came"
            )
        failed = failed_input([new.to_json()])
        if failed is not None:
            raise InputFailed(_in_words(job_id, failed))
        stands_for = old.stands_for or old.place
        brought = frozenset(names.get(number, ()))
        found.append(After(opened(new), new.whatever, brought, stands_for))
    return tuple(found)


def _in_words(job_id: str, failed: Failed) -> str:
    whole = failed.folder.whole.name
    return (
        f"job {job_id} was not sent: its input, {failed}. "
        f"Send job {whole} again first, or all that failed at once, with --failed"
    )


def _latest(old: Input) -> Input:
    """Return the input itself, or what stands in its place if it has failed."""
    if Path(old.folder).is_dir() and failed_input([{**old.to_json(), "whatever": False}]) is None:
        return old
    later = [old, *_later_runs(old)]
    fine = [one for one in later if failed_input([one.to_json()]) is None]
    return (fine or later)[-1]


def _later_runs(old: Input) -> Iterator[Input]:
    """Return what stands for the same job or task, later and later."""
    job = JobFolder(Path(old.folder))
    since = float(job.spec.get("created", 0))
    known, cell = {job.id}, cell_of(job.spec)
    for other in _by_age(JobStore(job.store)):
        if other.id in known or float(other.spec.get("created", 0)) < since:
            continue
        if other.spec.get("again") in known or (cell and cell_of(other.spec) == cell):
            known.add(other.id)
            task = _task_in(other, old, job)
            if task is not None:
                yield replace(old, folder=str(other.path), task=task)


def _by_age(store: JobStore) -> list[JobFolder]:
    return sorted(store.folders(), key=lambda folder: float(folder.spec.get("created", 0)))


def cell_of(spec: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return which cell of which notebook a job is, where that is known."""
    origin = spec.get("origin") or {}
    if "notebook" in origin and "cell" in origin:
        return str(origin["notebook"]), str(origin["cell"])
    return None


def _task_in(run: JobFolder, old: Input, job: JobFolder) -> str | None:
    """Return which task of a later run stands for an input; None if nothing there does."""
    picked = run.spec.get("picked")
    if not old.task:
        # Some of its tasks are not the whole.
        return "" if picked is None or picked == job.spec.get("picked") else None
    index, _, rank = old.task.partition("_")
    if index and (tasks := parts_named(job, old.task)):
        number = number_of(tasks[0])
        if picked is not None and number not in picked:
            return None
        index = str(picked.index(number) if picked is not None else number)
    task = str(TaskKey(int(index) if index else None, int(rank) if rank else None))
    return task if parts_named(run, task) else None
