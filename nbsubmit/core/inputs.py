"""The value of one job as an argument of another: it goes from folder to folder.

What is sent is where the first job's folder is. The second one loads the value when it starts, and
the client need not be there by then.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbsubmit.core import tasks
from nbsubmit.core.backend import Backend, Report
from nbsubmit.core.errors import InputFailed, not_run
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job
from nbsubmit.core.settle import look, settle
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob, open_job
from nbsubmit.core.tasks import TaskFolder

_LOOK_SECONDS = 0.1
# For how long a job that runs may show no sign of life, where there is nobody to ask.
_LONGEST_SILENCE = 300.0
_GONE = Report(None)


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
    """

    folder: str
    task: str = ""
    whatever: bool = False
    waited: bool = False

    @classmethod
    def of(cls, job: Job, *, whatever: bool = False, waited: bool = False) -> Input:
        """Return what stands for a job."""
        folder = job.folder
        task = str(folder.key) if isinstance(folder, TaskFolder) else ""
        return cls(str(folder.whole), task, whatever, waited)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Input:
        """Return what `to_json` wrote."""
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(vars(self))

    def ended(self, home: Namespace) -> Job:
        """Wait until the job has ended, and return it.

        Raises
        ------
        InputFailed
            If it did not succeed and has to.
        """
        job = open_job(JobFolder(Path(self.folder)), None, _Nobody(), home)
        parts = [part for part in job.parts if _is_part(part, self.task)]
        looks = [_Look(part, gone=self.waited) for part in parts]
        for one in looks:
            while not one.is_over():
                time.sleep(_LOOK_SECONDS)
        failed = next((p for p in parts if p.state is not JobState.COMPLETED), None)
        if failed is not None and not self.whatever:
            raise InputFailed(not_run(failed.id, failed.status))
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


class _Look:
    """Looks at one job from where no backend can be asked.

    Parameters
    ----------
    job : Job
        The job.
    gone : bool
        It is known to have ended.
    """

    def __init__(self, job: Job, *, gone: bool) -> None:
        self._job = job
        self._gone = gone
        self._since: float | None = None

    def is_over(self) -> bool:
        """Look once more, and tell whether it has ended."""
        if self._job.is_over:
            return True
        found = look(self._job.folder)
        gone = self._gone or (bool(found.node) and self._silence() > _LONGEST_SILENCE)
        if not gone and found.exit_code is None:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        doubt = 0.0 if self._since is None else time.monotonic() - self._since
        self._job.update(found, settle(found, _GONE if gone else None, doubt))
        return self._job.is_over

    def _silence(self) -> float:
        try:
            return time.time() - self._job.folder.beat_file.stat().st_mtime
        except OSError:
            return 0.0


class _Nobody:
    """Watches nothing: whoever waits here looks by itself."""

    def add(self, job: Job) -> None:
        """Do nothing."""


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
    """

    job: Job
    whatever: bool = False
    names: frozenset[str] = field(default_factory=frozenset)


def check(after: Sequence[After]) -> None:
    """Make sure that no job has failed that another one is to start after.

    Raises
    ------
    InputFailed
        Naming the first that has.
    """
    for one in after:
        job = one.job
        if not one.whatever and job.is_over and job.state is not JobState.COMPLETED:
            raise InputFailed(f"nothing was submitted: its input, job {job.id}, is {job.status}")


def handles(after: Sequence[After], backend: Backend, *, whatever: bool) -> tuple[str, ...]:
    """Return the handles of those jobs that the backend knows and that have not ended yet."""
    found: list[str] = []
    for one in after:
        if one.whatever is whatever and _is_waited_for(one, backend):
            found += _handles_of(one.job)
    return tuple(dict.fromkeys(found))


def as_json(after: Sequence[After], backend: Backend) -> dict[str, Any]:
    """Return what a job's specification says of those that it starts after."""
    listed = [
        Input.of(one.job, whatever=one.whatever, waited=_is_waited_for(one, backend)).to_json()
        for one in after
    ]
    names: dict[str, list[int]] = {}
    for number, one in enumerate(after):
        for name in sorted(one.names):
            names.setdefault(name, []).append(number)
    return {"after": listed, "inputs": names}


def _is_waited_for(one: After, backend: Backend) -> bool:
    job = one.job
    return not job.is_over and job.spec.get("backend") == backend.name and bool(_handles_of(job))


def _handles_of(job: Job) -> list[str]:
    folder = job.folder
    if isinstance(folder, TaskFolder):
        return [folder.handle()] if folder.handle() else []
    parts = tasks.parts_of(folder).parts if tasks.Shape.of(folder.spec).count is not None else []
    if not parts:
        return [job.handle] if job.handle else []
    return [part.handle for part in parts]


def _is_part(part: Job, task: str) -> bool:
    key = str(part.folder.key) if isinstance(part.folder, TaskFolder) else ""
    return not task or key == task or key.startswith(f"{task}_")
