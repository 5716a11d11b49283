"""The job as users of the library know it: what a job can do, under submitit's names too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

from nbsubmit.core.backend import Backend
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job as CoreJob
from nbsubmit.core.job import Watches
from nbsubmit.core.tasked import TaskedJob as CoreTaskedJob
from nbsubmit.core.tasks import Shape

R = TypeVar("R", covariant=True)


class Job(CoreJob, Generic[R]):
    """One job."""


class TaskedJob(CoreTaskedJob, Job[list[Any]]):
    """A job that has tasks."""

    of_a_task: ClassVar[type[CoreJob]] = Job


def open_job(
    folder: JobFolder, backend: Backend | None, watcher: Watches, home: Namespace | None = None
) -> Job[Any]:
    """Return the handle of the job in a folder."""
    kind = TaskedJob if Shape.of(folder.spec).has_tasks else Job
    return kind(folder, backend, watcher, home)


_ = (functools, Callable, Path, cast)
