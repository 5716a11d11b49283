"""Looking at a store for what can go, and removing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from nbsubmit.backends.queue.place import QueueFolder
from nbsubmit.client import jobs as client
from nbsubmit.core import cleaning, removal
from nbsubmit.core.cleaning import Item, Wish
from nbsubmit.core.errors import FolderError, OptionError, SubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.held import held
from nbsubmit.core.job import Job
from nbsubmit.core.keys import Keys
from nbsubmit.core.settle import GRACE_SECONDS, VERDICT_SECONDS
from nbsubmit.core.sizes import Size, freed, size_of
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore

# The script around a cell may go on after it: it is taken to be over a day later.
_ENDING_SECONDS = 24 * 3600.0
# A job that nobody knows any more has shown no sign of life for so long.
_SILENT_SECONDS = 600.0


@dataclass(frozen=True)
class Plan:
    """What goes and what stays.

    Attributes
    ----------
    going : list of Item
        The jobs that go, oldest first.
    stays : dict
        The ids of those that were asked for and stay → why.
    frees : int
        The bytes that will be free.
    """

    going: list[Item] = field(default_factory=list)
    stays: dict[str, str] = field(default_factory=dict)
    frees: int = 0


class Cleaner:
    """What there is in a store and what of it may go.

    Parameters
    ----------
    store : JobStore
        The store.
    jobs : sequence of Job
        All its jobs, each looked at once, oldest first.
    ours : callable, optional
        Tells whether a job is one of those that this is about; by default all are.
    stays : callable, optional
        Tells why a job has to stay for reasons of the caller's own, or an empty text.
    """

    def __init__(
        self,
        store: JobStore,
        jobs: Sequence[Job],
        ours: Callable[[Job], bool] = lambda _job: True,
        stays: Callable[[Job], str] = lambda _job: "",
    ) -> None:
        self._store = store
        self._wait_for_the_gone(jobs)
        known = held(store.path, by_others=True)
        ending = _still_ending(jobs)
        self.all = [_item(job, _why(job, known, ending) or stays(job)) for job in jobs]
        self.ours = {job.id for job in jobs if ours(job)}
        self._sizes: dict[str, Size] = {}

    @property
    def items(self) -> list[Item]:
        """The jobs that this is about, with their sizes."""
        return [self._sized(item) for item in self.all if item.id in self.ours]

    def _sized(self, item: Item) -> Item:
        if item.id not in self._sizes:
            self._sizes[item.id] = size_of(self._store.folder(item.id))
        return replace(item, size=self._sizes[item.id])

    def _wait_for_the_gone(self, jobs: Sequence[Job]) -> None:
        """Have those that nobody knows any more come to an end: one look leaves a doubt."""
        gone = [job for job in jobs if not job.is_over and all(map(_is_gone, job.parts))]
        deadline = time.monotonic() + GRACE_SECONDS + VERDICT_SECONDS
        for job in gone:
            with suppress(TimeoutError):
                job.wait(max(deadline - time.monotonic(), 0.0))

    def find(self, text: str) -> str:
        """Return the id of one job by enough of it.

        Raises
        ------
        OptionError
            If it is a task.
        UnknownJob
            If there is none, or more than one.
        """
        if "_" in text:
            raise OptionError(f"{text} is a task; only a whole job can be removed")
        return self._store.find(text).id

    def plan(self, wish: Wish) -> Plan:
        """Return what goes and what stays if this is asked for."""
        ours = self.ours | (wish.ids or set())
        others = [item for item in self.all if item.id not in ours]
        # What others need has to stay whoever they belong to.
        needed = {need: f"job {item.id} needs it" for item in others for need in item.needs}
        mine = [_staying(i, needed) for i in self.all if i.id in ours]
        chosen, stays = cleaning.choose(mine, wish, time.time())
        going = [self._sized(item) for item in chosen]
        return Plan(going, stays, freed(item.size for item in going))

    def remove(self, plan: Plan) -> Plan:
        """Remove what a plan says, and what killed processes have left; return what went."""
        went: list[Item] = []
        stays = dict(plan.stays)
        for item in plan.going:
            folder = self._store.folder(item.id)
            try:
                if removal.remove(self._store, folder, partial(self._is_held, item.id)):
                    went.append(item)
                else:
                    stays[item.id] = _HELD
            except FolderError as error:
                stays[item.id] = str(error)
        more = removal.sweep(self._store)
        Keys(self._store.path).tidy()
        with suppress(FolderError, OSError):
            QueueFolder().tidy()
        return Plan(went, stays, freed(item.size for item in went) + more)

    def _is_held(self, job_id: str) -> bool:
        return job_id in held(self._store.path, by_others=True)


_HELD = "a notebook or a script has it open"


def cleaner(folder: Path | str | None = None) -> Cleaner:
    """Return what there is in a store that was named as for `nbsubmit.client.jobs.jobs`."""
    return Cleaner(client.store_in(folder), client.jobs(folder))


def _staying(item: Item, needed: dict[str, str]) -> Item:
    if item.stays or item.id not in needed:
        return item
    return replace(item, stays=needed[item.id])


def _is_gone(job: Job) -> bool:
    if job.is_over:
        return True
    report = job.report
    return report is not None and report.state is None and not report.stale


def _why(job: Job, known: set[str], ending: dict[str, str]) -> str:
    """Return why a job has to stay, or an empty text."""
    if not job.is_over:
        return f"it is {job.status.state}"
    if job.id in known:
        return _HELD
    if job.id in ending:
        return ending[job.id]
    return _may_live(job) if job.state is JobState.LOST else ""


def _may_live(job: Job) -> str:
    """Look closer at a job of which nobody has seen the end: it may have been out of sight."""
    for part in job.parts:
        with suppress(OSError):
            if part.folder.silence() < _SILENT_SECONDS:
                return "it has shown signs of life a short while ago"
    if job.backend is not None and not job.handle:
        try:
            found = job.backend.find(job.id)
        except (OSError, SubmitError) as error:
            return f"whether it runs cannot be asked now ({error})"
        return f"{job.backend.name} knows it" if found else ""
    return ""


def _still_ending(jobs: Iterable[Job]) -> dict[str, str]:
    """Return those whose scripts still run, though the end of the cell is known: id → why.

    A script leaves its exit code last of all. Where there is none, as after one that was killed,
    the backend is asked, once for all of its jobs.
    """
    found: dict[str, str] = {}
    unsure: dict[str, list[tuple[Job, str]]] = {}
    for job in jobs:
        if job.is_over and job.backend is not None and time.time() - _ended(job) < _ENDING_SECONDS:
            open_ = [part.handle for part in job.parts if not _has_exit(part.folder)]
            unsure.setdefault(job.backend.name, []).extend((job, h) for h in open_ if h)
    for pairs in unsure.values():
        backend = pairs[0][0].backend if pairs else None
        if backend is None:
            continue
        try:
            reports = backend.poll([handle for _, handle in pairs])
        except (OSError, SubmitError) as error:
            why = f"whether its script has ended cannot be asked now ({error})"
            found |= {job.id: why for job, _ in pairs}
            continue
        for job, handle in pairs:
            report = reports.get(handle)
            if report is not None and report.state is not None and not report.state.ended:
                found[job.id] = "its script has not ended yet"
    return found


def _has_exit(folder: JobFolder) -> bool:
    return folder.exit_file.exists() or folder.around.exit_file.exists()


def _ended(job: Job) -> float:
    """Return when a job ended; when it was sent if that is not known."""
    return max(job.created, job.ended_at or 0.0)


def _item(job: Job, stays: str) -> Item:
    return Item(job.id, job.status.state, _ended(job), job.name, stays, frozenset(_needs(job)))


def _needs(job: Job) -> Iterator[str]:
    """Return the jobs that a job cannot do without."""
    # What an array's tasks bring that were run again fills places in its lists.
    if job.spec.get("first"):
        yield str(job.spec["first"])
    # One that has failed may be sent again, with what it was to start after.
    if job.state is not JobState.COMPLETED:
        yield from (_id_of(one) for one in job.spec.get("after") or ())


def _id_of(after: Any) -> str:
    """Return the id of a job that another starts after."""
    if isinstance(after, dict):
        return Path(str(after.get("folder", ""))).name
    return Path(str(after).partition("_")[0]).name
