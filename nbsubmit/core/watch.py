"""Looking at live jobs until they end: one pure step, and a small thread that takes it.

A job's end shows in its folder, so a job that ends normally costs the backend nothing. The
backend is asked, for all of its jobs at once, only where the folder cannot tell: a job that has
not started for a while, one whose beat has stopped, one that was told to end.
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbsubmit.core.backend import Backend, Report
from nbsubmit.core.errors import FolderError, OtherFormat, SubmitError
from nbsubmit.core.job import Job
from nbsubmit.core.settings import Settings
from nbsubmit.core.settle import Found, look, settle
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.tasks import Listing, TaskFolder, listing

_log = logging.getLogger("nbsubmit")

# A young job is looked at often, an old one less so.
_SHORTEST_LOOK, _LONGEST_LOOK = 0.1, 2.0
_LONGEST_ASK = 60.0
_MISSED_BEATS = 3
# A suspended job is silent too, so it takes long before a job is given up for its silence alone.
_LONGEST_SILENCE = 1000


@dataclass
class Watched:
    """A live job and what has been seen of it so far.

    Times are a monotonic clock's. ``beat`` is the time of the last beat by the node's clock, which
    may be any; only that it changes counts.
    """

    job: Job
    since: float
    next_look: float = 0.0
    report: Report | None = None
    doubt_since: float | None = None
    beat: int = 0
    beat_seen: float = 0.0
    found: Found = field(default_factory=Found)


@dataclass
class Asked:
    """When a backend was last asked, and how that went."""

    at: float = float("-inf")
    failures: int = 0


def poll_once(
    watched: Sequence[Watched],
    backend: Backend | None,
    asked: Asked,
    settings: Settings,
    now: float,
) -> None:
    """Look at every job of one backend that is due, asking the backend at most once.

    Parameters
    ----------
    watched : sequence of Watched
        Live jobs, all of this backend.
    backend : Backend or None
        What runs them; None if only their folders can be looked at.
    asked : Asked
        When the backend was asked; brought up to date.
    settings : Settings
        How often it may be.
    now : float
        The time by a monotonic clock.
    """
    due = _look_where_there_is_news([w for w in watched if w.next_look <= now], now)
    open_questions = [w for w in watched if not w.found.conclusive and w.found.handle]
    if backend is not None and any(
        _wants_answer(w, backend, asked, settings, now) for w in open_questions
    ):
        _ask(backend, open_questions, asked, now)
        due = list({id(w): w for w in (*due, *open_questions)}.values())
    if backend is None:
        _give_up_the_silent(open_questions, settings, now)
    for one in due:
        _judge(one, now)


def _look_where_there_is_news(due: Sequence[Watched], now: float) -> list[Watched]:
    """Look at jobs, and return those that may have changed; of tasks, one listing tells."""
    looked_at: list[Watched] = []
    listings: dict[Path, Listing] = {}
    for one in due:
        folder = one.job.folder
        if isinstance(folder, TaskFolder):
            if folder.whole not in listings:
                listings[folder.whole] = _listing(folder)
            one.next_look = _next_look(one, now)
            if not listings[folder.whole].tells_of(folder.key):
                if one.found.handle:
                    continue
                one.found = Found(handle=folder.handle(), refusal=folder.refusal())
                looked_at.append(one)
                continue
        _look(one, now)
        looked_at.append(one)
    return looked_at


def _listing(folder: TaskFolder) -> Listing:
    try:
        return listing(folder.job)
    except OSError:
        return Listing(cancelled=True)  # each has to find out by itself


def _give_up_the_silent(watched: Sequence[Watched], settings: Settings, now: float) -> None:
    """Take a long silence for an end where there is nobody to ask."""
    for one in watched:
        silent_since = max(one.beat_seen, one.since)
        if now - silent_since > _LONGEST_SILENCE * settings.beat_seconds:
            one.report = Report(None)


def _look(one: Watched, now: float) -> None:
    try:
        one.found = look(one.job.folder)
    except FolderError as error:
        advice = "" if isinstance(error, OtherFormat) else "see what happened to the folder"
        one.found = Found(end=Status(JobState.LOST, str(error), advice))
    except OSError:
        _log.debug("the folder of job %s cannot be read now", one.job.id, exc_info=True)
    beat = _beat(one.job)
    if beat != one.beat:
        one.beat, one.beat_seen = beat, now
        if one.report is not None and not (one.report.state and one.report.state.ended):
            one.report = None  # the job has shown since then that it is alive
    one.next_look = _next_look(one, now)


def _next_look(one: Watched, now: float) -> float:
    return now + min(max((now - one.since) / 50, _SHORTEST_LOOK), _LONGEST_LOOK)


def _beat(job: Job) -> int:
    try:
        return job.folder.beat_file.stat().st_mtime_ns
    except OSError:
        return 0


def _wants_answer(
    one: Watched, backend: Backend, asked: Asked, settings: Settings, now: float
) -> bool:
    """Tell whether only the backend knows, and it may be asked again."""
    wait: float = backend.polite_seconds * 2 ** min(asked.failures, 10)
    regular = settings.poll_seconds if backend.polite_seconds else 1.0
    if one.found.suspicious and not _is_queued_again(one):
        return now - asked.at >= min(wait, _LONGEST_ASK)
    if one.found.node and not _lapsed(one, settings, now):
        # The beat of a running job is its sign of life; a free backend is asked all the same.
        return backend.polite_seconds == 0 and now - asked.at >= regular
    age = now - one.since
    spacing = max(regular, min(age / 4, _LONGEST_ASK), min(wait, _LONGEST_ASK))
    return age >= regular and now - asked.at >= spacing


def _is_queued_again(one: Watched) -> bool:
    """What an earlier run has left is no news."""
    return one.report is not None and one.report.state is JobState.PENDING


def _lapsed(one: Watched, settings: Settings, now: float) -> bool:
    return now - one.beat_seen > _MISSED_BEATS * settings.beat_seconds


def _ask(backend: Backend, watched: Sequence[Watched], asked: Asked, now: float) -> None:
    asked.at = now
    try:
        reports = backend.poll([w.found.handle for w in watched])
    except (OSError, SubmitError) as error:
        asked.failures += 1
        reason = f"{backend.name} cannot be asked: {error}"
        for one in watched:
            one.report = replace(one.report or Report(_seen(one)), reason=reason, stale=True)
        return
    asked.failures = 0
    for one in watched:
        one.report = reports.get(one.found.handle, Report(None))


def _seen(one: Watched) -> JobState:
    return JobState.RUNNING if one.found.node else JobState.PENDING


def _judge(one: Watched, now: float) -> None:
    over = one.found.exit_code is not None or (
        one.report is not None and (one.report.state is None or one.report.state.ended)
    )
    if not one.found.handle:
        one.doubt_since = one.since
    elif not over:
        one.doubt_since = None
    elif one.doubt_since is None:
        one.doubt_since = now
    doubt = 0.0 if one.doubt_since is None else now - one.doubt_since
    one.job.update(one.found, settle(one.found, one.report, doubt), one.report)


_watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()


def _begin_anew() -> None:
    for watcher in _watchers:
        watcher._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _age(job: Job) -> float:
    return max(time.time() - job.created, 0.0)


class Watcher:
    """Looks at jobs in one daemon thread, which is there only while a job is live.

    Parameters
    ----------
    settings : Settings
        How often a backend may be asked.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked: dict[str, Asked] = {}
        self._begin()
        _watchers.add(self)

    def _begin(self) -> None:
        """Watch nothing; also in a forked child, which has the watcher and not its thread."""
        self._lock = threading.Lock()
        self._watched: dict[int, Watched] = {}
        # What was seen of jobs that are not kept meanwhile.
        self._let_go: list[tuple[weakref.ref[Job], dict[str, Any]]] = []
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, job: Job) -> None:
        """Look at this job until it has ended; look again at once if it is watched already."""
        with self._lock:
            live = [part for part in job.parts if not part.is_over]
            if not live:
                return
            since = time.monotonic() - _age(job)
            for part in live:
                # Two handles of one job are two to look at.
                one = self._watched.setdefault(id(part), Watched(part, since=since))
                one.next_look = 0.0
            self._wake.set()
            if self._thread is None:
                # A copied context keeps output routed to the cell that sent the job.
                run = contextvars.copy_context().run
                self._thread = threading.Thread(
                    target=run, args=(self._go_on,), name="nbsubmit-watch", daemon=True
                )
                self._thread.start()

    def keep(self, job: Job) -> None:
        """Look at this job until it has ended, as often as is due."""
        if self._thread is None or id(job) not in self._watched:
            self.add(job)

    def look_now(self, jobs: Iterable[Job]) -> None:
        """Look once at these jobs, here and now, and ask their backends."""
        now = time.monotonic()
        watched = [
            # One look cannot see a beat change, so the backend is asked about what seems to run.
            Watched(job, since=now - _age(job), beat=_beat(job), beat_seen=float("-inf"))
            for whole in jobs
            for job in whole.parts
            if not job.is_over
        ]
        self._step(watched, {}, now)

    def _go_on(self) -> None:
        while (pause := self._look_around()) is not None:
            self._wake.wait(max(pause, _SHORTEST_LOOK / 2))

    def _look_around(self) -> float | None:
        """Look at what is due, and return the seconds until more is; None if nothing is live."""
        with self._lock:
            self._take_back()
            live = [w for w in self._watched.values() if not w.job.is_over]
            self._watched = {id(w.job): w for w in live}
            if not live:
                self._thread = None
                return None
            self._wake.clear()
        try:
            self._step(live, self._asked, time.monotonic())
        except Exception:
            # The thread must outlive a bad look; the next one may go better.
            _log.exception("looking at jobs failed")
        self._let_go_of(live)
        return min(w.next_look for w in live) - time.monotonic()

    def _let_go_of(self, live: Iterable[Watched]) -> None:
        """Keep no job between two looks that is to go when nobody else holds it."""
        with self._lock:
            for one in live:
                if one.job.may_go:
                    seen = {name: value for name, value in vars(one).items() if name != "job"}
                    self._let_go.append((weakref.ref(one.job), seen))
                    self._watched.pop(id(one.job), None)

    def _take_back(self) -> None:
        for ref, seen in self._let_go:
            job = ref()
            if job is not None:
                self._watched.setdefault(id(job), Watched(job, **seen))
        self._let_go = []

    def _step(self, watched: list[Watched], asked: dict[str, Asked], now: float) -> None:
        names = {w.job.spec.get("backend", "") for w in watched}
        for name in sorted(names):
            mine = [w for w in watched if w.job.spec.get("backend", "") == name]
            when = asked.setdefault(name, Asked())
            poll_once(mine, mine[0].job.backend, when, self._settings, now)
        for whole in {id(w.job.whole): w.job.whole for w in watched}.values():
            if whole is not None:
                whole.refresh()
