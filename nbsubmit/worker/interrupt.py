"""What the worker does when it is told by a signal that it is to end.

SIGUSR2 says that the time is nearly over, or that the job has to make room for another. What the
job has is saved, a file asks for another run, and the process ends without a result. If there is to
be no other run the job goes on for as long as it is let.

SIGTERM says that the end has come, and whoever sent it knows whether there is to be another run:
what the job has is saved, and nothing is asked for.

Both are heeded by the main thread between two steps of Python. The first of several processes that
run together decides for all of them; the others end when it has.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Any

from nbsubmit.core.checkpoint import Keeper
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.state import JobState
from nbsubmit.core.usage import Limits
from nbsubmit.worker.surroundings import limits

_SIGNALS = (signal.SIGTERM, signal.SIGUSR2)
# A scheduler's timer is coarse: Slurm's warning may come a minute before it was asked for.
_SLACK_SECONDS = 60.0
_MOST_TIMEOUTS = 3
# So long the main thread may take to heed a signal before that is said, and to end after it has.
_PATIENCE_SECONDS = 5.0
_FAREWELL_SECONDS = 10.0
_LOOK_SECONDS = 0.2
# What comes so soon after the like is the same.
_TWICE_SECONDS = 2.0
_METHODS = ("__submitit_checkpoint__", "checkpoint")


class Terminated(BaseException):
    """The process was asked to end; no ``except Exception`` of the cell stops it.

    Parameters
    ----------
    signal : str
        The name of the signal.
    """

    def __init__(self, signal: str) -> None:
        super().__init__(signal)
        self.signal = signal


class NotAgain(Exception):
    """The job's own code does not want to be run again."""


class Work:
    """What the process does, as far as that can be saved.

    Parameters
    ----------
    keeper : Keeper
        Writes it.
    call : tuple, optional
        Function, arguments and keyword arguments; a cell has none.
    """

    def __init__(self, keeper: Keeper, call: tuple[Any, Any, Any] | None = None) -> None:
        self._keeper = keeper
        self._call = call
        function = call[0] if call else None
        found = (getattr(function, name, None) for name in _METHODS)
        self._method = next((method for method in found if callable(method)), None)

    @property
    def can_be_saved(self) -> bool:
        """It has a checkpoint of its own, or a state that is kept."""
        return self._method is not None or self._keeper.state is not None

    def save(self) -> None:
        """Save it.

        Raises
        ------
        NotAgain
            If its own checkpoint says that there is nothing to go on from.
        Exception
            Whatever its own code raises, or pickling.
        """
        keeper = self._keeper
        if keeper.state is not None and not keeper.by_hand:
            keeper.save_state()
        if self._method is not None and self._call is not None:
            _, args, kwargs = self._call
            again = self._method(*args, **kwargs)
            if again is None:
                raise NotAgain("checkpoint function returned None")
            call = (again.function, tuple(again.args), dict(again.kwargs))
            keeper.save(keeper.folder.checkpoint_file, call, "what checkpoint() has returned")


class Uninterrupted:
    """Where nobody sends a signal: in a process that is not the job's own."""

    def begin(self, work: Work) -> None:
        """Take note of what can be saved from now on, for it begins."""

    def end(self) -> None:
        """It is over, and what it has brought is to be written undisturbed."""

    @property
    def decides(self) -> bool:
        """Tell whether the job is not to leave a result of this run."""
        return False


class Interruptions(Uninterrupted):
    """Heeds the signals.

    Parameters
    ----------
    folder : JobFolder
        Of this process.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._together = folder.together
        self._work: Work | None = None
        self._early = False
        self._busy = False
        self._told_at = float("-inf")
        self._ends = False
        self._for_good = False
        # No event: its lock is held for a moment, and a second signal may come in that moment.
        self._heard = False
        self._mask = threading.local()
        self._began = time.time()
        self._limits = limits()

    def listen(self, early: Sequence[int] = ()) -> None:
        """Heed signals from now on, and one that came before.

        What is forked in the job must end when it is told to, as any process does.
        """
        self._early = bool(early)
        ours, theirs = os.pipe()
        os.set_blocking(theirs, False)
        for number in _SIGNALS:
            signal.signal(number, self._heed)
        signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
        # A child that is told to end before it has forgotten would not hear of it.
        os.register_at_fork(
            before=self._hold_back, after_in_parent=self._let_come, after_in_child=self._forget
        )
        threading.Thread(
            target=self._watch, args=(ours,), name="nbsubmit-signals", daemon=True
        ).start()

    def begin(self, work: Work) -> None:
        self._work = work
        if self._early:
            self._warned()

    def end(self) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    @property
    def decides(self) -> bool:
        return self._ends or self._others_end

    @property
    def _others_end(self) -> bool:
        """The first of the processes has decided that all of them end."""
        files = (self._together.requeue_file, self._together.end_file)
        return not self._folder.is_first and any(file.exists() for file in files)

    def _hold_back(self) -> None:
        self._mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def _let_come(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask.before)

    def _forget(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            if signal.getsignal(number) in (self._heed, signal.SIG_IGN):
                signal.signal(number, signal.SIG_DFL)
        self._let_come()

    def _heed(self, number: int, _frame: FrameType | None) -> None:
        self._heard = True
        if self._busy or self._ends:
            return
        self._busy = True
        try:
            if number == signal.SIGTERM:
                self._told_to_end()
            else:
                self._warned()
        finally:
            self._busy = False

    # SIGTERM

    def _told_to_end(self) -> None:
        # A scheduler tells the script around it, which passes that on, and the process itself. The
        # second must not end what sees to it that the first loses nothing.
        if time.monotonic() - self._told_at < _TWICE_SECONDS:
            return
        self._told_at = time.monotonic()
        name = signal.Signals.SIGTERM.name
        self._folder.write_json(self._folder.signal_file, {"signal": name, "at": time.time()})
        work = self._work
        if work is not None and work.can_be_saved and not self._is_for_good:
            try:
                work.save()
            except Exception as error:
                _say(f"told to end by {name}; what it has could not be saved", error)
        raise Terminated(name)

    @property
    def _is_for_good(self) -> bool:
        return self._for_good or self._folder.is_cancelled()

    # SIGUSR2

    def _warned(self) -> None:
        if self._folder.is_cancelled():
            return
        if not self._folder.is_first:
            if self._others_end:
                self._end()
            return
        if self._work is None:
            self._early = True
            return
        said = self._said()
        timed_out = self._is_near_end() if said is None else said
        reason = self._save(self._work, timed_out)
        if not reason:
            self._ask_for_another_run(timed_out)
            self._end()
        _say(f"Job not requeued because: {reason}")
        self._for_good = True
        if timed_out and said is None:
            # It may come to its end in the time that is left.
            together = self._together
            together.write_json(together.not_requeued_file, {"reason": reason})
            return
        self._note_end(timed_out, reason)
        self._end()

    def _save(self, work: Work, timed_out: bool) -> str:
        """Save what there is, and return why the job is not to be run again, or nothing."""
        if timed_out and not work.can_be_saved:
            return "timed-out and not checkpointable"
        if timed_out and self._timeouts >= self._most_timeouts:
            return "timed-out too many times"
        try:
            work.save()
        except NotAgain as error:
            return str(error)
        except Exception as error:
            if timed_out:
                _say("what it has could not be saved", error)
                return f"its checkpoint could not be saved ({type(error).__name__}: {error})"
            _say("what it has could not be saved; the next run begins where this one did", error)
        return ""

    def _said(self) -> bool | None:
        """Return whether this is to count as a time limit, where somebody has said."""
        data = self._together.read_json(self._together.interrupt_file)
        self._together.interrupt_file.unlink(missing_ok=True)
        return None if data is None else bool(data["timeout"])

    def _is_near_end(self) -> bool:
        """Tell whether the time is nearly over; where nobody knows the limit it must be that."""
        asked = Limits.from_json(self._folder.spec.get("limits", {})).seconds
        ends = self._limits.ends or (asked and self._began + asked)
        warning = float(self._folder.spec.get("signal_seconds") or 0)
        return not ends or ends - time.time() <= warning + _SLACK_SECONDS

    @property
    def _runs(self) -> dict[str, Any]:
        return self._together.read_json(self._together.runs_file) or {}

    @property
    def _timeouts(self) -> int:
        return int(self._runs.get("timeouts", 0))

    @property
    def _most_timeouts(self) -> int:
        return int(self._folder.spec.get("timeouts", _MOST_TIMEOUTS))

    def _ask_for_another_run(self, timed_out: bool) -> None:
        together, timeouts = self._together, self._timeouts + timed_out
        why = "timed out" if timed_out else "preempted"
        together.write_json(together.runs_file, {**self._runs, "timeouts": timeouts})
        together.write_json(together.requeue_file, {"why": why, "timeouts": timeouts})
        left = f", {self._most_timeouts - timeouts} more times at most" if timed_out else ""
        _say(f"{why}; it is queued to be run again{left}")

    def _note_end(self, timed_out: bool, reason: str) -> None:
        end = {
            "state": (JobState.TIMEOUT if timed_out else JobState.PREEMPTED).value,
            "reason": f"Job not requeued because: {reason}",
            "advice": "",
            "node": "",
            "at": time.time(),
        }
        self._together.write_json(self._together.end_file, end)

    def _end(self) -> None:
        self._ends = True
        # For code that catches what is raised, or waits for something that is gone.
        farewell = threading.Timer(_FAREWELL_SECONDS, os._exit, (1,))
        farewell.daemon = True
        farewell.start()
        raise Terminated(signal.Signals.SIGUSR2.name)

    # What the main thread cannot do

    def _watch(self, signals: int) -> None:
        """See that a signal is heeded; this thread hears of it at once."""
        while True:
            for number in os.read(signals, 1):
                if number in _SIGNALS:
                    self._see_to(signal.Signals(number))

    def _see_to(self, number: signal.Signals) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._heard and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS / 10)
        if not self._heard:
            _say(
                f"{number.name} came, and the main thread is in code that is not Python's: "
                f"nothing can be saved before that returns"
            )
        self._heard = False
        if number == signal.SIGUSR2 and not self._folder.is_first:
            while not self._others_end:
                time.sleep(_LOOK_SECONDS)
            os.kill(os.getpid(), signal.SIGUSR2)
            # The main thread may wait, in code that is not Python's, for a process that is gone.
            time.sleep(_FAREWELL_SECONDS)
            os._exit(1)


def _say(words: str, error: BaseException | None = None) -> None:
    """Leave word in the log."""
    lines = "".join(traceback.format_exception(error)) if error is not None else ""
    os.write(2, f"nbsubmit: {words}\n{lines}".encode(errors="backslashreplace"))
