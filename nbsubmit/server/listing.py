"""The jobs of all stores that are known here, as rows; and what has changed of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nbsubmit.client.messages import Row, lasting
from nbsubmit.core import config_files, stores
from nbsubmit.core.errors import FolderError, NbsubmitError, UnknownJob
from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job
from nbsubmit.core.settings import STORE_NAME, Settings
from nbsubmit.core.watch import Watcher
from nbsubmit.server.shelf import Shelf

# So many that have ended are told of, the latest.
USUAL, MOST = 500, 5000
# So long whoever asks waits for a scheduler; then the answer is what is known.
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class News:
    """What has changed since it was last asked for.

    Attributes
    ----------
    rows : list of Row
        Of the jobs that are new, or not as they were.
    gone : list of str
        The ids of jobs that were removed.
    """

    rows: list[Row] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.gone)


class Listing:
    """The user's jobs.

    Parameters
    ----------
    root : Path or None
        The folder that notebooks are named in relative to.

    Attributes
    ----------
    heard : callable
        Called when a job that is watched has changed, from the thread that has seen it.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self.heard: Callable[[], None] = lambda: None
        self._remarks: list[str] = []
        self._shelves: dict[Path, Shelf] = {}
        self._lock = threading.RLock()
        # Jobs that are listened to, with what was heard of them, and those of which that is new.
        self._watched: dict[str, tuple[Job, Any]] = {}
        self._changed: set[str] = set()
        # What was told of live jobs, and all jobs that there were then.
        self._told: dict[str, Row] = {}
        self._there: set[str] = set()
        # Where notebooks that were opened really are, and where the server has them.
        self._names: dict[str, Path] = {}

    @cached_property
    def watcher(self) -> Watcher:
        """Looks at live jobs."""
        return Watcher(self._settings, _PATIENCE_SECONDS, sends=False)

    @cached_property
    def _settings(self) -> Settings:
        """The settings; where they cannot be read, that is said, and jobs are shown."""
        try:
            return config_files.settings(self.root)
        except NbsubmitError as error:
            self._remarks.append(plain(str(error)))
            return Settings()

    # Where jobs are

    def look(self, notebooks: Iterable[str] = ()) -> list[str]:
        """Look into all stores, and return why some of them are not listed.

        Parameters
        ----------
        notebooks : iterable of str
            The notebooks that are open, by the server's names: there may be a store beside each.
        """
        with self._lock:
            self._note_names(notebooks)
            paths = self._places()
            remarks = [*self._remarks]
            for path in self._shelves.keys() - paths:
                self._drop(path)
            for path in paths:
                shelf = self._shelves.get(path) or Shelf(path, self.root, self.watcher)
                self._shelves[path] = shelf
                try:
                    shelf.look()
                except (FolderError, OSError) as error:
                    self._drop(path)
                    remarks.append(plain(f"the jobs in {path} are not listed: {error}"))
            return remarks

    def _note_names(self, notebooks: Iterable[str]) -> None:
        """Note where notebooks really are: on the way there may be links out of the folder."""
        for name in notebooks if self.root else ():
            path = Path(os.path.normpath(f"{self.root}/{name}"))
            if path.is_relative_to(self.root or path):
                self._names[os.path.realpath(path)] = path

    def _places(self) -> list[Path]:
        """Return the stores that are there, each by one of its names."""
        beside = [path.parent / STORE_NAME for path in self._names.values()]
        chosen = Path(self._settings.folder).expanduser()
        if self.root is not None or chosen.is_absolute():
            beside.append(chosen if self.root is None else self.root / chosen)
        found: dict[tuple[int, int], Path] = {}
        # Those that are listed already keep the names that they were told by.
        for path in (*self._shelves, *stores.known(), *map(_absolute, beside)):
            try:
                there = path.stat()
            except OSError:
                continue
            found.setdefault((there.st_dev, there.st_ino), path)
        return sorted(found.values())

    def _drop(self, path: Path) -> None:
        self.watcher.leave(self._shelves.pop(path).live.values())

    def shelf(self, store: str, notebooks: Iterable[str] = ()) -> Shelf:
        """Return the shelf of a store that is listed.

        Raises
        ------
        UnknownJob
            If it is none of those: no other folder is looked into.
        FolderError
            If it is not safe to read.
        """
        path = Path(store)
        for _ in range(2):
            for known, shelf in [*self._shelves.items()]:
                if known == path or _is_same(known, path):
                    shelf.store.check()
                    return shelf
            self.look(notebooks)
        raise UnknownJob(plain(f"{store} is no store of jobs that is known here"))

    # What is told

    @property
    def is_live(self) -> bool:
        """Tell whether there is a live job, as far as was looked."""
        return any(shelf.live for shelf in [*self._shelves.values()])

    def rows(self, limit: int, notebooks: Iterable[str] = ()) -> tuple[list[Row], list[str]]:
        """Return the rows of all live jobs and of the latest that have ended, and what to remark.

        Parameters
        ----------
        limit : int
            So many that have ended.
        notebooks : iterable of str
            As for `look`.
        """
        with self._lock:
            known = [*self._live().values()]
            remarks = self.look(notebooks)
            if not self._watched:  # what was known of them is old
                self.watcher.look_now(known)
                for shelf in self._shelves.values():
                    shelf.settle()
            ended = sorted((id_, s) for s, shelf in self._shelves.items() for id_ in shelf.ended)
            latest = ended[len(ended) - min(limit, len(ended)) :]
            rows: list[Row] = []
            for path, shelf in self._shelves.items():
                rows += shelf.rows(id_ for id_, of in latest if of == path)
            if len(latest) < len(ended):
                older = len(ended) - len(latest)
                remarks.append(f"{older} jobs that ended before are not listed")
            rows = [self.named(row) for row in rows]
            return sorted(rows, key=lambda row: (row["sent"], row["id"])), remarks

    def named(self, row: Row) -> Row:
        """Return a row in which the notebook has the server's name if that is known."""
        if self.root is None:
            return row
        if row["path"] is not None:
            # One that has another name since is known by its cells.
            return row if (self.root / row["path"]).is_file() else {**row, "path": None}
        path = self._names.get(row["notebook"] or "")
        return row if path is None else {**row, "path": path.relative_to(self.root).as_posix()}

    def _live(self) -> dict[str, Job]:
        return {id_: job for shelf in self._shelves.values() for id_, job in shelf.live.items()}

    def _row(self, id_: str) -> Row | None:
        rows = (shelf.row(id_) for shelf in self._shelves.values())
        return next((self.named(row) for row in rows if row is not None), None)

    # What changes

    def begin(self) -> None:
        """Watch what is live; from now on there is news."""
        with self._lock:
            self._watch()
            self._told = {id_: lasting(row) for id_ in self._live() if (row := self._row(id_))}
            self._there = self._all()

    def _watch(self) -> None:
        live = self._live()
        for id_ in self._watched.keys() - live.keys():
            self._watched.pop(id_)[0].unlisten(self._hear)
        for id_, job in live.items():
            if id_ not in self._watched:
                self._watched[id_] = (job, _seen(job))
                job.listen(self._hear)
                self.watcher.add(job)

    def _hear(self, job: Job) -> None:
        known, seen = self._watched.get(job.id, (None, None)), _seen(job)
        if known[0] is job and known[1] != seen:
            self._watched[job.id] = (job, seen)
            self._changed.add(job.id)
            self.heard()

    def _all(self) -> set[str]:
        shelves = self._shelves.values()
        return {id_ for shelf in shelves for id_ in (*shelf.live, *shelf.ended)}

    def news(self, *, everything: bool, notebooks: Iterable[str] = ()) -> News:
        """Return what has changed.

        Parameters
        ----------
        everything : bool
            Look also for jobs that are new or gone, and how far each has come.
        notebooks : iterable of str
            As for `look`.
        """
        with self._lock:
            changed, self._changed = self._changed, set()
            if everything:
                self.look(notebooks)
                changed |= self._live().keys() | (self._all() - self._there)
            for shelf in self._shelves.values():
                shelf.settle()
            rows = [row for id_ in sorted(changed) if (row := self._row(id_)) is not None]
            rows = [row for row in rows if self._told.get(row["id"]) != lasting(row)]
            self._told |= {row["id"]: lasting(row) for row in rows}
            there = self._all()
            gone = sorted(self._there - there)
            self._there = there
            self._told = {id_: row for id_, row in self._told.items() if id_ in there}
            self._watch()
            return News(rows, gone)

    def rest(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            for job, _ in self._watched.values():
                job.unlisten(self._hear)
            self.watcher.leave(job for job, _ in self._watched.values())
            self._watched, self._changed, self._told, self._there = {}, set(), {}, set()


def _seen(job: Job) -> Any:
    """Return by what can be told, at no cost, that a job has changed."""
    return job.status, job.found.handle, job.found.node, job.is_over


def _absolute(path: Path) -> Path:
    # No link is followed: that a store is one has to be seen.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _is_same(one: Path, other: Path) -> bool:
    try:
        return other.is_absolute() and os.path.samestat(one.lstat(), other.lstat())
    except (OSError, ValueError):
        return False
