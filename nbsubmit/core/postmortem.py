"""The frames that were kept of a cell that failed → an exception whose traceback a debugger takes.

The frames are real ones, of code that does nothing but stop at the kept line under the kept name.
They see the values that were kept and, as their globals, the namespace as the job left it: what was
sent, and what came back. Nothing of it is the notebook's own, so a debugger may change it.
"""

from __future__ import annotations

import builtins
import importlib
import io
import sys
from collections import ChainMap
from contextlib import AbstractContextManager, suppress
from types import FrameType, TracebackType
from typing import Any

from nbsubmit.core.definitions.known import defined_by
from nbsubmit.core.errors import NbsubmitError, ResultUnreadable
from nbsubmit.core.home import Namespace, at_home
from nbsubmit.core.job import Job
from nbsubmit.core.kept import EVERYTHING, Kept, KeptError, KeptFrame, KeptValue, NotHere
from nbsubmit.core.pickling import Reference, ReferringUnpickler
from nbsubmit.core.result import NOT_BROUGHT
from nbsubmit.core.state import JobState
from nbsubmit.core.stopped import lines_of, stopped_at
from nbsubmit.core.trust import read_own


class NothingKept(NbsubmitError):
    """There are no frames of this job to be looked at."""


class PostMortem:
    """What was kept of a job that failed.

    Parameters
    ----------
    job : Job
        The job; an object of its own, for its values are loaded apart from the notebook's.
    namespace : dict
        An empty one, which becomes the job's; the job's handle has it as its home. Or the
        notebook's own, if it is as the job left it.
    apart : bool
        Which of the two.

    Attributes
    ----------
    error : BaseException
        What ended the cell, with the frames that were kept, and with what led to it.
    arguments : dict
        By `id` of a frame, which of its locals are arguments.

    Raises
    ------
    NothingKept
        Saying why there are no frames.
    ResultUnreadable
        If another Python has written them.
    """

    def __init__(self, job: Job, namespace: Namespace, *, apart: bool = True) -> None:
        self._job = job
        self._namespace = namespace
        self._kept = _read(job)
        self.arguments: dict[int, tuple[str, ...]] = {}
        if apart:
            self._load_namespace()
        self._values = self._load_values()
        own = {name: self._values[number] for name, number in self._kept.names.items()}
        if apart:
            namespace.update(own)
        # What is written goes to the notebook; what is there alone is seen behind it.
        self._main: Namespace | ChainMap[str, Any] = (
            namespace if apart else ChainMap(namespace, own)
        )
        self.error = self._chained()

    # Values

    def _load_namespace(self) -> None:
        """Fill the namespace with what was sent and what came back, as far as that can be had."""
        job, space = self._job, self._namespace
        space.update(__name__="__main__", __builtins__=builtins)
        result = job.found.result
        modules = {**job.sent.modules, **self._kept.modules, **(result.modules if result else {})}
        for name, module in modules.items():
            with suppress(Exception):
                space[name] = importlib.import_module(module)
        try:
            space.update(job.sent_copies[0])
            space.update(job.names)
        except (NbsubmitError, OSError) as error:  # what is left is worth a look
            print(f"nbsubmit: {error}", file=sys.stderr)
        for name in result.deleted if result else ():
            space.pop(name, None)

    def _load_values(self) -> list[Any]:
        data = read_own(self._job.folder.kept_values)
        with at_home(self._namespace), defined_by(lambda: self._job.sent_copies):
            return [self._value(value, data) for value in self._kept.values]

    def _value(self, value: KeptValue, data: bytes) -> Any:
        if not value.size:
            return NotHere(value.type, value.why_not, value.shown)
        unpickler = ReferringUnpickler(io.BytesIO(data[value.start : value.start + value.size]))
        unpickler.reference = self._reference
        try:
            unpickler.load()  # what every stream begins with
            return unpickler.load()
        except Exception as error:
            return NotHere(value.type, f"{type(error).__name__}: {error}", value.shown)

    def _reference(self, name: Reference) -> Any:
        if name == EVERYTHING:
            return self._namespace
        if name not in self._namespace:
            raise LookupError(f"it is, or holds, {name}, which has not come back")
        return self._namespace[str(name)]

    # Frames

    def _chained(self) -> BaseException:
        errors = [self._error(kept) for kept in self._kept.errors]
        for error, behind, kept in zip(errors, errors[1:], self._kept.errors[1:], strict=False):
            if kept.is_cause:
                error.__cause__ = behind
            else:
                error.__context__, error.__suppress_context__ = behind, False
        return errors[0]

    def _error(self, kept: KeptError) -> BaseException:
        error: Any = self._values[kept.value]
        if not isinstance(error, BaseException):
            error = type(kept.type, (Exception,), {"__module__": "builtins"})(kept.message)
        trace: TracebackType | None = None
        for entry in reversed(kept.frames):
            frame = self._frame(entry)
            trace = TracebackType(trace, frame, frame.f_lasti, entry.line)
        error.__traceback__ = trace
        made: BaseException = error
        return made

    def _frame(self, kept: KeptFrame) -> FrameType:
        space = self._namespace
        if kept.module:  # with the module as it is here, if it is
            found = sys.modules.get(kept.module)
            space = {"__name__": kept.module, **(vars(found) if found else {})}
        values: Any = self._main
        if kept.values is not None:
            values = {name: self._values[number] for name, number in kept.values.items()}
        frame = stopped_at(kept, space, values)
        self.arguments[id(frame)] = tuple(name for name in kept.arguments if name in values)
        return frame

    def lines_at_hand(self) -> AbstractContextManager[None]:
        """Have the frames' lines shown as they were there, for a while."""
        return lines_of(self._job.sent.sources, self._kept.texts)


def _read(job: Job) -> Kept:
    """Return what was kept, once it is clear that something was."""
    what = f"job {job.id}"
    if not job.done():
        raise NothingKept(
            f"{what} is still {job.state.value}: there is something to debug once it has failed"
        )
    if job.state is JobState.COMPLETED:
        raise NothingKept(f"{what} has not failed: there is nothing to debug")
    data = job.folder.read_json(job.folder.kept_file)
    if data is None:
        why = _why_none(job)
        raise NothingKept(f"{what} has left no frames: {why}. See  %jobs show {job.id}")
    kept = Kept.from_json(data)
    if kept.python != sys.version_info[:2]:
        raise ResultUnreadable(
            f"{what} ran under Python {kept.python[0]}.{kept.python[1]}, whose values this one "
            f"cannot read ({sys.version_info[0]}.{sys.version_info[1]}). Use that one to debug it",
            job.id,
            job.folder.path,
        )
    return kept


def _why_none(job: Job) -> str:
    error = None if job.found.result is None else job.found.result.error
    if error is None:
        return f"it is {job.status}, and had no time to keep any"
    if error.ename == NOT_BROUGHT:
        return f"its cell came to its end, and what failed is bringing back: {error.evalue}"
    return "it failed before its cell ran, or they could not be written"
