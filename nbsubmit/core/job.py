"""A job as a user holds it: its state, output, values, and how to wait for it or end it.

It looks at nothing by itself. Whoever watches tells it of changes; waiting asks to be watched.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from nbsubmit.core import ends
from nbsubmit.core.asking import stop
from nbsubmit.core.backend import Backend, Owner, Report
from nbsubmit.core.errors import (
    CellFailed,
    FolderError,
    InputFailed,
    NbsubmitError,
    ResultUnreadable,
)
from nbsubmit.core.folder import JobFolder, remove_unfinished
from nbsubmit.core.found import NOTHING_FOUND, Found, look
from nbsubmit.core.harmless import plain
from nbsubmit.core.home import Namespace
from nbsubmit.core.loading import Copies, load_brought, load_copies
from nbsubmit.core.missing import Missing
from nbsubmit.core.originals import Home
from nbsubmit.core.output import OutputReader, Piece, text_of
from nbsubmit.core.raising import TAIL_BYTES, of_end, of_function, twin, with_traceback
from nbsubmit.core.result import CAUSE, EXCEPTION, NO_NAMES, VALUE, CellError, Result
from nbsubmit.core.sent import Sent
from nbsubmit.core.settle import settle
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.units import format_elapsed
from nbsubmit.core.usage import Limits

_log = logging.getLogger("nbsubmit")

# A short sleep keeps a wait open to an interrupt on every platform.
_SLICE_SECONDS = 0.2
# What is known of a job at first: one of each for all tasks of an array of thousands.
_WAITS = Status(JobState.PENDING)

J = TypeVar("J", bound="Job")


class Watches(Protocol):
    """What looks at live jobs and tells them what it sees."""

    def add(self, job: Job) -> None:
        """Look at this job until it has ended."""


class Job:
    """One job.

    Parameters
    ----------
    folder : JobFolder
        Its folder.
    backend : Backend or None
        What runs it; None for a job that can only be looked at.
    watcher : Watches
        Looks at it while somebody waits.
    home : dict, optional
        The namespace that functions among its values are bound to; by default ``__main__``'s.
    whole : Job, optional
        The job that it is a task of.

    Attributes
    ----------
    id : str
        Our own id.
    name : str
        The job's name; empty if it was given none.
    spec : dict
        What is known of it from the start, as plain data.

    Raises
    ------
    FolderError
        If somebody else could have written what its folder holds.
    """

    def __init__(
        self,
        folder: JobFolder,
        backend: Backend | None,
        watcher: Watches,
        home: Namespace | None = None,
        whole: Job | None = None,
    ) -> None:
        folder.check()
        self.folder = folder
        self.backend = backend
        self.whole = whole
        # Whoever only looks at it is not to keep it: something happens when nobody holds it.
        self.may_go = False
        self.id = folder.id
        self.spec: Mapping[str, Any] = folder.spec
        self.name: str = plain(self.spec.get("name", "")) if whole is None else whole.name
        self._watcher = watcher
        self._home = home
        self._status = _WAITS
        self._found = NOTHING_FOUND
        self._report: Report | None = None
        self._ended = threading.Event()
        self._lock = threading.RLock()
        self._listeners: list[Callable[[Job], None]] = []
        self._done_callbacks: list[Callable[[Job], None]] = []
        self._values: dict[str, Any] | None = None
        self._failed: dict[str, str] = {}
        self._arrive: Callable[[], None] = lambda: None
        self._meanwhile: Callable[[], None] = lambda: None
        self._leave: Callable[[], None] = lambda: None
        self._sender: Home | None = None

    def __repr__(self) -> str:
        return f"<Job {self.id} {self._status}>"

    @property
    def parts(self) -> Sequence[Job]:
        """What is watched of it: its tasks, or the job itself."""
        return (self,)

    def refresh(self) -> None:
        """Put together what was seen of its tasks; there are none."""

    def send_more(self, now: float, pause: float) -> None:
        """Send more of its tasks, if some have not been sent yet; there are none.

        Parameters
        ----------
        now : float
            The time by a monotonic clock.
        pause : float
            The least time between two attempts.
        """

    # What it is doing

    @property
    def status(self) -> Status:
        """State, reason, advice and node, as last seen."""
        return self._status

    @property
    def state(self) -> JobState:
        """The state as last seen."""
        return self._status.state

    @property
    def handle(self) -> str:
        """The backend's own id of the job; empty until it has one."""
        return self._found.handle or self.folder.handle()

    @property
    def owner(self) -> Owner:
        """By what a backend knows it again, should its handle be given to another job."""
        return Owner(self.folder.whole.name, str(self.spec.get("name", "")))

    @property
    def found(self) -> Found:
        """What the folder said when it was last looked at."""
        return self._found

    @property
    def report(self) -> Report | None:
        """What the backend said when it was last asked; None while it has not been."""
        return self._report

    @property
    def limits(self) -> Limits:
        """What it was given, or has asked for; as far as folder and backend tell."""
        asked = Limits.from_json(self.spec.get("limits", {}))
        given = Limits(seconds=self._report.seconds if self._report else None)
        return self._found.limits.over(given).over(asked)

    @property
    def created(self) -> float:
        """When it was sent, in seconds since the epoch."""
        return float(self.spec.get("created", 0))

    @property
    def elapsed_seconds(self) -> float:
        """How many seconds the cell has run, or ran; 0 before it starts."""
        result = self._found.result
        if result is not None:
            return result.ended - result.started
        if not self._found.node:
            return 0.0
        if self.is_over:
            return self.folder.seconds_of_signs()
        return max(time.time() - self._found.started, 0.0)

    @property
    def ended_at(self) -> float | None:
        """When it ended, in seconds since the epoch; None while it has not, or if nobody knows."""
        if not self.is_over:
            return None
        ends = [part.found.result.ended for part in self.parts if part.found.result]
        for part in self.parts if not ends else ():
            end = part.folder.read_json(part.folder.end_file)
            ends += [float(end["at"])] if end and "at" in end else []
        return max(ends, default=None)

    @property
    def is_over(self) -> bool:
        """Whether it was seen to have ended, however it did; nothing is looked at for that."""
        return self._ended.is_set()

    def done(self) -> bool:
        """Tell whether it has ended, however it did."""
        return self.is_over

    # Output

    def stdout(self) -> str:
        """Return all that it has printed so far; empty before it starts."""
        return text_of(self.folder.log_out)

    def stderr(self) -> str:
        """Return all that it has printed to standard error so far."""
        return text_of(self.folder.log_err)

    def outputs(self) -> list[Piece]:
        """Return text and displays in order; of more than 1 MiB of text in a row only the end."""
        return OutputReader(self.folder).read()

    # Waiting

    def wait(self: J, timeout: float | None = None) -> J:
        """Block until it has ended and return it; an interrupt ends the waiting, not the job.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Raises
        ------
        TimeoutError
            If it has not ended by then; it runs on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self.is_over:
            self._watcher.add(self)
        try:
            while not self._ended.wait(_SLICE_SECONDS):
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError(
                        f"job {self.id} is still {self.state.value} after {timeout:g} s; it goes on"
                    )
                self._meanwhile()
        finally:
            self._leave()
        self._arrive()
        return self

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait without keeping the loop busy, and return what `result` does.

        Whoever ends the waiting does not end the job.
        """
        return self._awaited().__await__()

    async def _awaited(self) -> Any:
        await self.ended()
        return self.result()

    async def ended(self) -> None:
        """Return when it has ended, without keeping the loop busy."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake(_job: Job) -> None:
            with suppress(RuntimeError):  # the loop may be gone by then
                loop.call_soon_threadsafe(ended.set)

        if not self.is_over:
            self._watcher.add(self)
        self.add_done_callback(wake)
        while not ended.is_set():
            # An interrupt does not wake a kernel's loop, which heeds it when it next turns.
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), _SLICE_SECONDS)

    def result(self, timeout: float | None = None) -> Any:
        """Wait, and return the value of the cell's last expression, or of the function.

        In the place of a last expression that is not here stands what raises an error when it is
        used (`Missing`).

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Raises
        ------
        Exception
            What the cell raised, with the node's traceback.
        ResultUnreadable
            If a function's value, or the result, cannot be rebuilt here.
        UncompletedJobError
            If it ended in any other way than by itself, or was not run.
        TimeoutError
            If it has not ended in time; it runs on.
        """
        self.wait(timeout)
        error = self.exception()
        if error is not None:
            raise error
        values = self._loaded()
        if VALUE in values:
            return values[VALUE]
        absent = self._absent_value("the last expression")
        return absent and Missing(str(absent), absent)

    def _absent_value(self, what: str) -> ResultUnreadable | None:
        """Return why there was a value and it is not here, as an error."""
        values, result = self._loaded(), self._found.result
        why = {**(result.unsent if result else {}), **self._failed}.get(VALUE)
        if VALUE in values or why is None:
            return None
        told = f"job {self.id} came to its end, and {what} is not here: {why}"
        return ResultUnreadable(told, self.id, self.folder.path)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait, and return what went wrong, or None: what `result` would raise.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Raises
        ------
        TimeoutError
            If it has not ended in time; it runs on.
        """
        self.wait(timeout)
        is_call = bool(self.spec.get("function"))
        if self.state is JobState.COMPLETED:
            # A cell's names are what it is for; a function's value is all that there is of it.
            return self._absent_value("the function's value") if is_call else None
        result = self._found.result
        if self._found.was_not_run:
            told = f"job {self.id} was {self.status.reason}. Send that one again, and then this"
            return InputFailed(told, self.id, self.folder.path)
        if result is not None and result.error is not None and not result.signal:
            error = self._cell_error(result.error)
            # Who calls a function expects either; a cell raises as if it had run here.
            return of_function(error, self.folder) if is_call else error
        return of_end(self.status, self.folder)

    @property
    def value(self) -> Any:
        """The value of the cell's last expression; waits for it, and raises what `result` does."""
        return self.result()

    # Values

    @property
    def result_names(self) -> list[str]:
        """The names that came back with a value."""
        return self._found.result.names if self._found.result else []

    @property
    def loaded(self) -> Mapping[str, Any]:
        """All values that came back: besides the names, the last expression and the error."""
        return self._loaded()

    @property
    def names(self) -> Mapping[str, Any]:
        """What came back, by name, whether or not it was brought into the notebook.

        Nothing is waited for: it is empty until the job was seen to have ended.

        Raises
        ------
        ResultUnreadable
            If another Python, or another release of a package, has written them.
        """
        return {n: v for n, v in self._loaded().items() if n not in NO_NAMES}

    @functools.cached_property
    def sent(self) -> Sent:
        """What was sent, and what was not."""
        return Sent.of(self.folder) if self.whole is None else self.whole.sent

    @property
    def load_errors(self) -> Mapping[str, str]:
        """The values that came back and could not be rebuilt here, with the reason."""
        self._loaded()
        return self._failed

    def _loaded(self) -> dict[str, Any]:
        with self._lock:
            result = self._found.result
            if result is None:  # there is none yet, and nothing to keep
                return {}
            if self._values is None:
                self._values, self._failed = self._load(result)
            return self._values

    def _load(self, result: Result) -> tuple[dict[str, Any], dict[str, str]]:
        if not result.entries:
            return {}, {}
        return load_brought(
            self.folder,
            result,
            self.sent.sources,
            self._namespace,
            self._sender,
            lambda: self.sent_copies,
        )

    @functools.cached_property
    def sent_copies(self) -> Copies:
        """The values that were sent, as they were then, and their parts."""
        return load_copies(self.folder, self.sent, self._namespace)

    @property
    def _namespace(self) -> Namespace:
        return sys.modules["__main__"].__dict__ if self._home is None else self._home

    # Errors

    def _cell_error(self, text: CellError) -> BaseException:
        try:
            error, cause = (self._loaded().get(name) for name in (EXCEPTION, CAUSE))
        except ResultUnreadable:
            error = cause = None
        if not isinstance(error, BaseException):
            told = "; ".join(part for part in (str(text), self._status.advice) if part)
            error = CellFailed(told, self.id, self.folder.path)
        elif self._found.result and self._found.result.is_held(EXCEPTION):
            error = twin(error)
        return with_traceback(error, text.traceback, cause)

    # Acting on it

    def cancel(self) -> bool:
        """Ask for it to be ended.

        Returns
        -------
        bool
            False if it had ended already.

        Raises
        ------
        OSError, SubmitError
            If the backend could not be asked; it is asked again while the job is watched.
        """
        if self.is_over:
            return False
        self.folder.write_json(self.folder.cancel_file, {"at": time.time()})
        handle = self.handle
        # A pack sees by itself that one of its tasks is to end, and the others are to go on.
        if self.backend is not None and handle and not self.folder.is_packed:
            self._stop(self.backend, [handle])
        self._watcher.add(self)
        return True

    def _stop(self, backend: Backend, handles: Sequence[str]) -> None:
        stop(backend, handles, self.owner, getattr(self._watcher, "patience", None))

    def _interrupt(self, timeout: bool = False) -> None:
        """Have it interrupted, to see that it can go on: as if it had to make room for another job.

        Parameters
        ----------
        timeout : bool
            As if its time were nearly over instead.

        Raises
        ------
        NbsubmitError
            If it has not begun.
        """
        folder = self.folder.together
        begun = any(part.folder.started_file.exists() for part in self.parts)
        if self.backend is None or not begun:
            raise NbsubmitError(f"job {self.id} has not begun: it cannot be interrupted. Cancel it")
        folder.write_json(folder.interrupt_file, {"timeout": timeout})
        self.backend.warn(self.handle, self.owner)
        self._watcher.add(self)

    def add_done_callback(self, callback: Callable[[Job], None]) -> None:
        """Call this once it has ended, with the job; at once if it has.

        Parameters
        ----------
        callback : callable
            Called with the job, in whichever thread sees the end; an error of it is logged.
        """
        with self._lock:
            if not self.is_over:
                self._done_callbacks.append(callback)
                return
        self._call([callback])

    # For whoever watches

    def listen(self, callback: Callable[[Job], None]) -> None:
        """Call this at each look at the job, from the thread that looks.

        Parameters
        ----------
        callback : callable
            Called with the job; an error of it is logged.
        """
        self._listeners.append(callback)

    def unlisten(self, callback: Callable[[Job], None]) -> None:
        """Call this no longer.

        Parameters
        ----------
        callback : callable
            What was given to `listen`.
        """
        with suppress(ValueError):
            self._listeners.remove(callback)

    def forget_values(self) -> None:
        """Load what came back anew when it is asked for: what was bound may have been changed."""
        with self._lock:
            self._values = None

    def on_wait(
        self,
        arrive: Callable[[], None],
        meanwhile: Callable[[], None] = lambda: None,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        """Have these called in the thread that waits.

        Parameters
        ----------
        arrive : callable
            When the job has ended.
        meanwhile : callable
            Now and then before.
        leave : callable
            When the waiting is over, however that came.
        """
        self._arrive, self._meanwhile, self._leave = arrive, meanwhile, leave

    def sent_from(self, home: Home) -> None:
        """Have the notebook asked for the objects that it has sent.

        Parameters
        ----------
        home : Home
            What asks it.
        """
        self._sender = home

    def update(self, found: Found, status: Status, report: Report | None = None) -> None:
        """Take what was seen, and tell those who listen.

        Parameters
        ----------
        found : Found
            What the folder says.
        status : Status
            How it was judged.
        report : Report, optional
            What the backend says; by default what it said before.
        """
        with self._lock:
            if self.is_over:
                return
            self._found, self._status, self._report = found, status, report or self._report
            ended = status.state.ended
            if ended:
                self._note_end(status)
        if ended:
            self._has_ended()
        self.notify()

    def has_come_after_all(self) -> bool:
        """Take the result of a job that was given up for lost, if it has left one since."""
        if self.state is not JobState.LOST or self._found.result is not None:
            return False
        try:
            found = look(self.folder)
        except (OSError, FolderError):
            return False
        if found.result is None:
            return False
        with self._lock:
            self._found, self._status = found, settle(found, self._report, 0.0)
            self._values = None
        self.notify()
        return True

    def _has_ended(self) -> None:
        """Wake those who wait and call those who asked for it, once."""
        with self._lock:
            if self.is_over:
                return
            callbacks, self._done_callbacks = self._done_callbacks, []
            self._ended.set()
        self._call(callbacks)

    def notify(self) -> None:
        """Tell those who listen that there is something to look at."""
        self._call(self._listeners)

    def _call(self, callbacks: list[Callable[[Job], None]]) -> None:
        for callback in list(callbacks):
            try:
                callback(self)
            except Exception:
                _log.exception("a callback of job %s failed", self.id)

    def _note_end(self, status: Status) -> None:
        """Keep an end that only the backend knew, for it may forget."""
        if self._found.conclusive:
            return
        try:
            ends.note(self.folder, status, not_run=self._found.never)
        except OSError:
            _log.warning("the end of job %s could not be written to %s", self.id, self.folder.path)
        report = self._report
        is_told = report is not None and not report.stale and report.state in _GONE
        if is_told or self._found.exit_code is not None:
            remove_unfinished(self.folder)

    def describe(self) -> str:
        """Return one line: id, name, state and why, and how long it has run."""
        parts = [self.id, self.name, str(self._status)]
        if self.elapsed_seconds:
            parts.append(format_elapsed(self.elapsed_seconds))
        return "  ".join(part for part in parts if part)

    def tail(self, size: int = TAIL_BYTES) -> Iterator[str]:
        """Yield the end of both streams' text, headed by their names.

        Parameters
        ----------
        size : int
            Bytes of each; by default 2000.
        """
        for title, file in (("stdout", self.folder.log_out), ("stderr", self.folder.log_err)):
            text = text_of(file, size)
            if text:
                yield f"--- {title} ---\n{text}"


# Where a scheduler says so, nothing of the job is left on its node.
_GONE = (JobState.FAILED, JobState.OUT_OF_MEMORY, JobState.TIMEOUT, JobState.CANCELLED,
         JobState.PREEMPTED, JobState.COMPLETED)  # fmt: skip
