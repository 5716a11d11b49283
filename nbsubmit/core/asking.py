"""Asking a backend without standing still until it answers.

A scheduler in trouble may take as long as it likes. Whoever looks at jobs has it asked aside and
looks at folders meanwhile; whoever cannot go on without an answer waits only so long.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from nbsubmit.core.answers import NEVER, Answer, AnswerFile, Shared
from nbsubmit.core.backend import Backend, Owner, Report
from nbsubmit.core.errors import SubmitError

_log = logging.getLogger("nbsubmit")
T = TypeVar("T")


def now(call: Callable[[], T]) -> Future[T]:
    """Call it here, and return what came of it."""
    answer: Future[T] = Future()
    try:
        answer.set_result(call())
    except Exception as error:
        answer.set_exception(error)
    return answer


def aside(call: Callable[[], T], done: Callable[[], None] = lambda: None) -> Future[T]:
    """Call it in a thread of its own, and return what will come of it.

    Parameters
    ----------
    call : callable
        What may take long.
    done : callable
        Called in that thread once it has not.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)
        done()

    # A copied context keeps output routed to the cell that is asking.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="nbsubmit-ask", daemon=True).start()
    return answer


class Run(Protocol):
    """Calls something, here or aside."""

    def __call__(self, call: Callable[[], T], /) -> Future[T]:
        """Return what comes of it."""


@dataclass(frozen=True)
class Question:
    """A question that a backend was asked about some jobs.

    Attributes
    ----------
    handles : frozenset of str
        Which jobs.
    at : float
        When, by a monotonic clock.
    answer : Future
        What it says of them; None if another process has kept this one from asking.
    """

    handles: frozenset[str]
    at: float
    answer: Future[Answer | None]


# So long others go on asking for a job of a process from which nothing is heard.
_WANTED_SECONDS = 120.0


class Asked:
    """When a backend was last asked, what it said, and the question that it has not answered.

    All watchers of a process have one for a backend; where there is a file, the user's other
    processes on this machine know the same. Times are a monotonic clock's.

    Parameters
    ----------
    file : AnswerFile, optional
        By which processes share it.

    Attributes
    ----------
    at, put : float
        When the last answer came, and when that question was asked.
    failures : int
        How often the backend could not be asked since it last could.
    trouble : str
        Why it could not be asked; empty if it could.
    reports : mapping
        Handle → what it said.
    question : Question or None
        What it is to answer.
    """

    def __init__(self, file: AnswerFile | None = None) -> None:
        self.at = self.put = NEVER
        self.failures = 0
        self.trouble = ""
        self.reports: Mapping[str, Report] = {}
        self.question: Question | None = None
        self._file = file
        self._wanted: dict[str, float] = {}
        self._lock = threading.RLock()

    def want(self, handles: Iterable[str], now: float) -> None:
        """Have these asked for with the next question, whoever asks it."""
        with self._lock:
            mine = list(handles)
            self._wanted |= dict.fromkeys(mine, now + _WANTED_SECONDS)
            if self._file is None or self.at == NEVER:  # then the question follows at once
                return
            shared, soon = self._file.read(), self._file.clock() + _WANTED_SECONDS / 2
            if any(shared.wanted.get(handle, NEVER) < soon for handle in mine):
                self._file.write(Shared(shared.answer, self._wanted_by_day(now)))

    def want_no_more(self, handles: Iterable[str]) -> None:
        """Have these not asked for any more, unless another process wants that."""
        with self._lock:
            for handle in handles:
                self._wanted.pop(handle, None)

    def wanted(self, now: float) -> list[str]:
        """Return all that is to be asked for."""
        with self._lock:
            self._wanted = {handle: until for handle, until in self._wanted.items() if until > now}
            return list(self._wanted)

    def _wanted_by_day(self, now: float) -> dict[str, float]:
        offset = 0.0 if self._file is None else self._file.clock() - now
        return {handle: self._wanted[handle] + offset for handle in self.wanted(now)}

    def look(self, now: float) -> None:
        """Learn what other processes want to know, and what they have been told."""
        if self._file is None:
            return
        with self._lock:
            shared, offset = self._file.read(), now - self._file.clock()
            for handle, until in shared.wanted.items():
                until = min(until + offset, now + _WANTED_SECONDS)
                if until > self._wanted.get(handle, now):
                    self._wanted[handle] = until
            if shared.answer is not None:
                self._learn(shared.answer, offset, now)

    def _learn(self, answer: Answer, offset: float, now: float) -> None:
        # What is to come yet was written by a clock that was set back since.
        if self.at < answer.at + offset <= now:
            self._take(answer, answer.at + offset, answer.put + offset)

    def _take(self, answer: Answer, at: float, put: float) -> None:
        self.at, self.put, self.failures = at, put, answer.failures
        self.trouble, self.reports = answer.trouble, answer.reports

    def ask(self, backend: Backend, at: float, run: Run) -> None:
        """Ask for all that is wanted; the question stands until it is answered."""
        with self._lock:
            if self.question is not None:
                return
            handles, wanted = self.wanted(at), self._wanted_by_day(at)
            known = self._file.read().answer if self._file else None
            failures = self.failures

            def call() -> Answer | None:
                if self._file is None:
                    return _poll(backend, handles, failures, at, lambda: at)
                file = self._file
                with file.alone() as is_alone:
                    if not is_alone:
                        return None
                    other = file.read().answer
                    if other is not None and other != known:  # somebody was quicker
                        return None
                    answer = _poll(backend, handles, failures, file.clock(), file.clock)
                    file.write(Shared(answer, wanted))
                return answer

            self.question = Question(frozenset(handles), at, run(call))

    def hear(self, now: float) -> None:
        """Take the answer to the question, if there is one, and let another one be asked."""
        with self._lock:
            question = self.question
            if question is None or not question.answer.done():
                return
            self.question = None
            answer = question.answer.result()
            if answer is not None:
                self._take(answer, now, question.at)
            else:
                self.look(now)

    def is_open_about(self, handle: str) -> bool:
        """Tell whether an answer about this job is still on its way."""
        return self.question is not None and handle in self.question.handles


def _poll(
    backend: Backend,
    handles: Sequence[str],
    failures: int,
    put: float,
    clock: Callable[[], float],
) -> Answer:
    try:
        told = backend.poll(handles)
    except (OSError, SubmitError) as error:
        trouble = f"{backend.name} cannot be asked: {error}"
        return Answer(put, clock(), failures + 1, trouble)
    return Answer(put, clock(), 0, "", {h: told.get(h, Report(None)) for h in handles})


_shared: dict[Path, Asked] = {}


def shared(path: Path) -> Asked:
    """Return what all of this process have who share by this file."""
    return _shared.setdefault(path, Asked(AnswerFile(path)))


def forget() -> None:
    """Have nothing in common: a forked child has what another thread may have been changing."""
    _shared.clear()


def stop(backend: Backend, handles: Sequence[str], owner: Owner, patience: float | None) -> None:
    """Have jobs ended, and wait only so long for word that this was done.

    Parameters
    ----------
    backend : Backend
        What runs them.
    handles : sequence of str
        Which jobs.
    owner : Owner
        Whose they are; others that have been given their handles are left alone.
    patience : float or None
        Seconds; None for as long as it takes.

    Raises
    ------
    OSError
        If it is known by then that the backend could not be asked.
    """

    def call() -> None:
        for handle in handles:
            backend.stop(handle, owner)

    # Whoever watches the job tells it again if that fails later.
    patiently(call, backend, patience)


def patiently(call: Callable[[], object], backend: Backend, patience: float | None) -> None:
    """Call something that asks a backend, and wait only so long for it.

    Raises
    ------
    Exception
        Whatever it has raised by then.
    """
    if patience is None or backend.polite_seconds == 0:
        call()
        return
    answer = aside(call)
    if wait([answer], patience).done:
        answer.result()
    else:
        answer.add_done_callback(_note_failure)


def _note_failure(answer: Future[Any]) -> None:
    error = answer.exception()
    if error is not None:
        _log.info("a scheduler could not be asked: %s", error)
