"""The jobs of one store as rows: what has ended is read once, and what is live is kept open.

To read one takes a millisecond, and there may be ten thousand.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from nbsubmit.client import jobs as client
from nbsubmit.client import wire
from nbsubmit.client.messages import Row
from nbsubmit.client.meters import Meters
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.job import Job
from nbsubmit.core.store import JobStore, is_id
from nbsubmit.core.watch import Watcher

_log = logging.getLogger("nbsubmit")

# Some disks tell times to two seconds.
_COARSEST_CLOCK = 2.5
_OF_ANY = JobFolder(Path("any"))
_SPEC = _OF_ANY.spec_file.name
_ENDS = tuple(f.name for f in (_OF_ANY.result_file, _OF_ANY.end_file, _OF_ANY.refusal_file))


class Shelf:
    """What is known of the jobs of a store.

    Parameters
    ----------
    path : Path
        The store.
    root : Path or None
        What notebooks' paths are relative to.
    watcher : Watcher
        Looks at live jobs.
    """

    def __init__(self, path: Path, root: Path | None, watcher: Watcher) -> None:
        self.store = JobStore(path)
        # Live jobs, by id.
        self.live: dict[str, Job] = {}
        self._root = root
        self.watcher = watcher
        self._meters: dict[str, Meters] = {}
        # Of those that have ended the rows, as far as somebody wanted them.
        self._ended: dict[str, Row | None] = {}
        # Those that are new, and may not be written yet; and those that cannot be read.
        self._coming: set[str] = set()
        self._unread: set[str] = set()
        # When the folder of jobs was changed, by the disk's clock; since when that is known, and
        # when it was listed last.
        self._changed = -1
        self._seen_since = self._listed = 0.0

    @property
    def ended(self) -> Iterable[str]:
        """The ids of those that have ended."""
        return self._ended.keys()

    def look(self) -> None:
        """Find out which jobs there are, and open those that are new and live.

        Raises
        ------
        FolderError
            If the store is not safe to read.
        OSError
            If it cannot be read.
        """
        self.store.check()
        jobs = self.store.jobs
        try:
            changed = jobs.stat().st_mtime_ns
        except FileNotFoundError:
            self._forget_all_but(set())
            return
        now = time.monotonic()
        if changed != self._changed:
            self._changed, self._seen_since = changed, now
        # By whatever clock: what comes within the same tick of it does not show.
        if self._listed < self._seen_since + _COARSEST_CLOCK:
            self._listed = now
            self._list(jobs)
        self._open([id_ for id_ in self._coming if (jobs / id_ / _SPEC).exists()])
        self.settle()

    def _list(self, jobs: Path) -> None:
        with os.scandir(jobs) as entries:
            there = {entry.name for entry in entries if is_id(entry.name)}
        self._forget_all_but(there)
        new = there - self.live.keys() - self._ended.keys() - self._unread
        over = {id_ for id_ in new if _shows_its_end(jobs / id_)}
        self._ended |= dict.fromkeys(over)
        self._coming = new - over

    def _forget_all_but(self, there: Collection[str]) -> None:
        for id_ in {*self.live, *self._ended, *self._unread}.difference(there):
            self.has_gone(id_)
        self._coming.intersection_update(there)

    def has_gone(self, id_: str) -> None:
        """Know no more of a job that was removed."""
        job = self.live.pop(id_, None)
        if job is not None:
            self.watcher.leave([job])
        self._ended.pop(id_, None)
        self._meters.pop(id_, None)
        self._unread.discard(id_)

    def _open(self, ids: Collection[str]) -> None:
        """Open jobs, and note those of them that cannot be read: they are not tried again."""
        self._coming.difference_update(ids)
        self._unread.update(ids)
        for job in self._opened(ids):
            self._unread.discard(job.id)
            if job.is_over:
                self._end(job)
            else:
                self.live[job.id] = job

    def _opened(self, ids: Collection[str]) -> list[Job]:
        folders = [self.store.folder(id_) for id_ in ids]
        try:
            return [*client.opened(folders, watcher=self.watcher)]
        except Exception:  # what somebody has written there hides none but itself
            if len(ids) < 2:
                _log.warning("job %s cannot be read", *ids, exc_info=True)
                return []
        return [job for id_ in ids for job in self._opened([id_])]

    def _end(self, job: Job) -> None:
        row = self._row(job)
        if row is not None:
            self._ended[job.id] = row

    def settle(self) -> None:
        """Have what has ended no longer counted as live."""
        for id_, job in [*self.live.items()]:
            if job.is_over:
                del self.live[id_]
                self._meters.pop(id_, None)
                self._end(job)

    def rows(self, ended: Iterable[str]) -> list[Row]:
        """Return the rows of all that are live, and of these that have ended."""
        wanted = [*ended]
        self._read(wanted)
        live = [self._row(job) for job in [*self.live.values()]]
        return [row for row in (*live, *map(self._ended.get, wanted)) if row is not None]

    def _read(self, ended: Iterable[str]) -> None:
        """Read those that have ended and were not read yet."""
        unread = [id_ for id_ in ended if self._ended.get(id_, {}) is None]
        for id_ in unread:
            del self._ended[id_]
        if unread:
            self._open(unread)

    def row(self, id_: str) -> Row | None:
        """Return the row of a job; None if there is none by this id."""
        if id_ in self.live:
            return self._row(self.live[id_])
        self._read([id_])
        return self._ended.get(id_)

    def _row(self, job: Job) -> Row | None:
        """Return a job's row; None, and the job is shown no more, if it cannot be made."""
        try:
            if job.is_over:
                return wire.row(job, self._root)
            return wire.row(job, self._root, self._meters.setdefault(job.id, Meters(job)))
        except Exception:  # what somebody has written there hides none but itself
            _log.warning("job %s cannot be shown", job.id, exc_info=True)
            self.has_gone(job.id)
            self._unread.add(job.id)
            return None

    def job(self, id_: str) -> Job:
        """Return one job, looked at.

        Raises
        ------
        UnknownJob
            If there is none by this id.
        FolderError
            If it is not safe to read.
        """
        known = self.live.get(id_)
        if known is not None and not known.is_over:
            return known
        folder = self.store.find(id_)
        found = self._opened([folder.id])
        if not found:
            folder.check()
            raise FolderError(f"job {id_} cannot be read: look into {folder.path}")
        return found[0]


def _shows_its_end(folder: Path) -> bool:
    """Tell whether a look at a folder's names is enough to know that the job has ended."""
    return any(os.path.lexists(folder / name) for name in _ENDS)
