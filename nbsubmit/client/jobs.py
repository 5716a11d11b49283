"""Jobs of a store: all of them, or one by its id, whoever sent them and however long ago."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

from nbsubmit.client.job import Job, backend_of, open_job
from nbsubmit.core import settings as settings_module
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasked import part_of
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
        The store; by default ``NBSUBMIT_FOLDER``, or ``.nbsubmit`` in the working directory.
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
    store = JobStore(Path(folder or settings.folder))
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
        Its id, or enough of the id's beginning or end; ``ID_7`` for a task of an array.
    folder, watcher, home
        As for `jobs`.

    Raises
    ------
    UnknownJob
        If there is none by that id, or more than one.
    """
    settings = settings_module.load()
    watcher = watcher or Watcher(settings)
    found = JobStore(Path(folder or settings.folder)).find(job_id)
    job = _open(JobFolder(found.whole), watcher, home)
    watcher.look_now([job])
    return cast("Job[Any]", part_of(job, found))


def _try_to_open(folder: JobFolder, watcher: Watcher, home: Namespace | None) -> Job[Any] | None:
    """Open a job among others; one that is not safe to read must not hide the rest."""
    try:
        return _open(folder, watcher, home)
    except FolderError as error:
        _log.warning("job %s is left out: %s", folder.id, error)
        return None


def _open(folder: JobFolder, watcher: Watcher, home: Namespace | None) -> Job[Any]:
    return open_job(folder, backend_of(folder), watcher, home)
