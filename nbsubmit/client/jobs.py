"""Jobs of a store: all of them, or one by its id, whoever sent them and however long ago."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbsubmit.client.job import Job, backend_of, open_job
from nbsubmit.core import config_files, patterns
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.held import hold
from nbsubmit.core.home import Namespace
from nbsubmit.core.parts import parts_of
from nbsubmit.core.settings import STORE_NAME, Settings
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasks import Shape, TaskFolder, TaskKey
from nbsubmit.core.watch import Watcher

_log = logging.getLogger("nbsubmit")


def jobs(
    folder: Path | str | None = None,
    *,
    watcher: Watcher | None = None,
    home: Namespace | None = None,
) -> list[Job[Any]]:
    """Return all jobs of a store, oldest first, each looked at once.

    Parameters
    ----------
    folder : path, optional
        The store, or the folder that an executor was given; by default ``NBSUBMIT_FOLDER``, or
        ``.nbsubmit`` in the working directory.
    watcher : Watcher, optional
        Looks at those that are waited for; by default one of their own.
    home : dict, optional
        The namespace that functions among their values are bound to; by default ``__main__``'s.

    Returns
    -------
    list of Job
        One for each job, an array as one. A job that is not safe to read is logged and left out.

    Raises
    ------
    FolderError
        If the store is not safe to read.
    OptionError
        If what is configured cannot be.

    Examples
    --------
    >>> job = nbsubmit.DebugExecutor("logs").submit(abs, -1)
    >>> [each.result() for each in nbsubmit.jobs("logs")]
    [1]
    """
    watcher = watcher or Watcher(config_files.settings())
    return opened(store_in(folder).folders(), watcher=watcher, home=home)


def opened(
    folders: Iterable[JobFolder], *, watcher: Watcher, home: Namespace | None = None
) -> list[Job[Any]]:
    """Return the jobs in these folders, oldest first, each looked at once."""
    found = [job for folder in folders if (job := _try_to_open(folder, watcher, home))]
    watcher.look_now(found)
    return sorted(found, key=lambda job: job.created)


def attach(
    job_id: str,
    folder: Path | str | None = None,
    *,
    watcher: Watcher | None = None,
    home: Namespace | None = None,
) -> Job[Any]:
    """Return one job, looked at once.

    Of an array that the backend does not take as a whole, the tasks are sent that have not been,
    as long as this process lives and no other one does that.

    Parameters
    ----------
    job_id : str
        Its id, or enough of the id's beginning or end, or its handle, as Slurm's ``4711``; with
        ``_k`` behind it, the task with the index k of an array.
    folder, watcher, home
        As for `jobs`.

    Returns
    -------
    Job
        The job; that of a task is a `Job` too.

    Raises
    ------
    UnknownJob
        If there is none by that id, or more than one.
    FolderError
        If the store or the job is not safe to read.
    OptionError
        If what is configured cannot be.

    Examples
    --------
    >>> job = nbsubmit.DebugExecutor("logs").submit(abs, -1)
    >>> nbsubmit.attach(job.id[-4:], "logs").result()
    1
    >>> nbsubmit.attach("none", "logs")
    Traceback (most recent call last):
    ...
    nbsubmit.core.errors.UnknownJob: no job by the id 'none' in ...
    """
    store = store_in(folder)
    # To look for a handle is to look into each job's folder.
    known = None if store.has(job_id) else by_handle(store, job_id)
    found = known or store.find(job_id)
    if watcher is None:  # who has one sees to that, too
        hold(found)
    watcher = watcher or Watcher(config_files.settings())
    job = _open(JobFolder(found.whole), watcher, home)
    watcher.look_now([job])
    if any(part.found.unsent for part in job.parts):
        watcher.add(job)
    return job.of_folder(found)


def by_handle(store: JobStore, text: str) -> JobFolder | None:
    """Return the job, or task, that has a handle: ``7`` or ``7_3``; None if none has."""
    array, _, index = text.partition("_")
    for folder in reversed(store.folders()):
        with suppress(FolderError):  # one that cannot be read must not hide the rest
            found = _if_known_by(folder, text, array, index)
            if found is not None:
                return found
    return None


def _if_known_by(folder: JobFolder, text: str, array: str, index: str) -> JobFolder | None:
    if folder.handle() == text:
        return folder
    for part in parts_of(folder).parts:
        if part.handle == array:
            if not index.isdecimal():
                return folder
            shape = Shape.of(folder.spec)
            element = part.first - shape.place(part.first)[1] + int(index)
            tasks = shape.members(element)
            # That of a pack is the id of several.
            return TaskFolder(folder, TaskKey(tasks[0]), shape) if len(tasks) == 1 else folder
    return None


def store_in(folder: Path | str | None, settings: Settings | None = None) -> JobStore:
    """Return the store in a folder, which may be the one that an executor was given."""
    if not folder:
        folder = (settings or config_files.settings()).folder
    path = patterns.common(Path(folder).expanduser())
    inside = path / STORE_NAME
    return JobStore(inside if inside.is_dir() else path)


def _try_to_open(folder: JobFolder, watcher: Watcher, home: Namespace | None) -> Job[Any] | None:
    """Open a job among others; one that is not safe to read must not hide the rest."""
    try:
        return _open(folder, watcher, home)
    except FolderError as error:
        _log.warning("job %s is left out: %s", folder.id, error)
        return None


def _open(folder: JobFolder, watcher: Watcher, home: Namespace | None) -> Job[Any]:
    return open_job(folder, backend_of(folder), watcher, home)
