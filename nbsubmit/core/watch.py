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
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import fields
from typing import Any, TypeVar

from nbsubmit.core import asking
from nbsubmit.core.asking import Asked, Run
from nbsubmit.core.backend import Backend, Report
from nbsubmit.core.found import Found
from nbsubmit.core.job import Job
from nbsubmit.core.questions import asks, hear_nothing, search, stop_again, takes_answer
from nbsubmit.core.settings import Settings
from nbsubmit.core.settle import GRACE_SECONDS, settle
from nbsubmit.core.state import Status
from nbsubmit.core.watched import (
    LONGEST_LOOK,
    SHORTEST_LOOK,
    Watched,
    changed_at,
    give_up_the_silent,
    look_soon_at_what_follows,
    look_where_there_is_news,
    read,
)

_log = logging.getLogger("nbsubmit")
T = TypeVar("T")

# So many times as long as it took to look nothing is looked at, up to half a look's distance where
# a disk is slow, and longer where it is a processor that was busy: for many jobs 2 % of one are
# enough. A thousand young ones took 20 %, and of a single one nothing is seen later by this.
_REST_AFTER_LOOKS, _REST_AFTER_WORK = 20, 50
_LONGEST_REST = 2 * LONGEST_LOOK
# So long whoever looks at jobs waits for a backend.
_PATIENCE_SECONDS = 5.0


def poll_once(
    watched: Sequence[Watched],
    backend: Backend | None,
    asked: Asked,
    settings: Settings,
    now: float,
    run: Run = asking.now,
    *,
    at_once: bool = False,
) -> None:
    """Look at every job of one backend that is due, asking the backend at most once.

    A backend that is asked aside answers a later look.

    Parameters
    ----------
    watched : sequence of Watched
        Live jobs, all of this backend.
    backend : Backend or None
        What runs them; None if only their folders can be looked at.
    asked : Asked
        When the backend was asked, and what it said; brought up to date.
    settings : Settings
        How often it may be.
    now : float
        The time by a monotonic clock.
    run : callable
        Has the backend asked, here or aside.
    at_once : bool
        Somebody waits for the answer, so it is asked again as soon as that is polite at all.
    """
    due = look_where_there_is_news([w for w in watched if w.next_look <= now], now)
    if backend is not None:
        due = _with(due, search(backend, watched, now, run), now)
    open_questions = [
        w for w in watched if w.found.handle and not (w.found.conclusive or w.found.never)
    ]
    if backend is None:
        give_up_the_silent(open_questions, settings, now)
    elif open_questions:
        if asks(open_questions, backend, asked, settings, now, at_once=at_once):
            asked.ask(backend, now, run)
        asked.hear(now)
        told = [one for one in open_questions if takes_answer(one, asked)]
        ended = [w for w in told if w.report and (w.report.state is None or w.report.state.ended)]
        # What it used last is written on, and shows in no folder's time.
        due = _with(_with(due, ended, now), told)
        stop_again(backend, open_questions, told, now, run)
    for one in due:
        _judge(one, asked, now)
    over = [one for one in due if one.job.is_over]
    asked.want_no_more(one.found.handle for one in over)
    if over:
        look_soon_at_what_follows(watched, now)


def _with(due: list[Watched], more: list[Watched], read_at: float | None = None) -> list[Watched]:
    """Return these and more, each once; those are read first if a time is given."""
    if read_at is not None:
        for one in more:
            read(one, read_at)
    return list({id(one): one for one in (*due, *more)}.values())


def _judge(one: Watched, asked: Asked, now: float) -> None:
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
    knows_nothing = one.report is None or one.report.stale
    if knows_nothing and asked.is_open_about(one.found.handle):
        doubt = 0.0  # what is about to be answered is not guessed
    # Of a thousand that wait nothing new is seen of nearly all, which saves a tenth of all looking.
    # Somebody else who looks may have judged the job since.
    was = one.judged
    if was is not None and not doubt and _is_as_judged(one, *was):
        one.job.notify()
        return
    status = settle(one.found, one.report, doubt)
    one.judged = None if doubt else (one.found, one.report, status)
    one.job.update(one.found, status, one.report)


def _is_as_judged(one: Watched, found: Found, report: Report | None, status: Status) -> bool:
    return one.found is found and one.report is report and one.job.status is status


def _wait_for_results(watched: Iterable[Watched], asked: Mapping[str, Asked]) -> None:
    """Judge jobs that are over by the word of their backend, once a result had time to show.

    Nobody else may ever look at them for so long.
    """
    deadline = time.monotonic() + GRACE_SECONDS + SHORTEST_LOOK
    over = [one for one in watched if one.doubt_since is not None and _is_said_to_be_over(one)]
    while (left := [one for one in over if not one.job.is_over]) and time.monotonic() < deadline:
        time.sleep(SHORTEST_LOOK)
        now = time.monotonic()
        for one in left:
            read(one, now)
            _judge(one, asked[one.job.spec.get("backend", "")], now)
    _refreshed(over)


def _is_said_to_be_over(one: Watched) -> bool:
    report = one.report
    if report is None or report.stale or not one.found.handle:
        return False
    return report.state is None or report.state.ended


def _refreshed(watched: Iterable[Watched]) -> list[Job]:
    """Return the arrays that these are tasks of, once they know how these are."""
    wholes = {id(w.job.whole): w.job.whole for w in watched if w.job.whole is not None}
    for whole in wholes.values():
        whole.refresh()
    return list(wholes.values())


_watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()


def _begin_anew() -> None:
    asking.forget()
    for watcher in _watchers:
        watcher._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _age(job: Job) -> float:
    return max(time.time() - job.created, 0.0)


def _asked_of(asked: dict[str, Asked], name: str, backend: Backend | None) -> Asked:
    """Return what is known of a backend's answers, by all of the user's who ask it."""
    file = getattr(backend, "shared_file", None)
    if file is not None:
        asked[name] = asking.shared(file)
    return asked.setdefault(name, Asked())


class Watcher:
    """Looks at jobs in one daemon thread, which is there only while a job is live.

    Parameters
    ----------
    settings : Settings
        How often a backend may be asked.
    patience : float, optional
        So many seconds whoever has jobs ended, or looks at them, waits for word from a backend; by
        default as long as it takes to have them ended, until the backend gives up by itself, and a
        few to look.
    sends : bool
        Also send the tasks of an array that its backend did not take at first.
    """

    def __init__(
        self, settings: Settings, patience: float | None = None, *, sends: bool = True
    ) -> None:
        self._settings = settings
        self._sends = sends
        self.patience = patience
        self._begin()
        _watchers.add(self)

    def _begin(self) -> None:
        """Watch nothing; also in a forked child, which has the watcher and not its thread."""
        self._lock = threading.Lock()
        self._watched: dict[int, Watched] = {}
        self._asked: dict[str, Asked] = {}
        # What was seen of jobs that are not kept meanwhile.
        self._let_go: list[tuple[weakref.ref[Job], dict[str, Any]]] = []
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def use(self, settings: Settings) -> None:
        """Ask no more often than these settings say, from now on."""
        self._settings = settings

    def add(self, job: Job) -> None:
        """Look at this job until it has ended; look again at once if it is watched already."""
        with self._lock:
            live = [part for part in job.parts if not part.is_over]
            if not live:
                return
            since = time.monotonic() - _age(job)
            for part in live:
                # Two objects of one job are two to look at.
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

    def leave(self, jobs: Iterable[Job]) -> None:
        """Look at these jobs no longer; who waits for one adds it again."""
        with self._lock:
            for job in jobs:
                for part in job.parts:
                    self._watched.pop(id(part), None)
            self._wake.set()

    def look_now(self, jobs: Iterable[Job]) -> None:
        """Look once at these jobs, here and now, and ask their backends.

        One that does not answer in time leaves what the folders say, and that is said. Of a job
        that has ended without a result one is waited for, as long as it may take to show.
        """
        patience = _PATIENCE_SECONDS if self.patience is None else self.patience
        deadline = time.monotonic() + patience
        now = time.monotonic()
        watched = [
            # One look cannot see a beat change, so the backend is asked about what seems to run.
            Watched(
                job,
                since=now - _age(job),
                beat=changed_at(str(job.folder.beat_file)),
                beat_seen=float("-inf"),
            )
            for whole in jobs
            for job in whole.parts
            if not job.is_over
        ]
        asked: dict[str, Asked] = {}
        self._step(watched, asked, now, at_once=True)
        searches = {one.search for one in watched if one.search is not None}
        if searches:
            wait(searches, patience)
            self._step(watched, asked, now, at_once=True)
        answers = [one.question.answer for one in asked.values() if one.question is not None]
        if answers:
            wait(answers, max(deadline - time.monotonic(), 0.0))
            self._step(watched, asked, now)
        for name, one in asked.items():
            if one.question is not None:
                mine = [w for w in watched if w.found.handle in one.question.handles]
                hear_nothing(mine, f"{name} has not answered yet")
                for job in mine:
                    _judge(job, one, now)
        _wait_for_results(watched, asked)

    def _go_on(self) -> None:
        while (pause := self._look_around()) is not None:
            self._wake.wait(pause)

    def _look_around(self) -> float | None:
        """Look at what is due, and return the seconds until more is; None if nothing is live."""
        begun, worked = time.monotonic(), time.thread_time()
        with self._lock:
            self._take_back()
            live = [w for w in self._watched.values() if not w.job.is_over]
            self._watched = {id(w.job): w for w in live}
            if not live:
                self._thread = None
                return None
            self._wake.clear()
        try:
            for whole in self._step(live, self._asked, time.monotonic()):
                if self._sends:
                    whole.send_more(time.monotonic(), self._settings.poll_seconds)
        except Exception:
            # The thread must outlive a bad look; the next one may go better.
            _log.exception("looking at jobs failed")
        self._let_go_of(live)
        now, worked = time.monotonic(), time.thread_time() - worked
        # Where there is much to look at, or a disk is slow, most of the time is left to others.
        least = min(_REST_AFTER_LOOKS * (now - begun), SHORTEST_LOOK / 2)
        least = max(least, min(_REST_AFTER_WORK * worked, _LONGEST_REST))
        return max(min(w.next_look for w in live) - now, least)

    def _let_go_of(self, live: Iterable[Watched]) -> None:
        """Keep no job between two looks that is to go when nobody else holds it."""
        with self._lock:
            for one in live:
                if one.job.may_go:
                    seen = {each.name: getattr(one, each.name) for each in fields(one)}
                    del seen["job"]
                    self._let_go.append((weakref.ref(one.job), seen))
                    self._watched.pop(id(one.job), None)

    def _take_back(self) -> None:
        for ref, seen in self._let_go:
            job = ref()
            if job is not None:
                self._watched.setdefault(id(job), Watched(job, **seen))
        self._let_go = []

    def _step(
        self,
        watched: list[Watched],
        asked: dict[str, Asked],
        now: float,
        *,
        at_once: bool = False,
    ) -> list[Job]:
        """Look at what is due, and return the jobs that these are tasks of."""
        names = {w.job.spec.get("backend", "") for w in watched}
        for name in sorted(names):
            mine = [w for w in watched if w.job.spec.get("backend", "") == name]
            backend = mine[0].job.backend
            is_quick = backend is None or backend.polite_seconds == 0
            poll_once(
                mine,
                backend,
                _asked_of(asked, name, backend),
                self._settings,
                now,
                asking.now if is_quick else self._aside,
                at_once=at_once,
            )
        return _refreshed(watched)

    def _aside(self, call: Callable[[], T]) -> Future[T]:
        return asking.aside(call, self._wake.set)
