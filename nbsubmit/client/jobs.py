"""Jobs of a store: all of them, or one by its id, whoever sent them and however long ago."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from nbsubmit.client.job import Job, backend_of, open_job
from nbsubmit.core import patterns, tasks
from nbsubmit.core import settings as settings_module
from nbsubmit.core.errors import FolderError, SubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.recover import recover
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
        Looks at those that are waited for.
    home : dict, optional
        The namespace that functions among their values are bound to.

    Raises
    ------
    FolderError
        If the store is not safe to read.
    """
    settings = settings_module.load()
    watcher = watcher or Watcher(settings)
    store = _store(folder, settings)
    found = [job for folder in store.folders() if (job := _try_to_open(folder, watcher, home))]
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

    Parameters
    ----------
    job_id : str
        Its id, or enough of the id's beginning or end, or the scheduler's id of it; with ``_k``
        behind it, the task with the index k of an array.
    folder, watcher, home
        As for `jobs`.

    Raises
    ------
    UnknownJob
        If there is none by that id, or more than one.
    """
    settings = settings_module.load()
    watcher = watcher or Watcher(settings)
    store = _store(folder, settings)
    found = by_handle(store, job_id) or store.find(job_id)
    job = _open(JobFolder(found.whole), watcher, home)
    watcher.look_now([job])
    return job.of_folder(found)


def by_handle(store: JobStore, text: str) -> JobFolder | None:
    """Return the job, or task, that the scheduler knows by an id: ``7`` or ``7_3``."""
    array, _, index = text.partition("_")
    for folder in reversed(store.folders()):
        if folder.handle() == text:
            return folder
        for part in tasks.parts_of(folder).parts:
            if part.handle == array:
                if not index.isdecimal():
                    return folder
                return TaskFolder(folder, TaskKey(part.first + int(index)), Shape.of(folder.spec))
    return None


def _store(folder: Path | str | None, settings: Settings) -> JobStore:
    """Return the store in a folder, which may be the one that an executor was given."""
    path = patterns.common(Path(folder or settings.folder).expanduser())
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
    backend = backend_of(folder)
    if backend is not None:
        try:
            recover(folder, backend)
        except (OSError, SubmitError):
            _log.debug("%s could not be asked for job %s", backend.name, folder.id, exc_info=True)
    return open_job(folder, backend, watcher, home)
