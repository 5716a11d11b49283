"""One value ↔ bytes, with functions bound to the namespace they arrive in.

Two things differ from plain cloudpickle, and both are about the notebook's own definitions:

* A function whose globals are the *home* namespace (the notebook's, or the job's) travels without
  them. Where it is loaded it is bound to the home there, so it sees what the cell binds and its
  ``global`` counters count. The globals that it mentions are reported, so that they can travel
  as names.
* A class that the other side already has travels as cloudpickle's tracker id alone. By value,
  loading it would write into the class that is there (cloudpickle issues 376 and 439).

cloudpickle's private parts are used here and nowhere else.
"""

from __future__ import annotations

import functools
import io
import pickle
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import cloudpickle
import xxhash
from cloudpickle import cloudpickle as internals

Namespace = dict[str, Any]

# Smaller buffers are not worth an entry of their own in the list of contents.
SMALLEST_BUFFER = 4096

_home: ContextVar[Namespace] = ContextVar("nbsubmit_home")


class UnknownClass(LookupError):
    """A class travelled by its id alone and this process does not have it."""


def known_classes() -> Mapping[type, str]:
    """Return the classes that cloudpickle has seen by value in this process, with their ids."""
    return internals._DYNAMIC_CLASS_TRACKER_BY_CLASS  # type: ignore[no-any-return]


class HomeReducers:
    """What is pickled differently; mixed into the pickler and into the one that traces."""

    home: Namespace
    known: Mapping[type, str]
    mentioned: dict[str, str]
    files: set[str]

    def prepare(self, home: Namespace, known: Mapping[type, str] | None = None) -> None:
        """Say whose functions go without their globals, and which classes the other side has."""
        self.home = home
        self.known = known or {}
        # Global name → the function that mentions it, in the order of meeting.
        self.mentioned = {}
        self.files = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type):
            tracker = self._tracker(obj)
            if tracker is not None:
                return lookup_class, (tracker,)
        elif isinstance(obj, types.CellType):
            return _reduce_cell(obj)
        elif isinstance(obj, functools._lru_cache_wrapper):
            return _reduce_cached(obj)
        elif isinstance(obj, io.TextIOWrapper) and not obj.closed and not _is_standard(obj):
            # cloudpickle would silently send the text in place of the file.
            raise pickle.PicklingError(f"cannot pickle an open file ({obj.name!r})")
        return cloudpickle.Pickler.reducer_override(self, obj)

    def _tracker(self, obj: type) -> str | None:
        try:
            return self.known.get(obj)
        except TypeError:  # a metaclass whose classes cannot be hashed
            return None

    def _dynamic_function_reduce(self, func: types.FunctionType) -> Any:
        if func.__globals__ is not self.home:
            return cloudpickle.Pickler._dynamic_function_reduce(self, func)
        for name in internals._extract_code_globals(func.__code__):
            self.mentioned.setdefault(name, func.__name__)
        self.files.add(func.__code__.co_filename)
        state, slots = internals._function_getstate(func)
        del slots["__globals__"], slots["__closure__"]
        arguments = (func.__code__, func.__name__, func.__closure__)
        return make_function, arguments, (state, slots), None, None, restore_function


class ValuePickler(HomeReducers, cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles values one after another into one stream, with one memo for all."""

    def __init__(
        self,
        file: io.BytesIO | io.RawIOBase,
        home: Namespace,
        known: Mapping[type, str] | None = None,
        buffer_callback: Callable[[pickle.PickleBuffer], bool] | None = None,
    ) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self.prepare(home, known)


def _reduce_cell(cell: types.CellType) -> Any:
    """Make the cell first and fill it later: functions that share it share it still."""
    contents: tuple[Any, ...]
    try:
        contents = (cell.cell_contents,)
    except ValueError:  # not bound yet
        contents = ()
    return types.CellType, (), contents, None, None, fill_cell


def fill_cell(cell: types.CellType, contents: tuple[Any, ...]) -> None:
    """Give a cell what it holds."""
    if contents:
        cell.cell_contents = contents[0]


def _reduce_cached(function: Any) -> Any:
    """A function with a cache travels with an empty one (cloudpickle issue 178)."""
    if internals._lookup_module_and_qualname(function, function.__qualname__) is not None:
        return NotImplemented
    return make_cached, (function.__wrapped__, function.cache_parameters())


def make_cached(function: Any, parameters: dict[str, Any]) -> Any:
    """Put a cache around a function again."""
    return functools.lru_cache(**parameters)(function)


def make_function(
    code: types.CodeType, name: str, cells: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    """Build a function of the home namespace."""
    return types.FunctionType(code, _home.get(), name, None, cells)


def restore_function(
    func: types.FunctionType, parts: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """Give a function its attributes and defaults, once they have been loaded."""
    state, slots = parts
    func.__dict__.update(state)
    slots.pop("_cloudpickle_submodules")  # loading them was the purpose
    for name, value in slots.items():
        setattr(func, name, value)


def lookup_class(tracker: str) -> type:
    """Return the class that is known by this id.

    Raises
    ------
    UnknownClass
        If this process has not met it.
    """
    found = internals._DYNAMIC_CLASS_TRACKER_BY_ID.get(tracker)
    if found is None:
        raise UnknownClass(tracker)
    return found  # type: ignore[no-any-return]


@contextmanager
def at_home(namespace: Namespace) -> Iterator[None]:
    """Bind the functions that are loaded meanwhile to this namespace."""
    token = _home.set(namespace)
    try:
        yield
    finally:
        _home.reset(token)


@contextmanager
def as_another_process() -> Iterator[None]:
    """Forget the classes that this process knows for a while, as a new process would not have them.

    Loading a class by value writes into the class of the same id, so a job that runs inside the
    notebook's own process would rewrite the notebook's classes.
    """
    by_class, by_id = (
        internals._DYNAMIC_CLASS_TRACKER_BY_CLASS,
        internals._DYNAMIC_CLASS_TRACKER_BY_ID,
    )
    internals._DYNAMIC_CLASS_TRACKER_BY_CLASS = weakref.WeakKeyDictionary()
    internals._DYNAMIC_CLASS_TRACKER_BY_ID = weakref.WeakValueDictionary()
    try:
        yield
    finally:
        internals._DYNAMIC_CLASS_TRACKER_BY_CLASS = by_class
        internals._DYNAMIC_CLASS_TRACKER_BY_ID = by_id


def fingerprint(value: Any, home: Namespace, known: Mapping[type, str] | None = None) -> bytes:
    """A hash of the value's content, to tell later whether it was changed in place.

    Raises
    ------
    Exception
        Whatever pickling raises.
    """
    digest = xxhash.xxh3_128()

    def take(buffer: pickle.PickleBuffer) -> bool:
        digest.update(buffer.raw())
        return False

    ValuePickler(_Hashing(digest), home, known, take).dump(value)
    return bytes(digest.digest())


class _Hashing(io.RawIOBase):
    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return memoryview(data).nbytes


def _is_standard(file: io.TextIOWrapper) -> bool:
    return getattr(file, "name", None) in ("<stdin>", "<stdout>", "<stderr>")
