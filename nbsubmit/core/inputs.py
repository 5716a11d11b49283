"""The value of one job as an argument of another: it goes from folder to folder.

What is sent is where the first job's folder is. The second one loads the value when it starts, and
the client need not be there by then.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job
from nbsubmit.core.settle import look, settle
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob, open_job
from nbsubmit.core.tasks import TaskFolder

_LOOK_SECONDS = 0.1


class InputFailed(NbsubmitError):
    """A job was not run, because one that it was to start after did not succeed."""


@dataclass(frozen=True)
class Input:
    """A job whose value another one needs, or that has to have succeeded before it.

    Attributes
    ----------
    folder : str
        The whole job's folder.
    task : str
        Which of its tasks is meant, as in its id; empty for the whole job.
    """

    folder: str
    task: str = ""

    @classmethod
    def of(cls, job: Job) -> Input:
        """Return what stands for a job."""
        folder = job.folder
        task = str(folder.key) if isinstance(folder, TaskFolder) else ""
        return cls(str(folder.whole), task)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Input:
        """Return what `to_json` wrote."""
        return cls(str(data["folder"]), str(data["task"]))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(vars(self))

    def ended(self, home: Namespace) -> Job:
        """Wait until the job has ended, and return it.

        Raises
        ------
        InputFailed
            If it did not succeed.
        """
        job = open_job(JobFolder(Path(self.folder)), None, _Nobody(), home)
        parts = [part for part in job.parts if _is_part(part, self.task)]
        while not all(part.is_over for part in parts):
            for part in parts:
                found = look(part.folder)
                part.update(found, settle(found, None, 0.0))
            if not all(part.is_over for part in parts):
                time.sleep(_LOOK_SECONDS)
        failed = next((p for p in parts if p.state is not JobState.COMPLETED), None)
        if failed is not None:
            raise InputFailed(f"not run: its input, job {failed.id}, is {failed.status}")
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


class _Nobody:
    """Watches nothing: whoever waits here looks by itself."""

    def add(self, job: Job) -> None:
        """Do nothing."""


def _is_part(part: Job, task: str) -> bool:
    key = str(part.folder.key) if isinstance(part.folder, TaskFolder) else ""
    return not task or key == task or key.startswith(f"{task}_")
