"""Jobs that are sent once more: with the parameters of their executor, or some of them changed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsubmit.client import executor
from nbsubmit.core import config_files
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.resubmit import resubmit
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasks import TaskFolder

if TYPE_CHECKING:
    from nbsubmit.client.job import Job


def send_again(
    job: Job[Any], changed: Mapping[str, Any], only: Sequence[int] | None = None
) -> Job[Any]:
    """Send a job's calls again and return the new job.

    Parameters
    ----------
    job : Job
        The job; a whole one, no task of it.
    changed : mapping
        Parameters of the executor that are to be others; of a cell ``options`` to add to its line.
    only : sequence of int, optional
        Of an array, the places of the calls to send.

    Raises
    ------
    NbsubmitError
        If it cannot be sent, or was sent by another nbsubmit.
    """
    from nbsubmit.client.job import open_job

    spec = job.folder.spec
    if "parameters" not in spec:
        return _cell_again(job, changed, only)
    kind = _kind(str(spec["backend"]))
    sender = kind(
        spec["folder"],
        int(spec["timeouts"]),
        python=spec.get("python"),
        profile=spec.get("profile"),
    )
    sender.update_parameters(**{**spec["parameters"], **changed})
    asked, backend = sender.asked(), sender.backend()
    store = JobStore(job.folder.store)
    new = resubmit(
        job, asked.options, str(spec["line"]), backend, store, job._watcher,
        config_files.settings(), job._home, open_job, only,
    )  # fmt: skip
    return new  # type: ignore[return-value]


def _cell_again(job: Job[Any], changed: Mapping[str, Any], only: Sequence[int] | None) -> Job[Any]:
    from nbsubmit.client import cells

    unknown = [name for name in changed if name != "options"]
    if unknown:
        raise NbsubmitError(
            f"job {job.id} is a cell, which has no parameter {unknown[0]!r}; change the options of "
            f'its line:  job.resubmit(options="--mem 8G")'
        )
    more = shlex.split(str(changed.get("options", "")))
    cells.check_options(more, "job.resubmit()")
    return cells.send_again(job, more, only)  # type: ignore[return-value]


def place_of(job: Job[Any]) -> int | None:
    """Return which call of an array a job is; None if it is none of one."""
    return job.folder.key.index if isinstance(job.folder, TaskFolder) else None


def _kind(backend: str) -> type[executor.Executor]:
    for kind in _kinds(executor.Executor):
        if kind.backend_name == backend:
            return kind
    raise NbsubmitError(f"there is no executor for the backend {backend!r} here")


def _kinds(kind: type[executor.Executor]) -> Iterator[type[executor.Executor]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)
