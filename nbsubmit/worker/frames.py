"""The frames that an error has gone through → what is kept of them for a debugger at home."""

from __future__ import annotations

import inspect
import linecache
import logging
import sys
import types
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.folder import JobFolder, write_whole
from nbsubmit.core.home import Namespace
from nbsubmit.core.kept import EVERYTHING, Kept, KeptError, KeptFrame
from nbsubmit.core.origin import is_made_by_hand
from nbsubmit.core.reserved import is_shells_own
from nbsubmit.worker.keeping import Keeper

_log = logging.getLogger("nbsubmit")

# Of a recursion without an end the first and the last frames say all.
_FIRST_FRAMES, _LAST_FRAMES = 20, 80
_MOST_ERRORS = 10
_MOST_LOCALS = 200
_LINES_AROUND = 50
# Of these another one is as good; and a reference to a name would only be longer.
_PLAIN = (int, float, complex, bool, type(None))


@dataclass
class Surroundings:
    """Where a cell has failed.

    Attributes
    ----------
    namespace : dict
        The cell's.
    classes : mapping
        The classes that the notebook has, with their ids.
    at_home : iterable of str
        Names whose values the notebook has, or gets.
    ignore : set of str
        Names that the shell made.
    texts : collection of str
        Code files whose text has been sent.
    """

    namespace: Namespace
    classes: Mapping[type, str]
    at_home: Iterable[str]
    ignore: set[str] = field(default_factory=set)
    texts: Iterable[str] = ()


def keep(error: BaseException, around: Surroundings, folder: JobFolder) -> None:
    """Write what a debugger needs; whatever fails here, the result is written all the same."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nobody has asked for these values
            kept, values = collect(error, around)
        if any(part.frames for part in kept.errors):
            write_whole(folder.kept_values, lambda file: file.write(values))
            folder.write_json(folder.kept_file, kept.to_json())
    except Exception:
        # It would stand among what the cell has printed.
        _log.debug("the frames of a cell were not kept", exc_info=True)


def collect(error: BaseException, around: Surroundings) -> tuple[Kept, memoryview]:
    """Return what is kept, and the bytes of its values."""
    namespace = around.namespace
    at_home = {name for name in around.at_home if name in namespace}
    known: dict[int, Any] = {id(namespace): EVERYTHING}
    for name in at_home:
        if not isinstance(namespace[name], _PLAIN):
            known.setdefault(id(namespace[name]), name)
    keeper = Keeper(namespace, around.classes, known)
    errors = tuple(_error(part, is_cause, around, keeper) for part, is_cause in _chain(error))
    modules, names = {}, {}
    for name, value in namespace.items():
        if name in at_home or name in around.ignore or is_shells_own(name, value):
            continue
        if isinstance(value, types.ModuleType) and not is_made_by_hand(value):
            modules[name] = value.__name__
        else:
            names[name] = keeper.keep(value)
    frames = [frame for part in errors for frame in part.frames]
    kept = Kept(
        python=sys.version_info[:2],
        errors=errors,
        values=tuple(keeper.values),
        names=names,
        modules=modules,
        texts=_texts(frames, set(around.texts)),
    )
    return kept, keeper.stream.getbuffer()


def _chain(error: BaseException) -> Iterator[tuple[BaseException, bool]]:
    """Yield an error and those that led to it; each with whether it is the one's cause."""
    part: BaseException | None = error
    is_cause, seen = False, set[int]()
    while part is not None and id(part) not in seen and len(seen) < _MOST_ERRORS:
        seen.add(id(part))
        yield part, is_cause
        is_cause = part.__cause__ is not None
        hidden = None if part.__suppress_context__ else part.__context__
        part = part.__cause__ or hidden


def _error(error: BaseException, is_cause: bool, around: Surroundings, keeper: Keeper) -> KeptError:
    entries = list(_entries(error.__traceback__))
    if len(entries) > _FIRST_FRAMES + _LAST_FRAMES:
        entries = entries[:_FIRST_FRAMES] + entries[-_LAST_FRAMES:]
    # The innermost first: what is near the error is kept before the room is used up.
    frames = [_frame(frame, line, around, keeper) for frame, line in reversed(entries)]
    try:
        message = str(error)
    except Exception:
        message = ""
    name = type(error).__name__
    return KeptError(name, message, keeper.keep(error), is_cause, tuple(reversed(frames)))


def _entries(trace: types.TracebackType | None) -> Iterator[tuple[types.FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _frame(frame: types.FrameType, line: int, around: Surroundings, keeper: Keeper) -> KeptFrame:
    code, is_main = frame.f_code, frame.f_globals is around.namespace
    is_namespace = code.co_name == "<module>" and is_main
    return KeptFrame(
        file=code.co_filename,
        name=code.co_name,
        line=line,
        first_line=code.co_firstlineno,
        module="" if is_main else str(frame.f_globals.get("__name__", "")),
        arguments=_arguments(code),
        values=None if is_namespace else _values(frame, keeper),
    )


def _arguments(code: types.CodeType) -> tuple[str, ...]:
    flags = (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS)
    count = code.co_argcount + code.co_kwonlyargcount
    return code.co_varnames[: count + sum(bool(code.co_flags & flag) for flag in flags)]


def _values(frame: types.FrameType, keeper: Keeper) -> dict[str, int]:
    found = dict(frame.f_locals)
    if frame.f_locals is frame.f_globals:  # of a module that failed while it was imported
        found = {n: v for n, v in found.items() if not n.startswith("__")}
    return {name: keeper.keep(found[name]) for name in list(found)[:_MOST_LOCALS]}


def _texts(frames: Iterable[KeptFrame], sent: set[str]) -> dict[str, list[tuple[int, str]]]:
    """Return the lines around each frame: the file may be another one at home, or none."""
    found: dict[str, dict[int, str]] = {}
    for frame in frames:
        if frame.file not in sent:
            lines = linecache.getlines(frame.file)
            first = max(min(frame.first_line, frame.line), frame.line - _LINES_AROUND)
            text = "".join(lines[first - 1 : frame.line + _LINES_AROUND])
            found.setdefault(frame.file, {})[first] = text
    return {file: [(n, text) for n, text in parts.items() if text] for file, parts in found.items()}
