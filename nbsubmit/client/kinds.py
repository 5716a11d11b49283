"""submitit's names for jobs by what runs them: to ask for a job's kind, and to find one again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nbsubmit.client.job import Job
from nbsubmit.client.jobs import attach
from nbsubmit.core.job import Job as CoreJob


class _Kind(type):
    """A kind of job: all jobs are of one class, and their kind is what runs them."""

    backend_name: str

    def __call__(cls, folder: Path | str, job_id: str, tasks: Sequence[int] = (0,)) -> Job[Any]:
        """Find a job again, by its id in the folder that its executor was given."""
        return attach(job_id, folder)

    def __instancecheck__(cls, job: object) -> bool:
        # A notebook's own jobs are of the class that knows no executors.
        return isinstance(job, CoreJob) and job.folder.spec.get("backend") == cls.backend_name


if TYPE_CHECKING:

    class _Found(Job[Any]):
        """What a type checker is to know: that a job is found, and of which class it is."""

        def __init__(
            self, folder: Path | str, job_id: str, tasks: Sequence[int] = (0,)
        ) -> None: ...

else:

    class _Found(metaclass=_Kind):
        """What is common to the kinds."""


class SlurmJob(_Found):
    """A job that runs on Slurm.

    It is there for `isinstance`; to call it is to call `nbsubmit.attach`.

    Parameters
    ----------
    folder : path
        The folder that its executor was given.
    job_id : str
        As for `nbsubmit.attach`.
    tasks : sequence of int
        Of no meaning here.

    Raises
    ------
    UnknownJob
        If there is none by that id, or more than one.

    Examples
    --------
    >>> job = nbsubmit.DebugExecutor("logs").submit(abs, -1)
    >>> isinstance(job, nbsubmit.SlurmJob)
    False
    """

    backend_name: ClassVar[str] = "slurm"


class LocalJob(_Found):
    """A job that runs as a process on this machine.

    It is there for `isinstance`; to call it is to call `nbsubmit.attach`.

    Parameters
    ----------
    folder : path
        The folder that its executor was given.
    job_id : str
        As for `nbsubmit.attach`.
    tasks : sequence of int
        Of no meaning here.

    Raises
    ------
    UnknownJob
        If there is none by that id, or more than one.

    Examples
    --------
    >>> job = nbsubmit.LocalExecutor("logs").submit(abs, -1)
    >>> isinstance(job, nbsubmit.LocalJob)
    True
    >>> nbsubmit.LocalJob("logs", job.job_id).result()
    1
    """

    backend_name: ClassVar[str] = "local"


class DebugJob(_Found):
    """A job that has run in the process that sent it.

    It is there for `isinstance`; to call it is to call `nbsubmit.attach`.

    Parameters
    ----------
    folder : path
        The folder that its executor was given.
    job_id : str
        As for `nbsubmit.attach`.
    tasks : sequence of int
        Of no meaning here.

    Raises
    ------
    UnknownJob
        If there is none by that id, or more than one.

    Examples
    --------
    >>> job = nbsubmit.DebugExecutor("logs").submit(abs, -1)
    >>> isinstance(job, nbsubmit.DebugJob)
    True
    """

    backend_name: ClassVar[str] = "debug"
