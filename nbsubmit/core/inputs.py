"""The value of one job as an argument of another: it goes from folder to folder.

What is sent is where the first job's folder is. The second one loads the value when it starts, and
the client need not be there by then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbsubmit.core import tasks
from nbsubmit.core.awaited import Nobody, look_once, wait_for
from nbsubmit.core.backend import Backend
from nbsubmit.core.ends import Failed, failed_input, not_run
from nbsubmit.core.errors import InputFailed
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job
from nbsubmit.core.parts import parts_of
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob, open_job
from nbsubmit.core.tasks import TaskFolder, TaskKey


@dataclass(frozen=True)
class Input:
    """A job whose value another one needs, or that has to have succeeded before it.

    Attributes
    ----------
    folder : str
        The whole job's folder.
    task : str
        Which of its tasks is meant, as in its id; empty for the whole job.
    whatever : bool
        However it ends will do.
    waited : bool
        The backend starts nothing before that.
    stands_for : str
        In a job that was sent again: the place of the input that it was first sent with.
    """

    folder: str
    task: str = ""
    whatever: bool = False
    waited: bool = False
    stands_for: str = ""

    @classmethod
    def of(
        cls, job: Job, *, whatever: bool = False, waited: bool = False, stands_for: str = ""
    ) -> Input:
        """Return what stands for a job."""
        folder = job.folder
        task = str(folder.key) if isinstance(folder, TaskFolder) else ""
        return cls(str(folder.whole), task, whatever, waited, stands_for)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Input:
        """Return what `to_json` wrote."""
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(vars(self))

    @property
    def place(self) -> str:
        """By what it is known where it stands among the arguments of a call."""
        return f"{self.folder}:{self.task}"

    def ended(self, home: Namespace) -> Job:
        """Wait until the job has ended, and return it.

        Raises
        ------
        InputFailed
            If it did not succeed and has to, or will never be sent.
        """
        job = open_job(JobFolder(Path(self.folder)), None, Nobody(), home)
        named = {part.path for part in tasks.parts_named(job.folder, self.task)}
        parts = [part for part in job.parts if not self.task or part.folder.path in named]
        wait_for(parts, gone=self.waited)
        failed = next((p for p in parts if p.state is not JobState.COMPLETED), None)
        if failed is not None and not self.whatever:
            raise InputFailed(not_run(Failed(failed.folder, failed.status)))
        if isinstance(job, TaskedJob) and self.task:
            return parts[0]
        job.refresh()
        return job

    def value(self, home: Namespace) -> Any:
        """Wait until the job has ended, and return its value.

        Raises
        ------
        InputFailed
            If it did not succeed.
        """
        return self.ended(home).result()


def replaced(value: Any, by: Callable[[Any], Any], around: frozenset[int] = frozenset()) -> Any:
    """Return a value, or what is in a list, tuple or dict of Python's own, as a function has it.

    What holds nothing that changes is returned as it is.

    Parameters
    ----------
    value : object
        The value.
    by : callable
        Returns what is to stand in the place of one that is none of these.
    around : frozenset of int
        The containers that it is in, by `id`.
    """
    kind = type(value)
    if kind not in (list, tuple, dict):
        return by(value)
    parts = list(value.values()) if kind is dict else value
    if id(value) in around or set(map(type, parts)) <= _PLAIN:
        return value
    inside = around | {id(value)}
    new = [replaced(part, by, inside) for part in parts]
    if all(one is other for one, other in zip(new, parts, strict=True)):
        return value
    return dict(zip(value, new, strict=True)) if kind is dict else kind(new)


# Of these there may be many, and none is a job.
_PLAIN = {int, float, complex, bool, str, bytes, type(None)}


@dataclass(frozen=True)
class After:
    """A job that another one is to start after.

    Attributes
    ----------
    job : Job
        The job.
    whatever : bool
        However it ends will do.
    names : frozenset of str
        The names that it brings and the other one reads.
    stands_for : str
        As for `Input`.
    """

    job: Job
    whatever: bool = False
    names: frozenset[str] = field(default_factory=frozenset)
    stands_for: str = ""


def check(after: Sequence[After]) -> None:
    """Make sure that no job has failed that another one is to start after.

    Raises
    ------
    InputFailed
        Naming the first that has.
    """
    for one in after:
        failed = None if one.whatever else _failed(one.job)
        if failed is not None:
            raise InputFailed(f"nothing was submitted: its input, {failed}")


def _failed(job: Job) -> Failed | None:
    """Tell of a job that has failed, whether or not it has been looked at since."""
    if not job.is_over:
        return failed_input([Input.of(job).to_json()])
    return None if job.state is JobState.COMPLETED else Failed(job.folder, job.status)


def handles(after: Sequence[After], backend: Backend, *, whatever: bool) -> tuple[str, ...]:
    """Return the handles of those jobs that the backend knows and that have not ended yet.

    What becomes of a single task the backend does not know where it runs in a pack with others: its
    end has to do, and the worker finds out how it was.
    """
    found: list[str] = []
    for one in after:
        known = one.job.spec.get("backend") == backend.name and not one.job.is_over
        if (one.whatever or one.job.folder.is_packed) is whatever and known:
            found += _handles_of(one.job)
    return tuple(dict.fromkeys(found))


def as_json(after: Sequence[After], told: Collection[str] = ()) -> dict[str, Any]:
    """Return what a job's specification says of those that it starts after.

    Parameters
    ----------
    after : sequence of After
        These jobs.
    told : collection of str
        The handles that the backend was told of, to start nothing before they have ended.
    """
    listed = [
        Input.of(
            one.job,
            whatever=one.whatever,
            waited=_is_waited_for(one.job, told),
            stands_for=one.stands_for,
        ).to_json()
        for one in after
    ]
    names: dict[str, list[int]] = {}
    for number, one in enumerate(after):
        for name in sorted(one.names):
            names.setdefault(name, []).append(number)
    return {"after": listed, "inputs": names}


def opened(one: Input) -> Job:
    """Return the job that is meant, looked at once."""
    folder = JobFolder(Path(one.folder))
    if not one.task:
        job = open_job(folder, None, Nobody())
    else:
        first = tasks.parts_named(folder, one.task)[0]
        is_alone = str(first.key) == one.task
        some = TaskFolder(folder, TaskKey(first.key.index), first.shape)
        job = (Job if is_alone else TaskedJob)(first if is_alone else some, None, Nobody())
    for part in job.parts:
        look_once(part)
    job.refresh()
    return job


def _is_waited_for(job: Job, told: Collection[str]) -> bool:
    """Tell whether the backend waits for all of a job, and not only for what it has of it yet."""
    if _is_array(job) and parts_of(job.folder, fresh=True).rest is not None:
        return False
    known = _handles_of(job)
    return bool(known) and set(known) <= set(told)


def _is_array(job: Job) -> bool:
    is_task = isinstance(job.folder, TaskFolder)
    return not is_task and tasks.Shape.of(job.folder.spec).count is not None


def _handles_of(job: Job) -> list[str]:
    parts = parts_of(job.folder).parts if _is_array(job) else []
    found = [part.handle for part in parts] or [job.handle]
    return [handle for handle in found if handle]
