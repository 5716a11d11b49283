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

import copyreg
import functools
import io
import pickle
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import cloudpickle
import xxhash
from cloudpickle import cloudpickle as internals

from nbsubmit.core import reducers

if TYPE_CHECKING:
    from nbsubmit.core.memory import Spans
    from nbsubmit.core.reducers import Apart

Namespace = dict[str, Any]
# Name → the object that was sent by this name.
Reference = Callable[[str], Any]

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
    # What the reducers of arrays need; see `nbsubmit.core.reducers.Context`.
    shared: Spans | None
    apart: list[Apart]
    private: dict[int, Any]
    private_buffers: dict[int, Any]
    one_of: dict[int, Any]

    def prepare(
        self,
        home: Namespace,
        known: Mapping[type, str] | None = None,
        shared: Spans | None = None,
    ) -> None:
        """Say whose functions go without their globals, and what the other side has."""
        self.home = home
        self.known = known or {}
        # Global name → the function that mentions it, in the order of meeting.
        self.mentioned = {}
        self.files = set()
        # How many objects were no plain data.
        self.reduced = 0
        self.shared = shared
        self.apart, self.private, self.private_buffers, self.one_of = [], {}, {}, {}

    def reducer_override(self, obj: Any) -> Any:
        self.reduced += 1
        reducer = reducers.find(type(obj))
        if reducer is not None:
            reduced = reducer(obj, self)
            if reduced is not NotImplemented:
                return reduced
        if isinstance(obj, type):
            tracker = self._tracker(obj)
            if tracker is not None:
                return lookup_class, (tracker,)
        elif isinstance(obj, types.CodeType):
            return make_code, (internals._code_reduce(obj)[1], obj.co_filename)
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
        shared: Spans | None = None,
    ) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self.prepare(home, known, shared)


class ReferringPickler(ValuePickler):
    """Pickles the objects that the other side has by the names that they have there.

    It asks about every object that it meets, which makes it half as fast as the other.
    """

    sent: Mapping[int, str]

    def persistent_id(self, obj: Any) -> str | None:
        return self.sent.get(id(obj))


def make_code(arguments: tuple[Any, ...], file: str) -> types.CodeType:
    """Build code that knows its file, which cloudpickle 3.1.3 forgets: tracebacks show its lines.

    `arguments` are those that cloudpickle would build it from.
    """
    return types.CodeType(*arguments).replace(co_filename=file)


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


class ReferringUnpickler(pickle.Unpickler):
    """Unpickles what a `ReferringPickler` has written."""

    reference: Reference

    def persistent_load(self, name: str) -> Any:
        return self.reference(name)


@contextmanager
def at_home(namespace: Namespace) -> Iterator[None]:
    """Bind the functions that are loaded meanwhile to this namespace."""
    token = _home.set(namespace)
    try:
        yield
    finally:
        _home.reset(token)


@contextmanager
def keep_classes() -> Iterator[None]:
    """Leave the classes that are known here as they are, whatever is loaded meanwhile."""
    there, restore = set(known_classes().values()), internals._class_setstate

    def restore_new(kind: type, state: Any) -> Any:
        return kind if known_classes().get(kind) in there else restore(kind, state)

    internals._class_setstate = restore_new
    try:
        yield
    finally:
        internals._class_setstate = restore


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


def fingerprint(
    value: Any,
    home: Namespace,
    known: Mapping[type, str] | None = None,
    content: Callable[[memoryview], bytes | None] | None = None,
) -> bytes:
    """A hash of the value's content, to tell later whether it was changed in place.

    Parameters
    ----------
    value : object
        The value.
    home, known
        As for the pickler; a class that is the value itself goes by its content all the same.
    content : callable, optional
        Gives bytes that stand for a buffer's content, or None where it has to be read.

    Raises
    ------
    Exception
        Whatever pickling raises.
    """
    digest = xxhash.xxh3_128()
    known = known or {}
    if isinstance(value, type):
        # Pickling the first instance leaves this cache in the class; it must be there each time.
        copyreg._slotnames(value)  # type: ignore[attr-defined]
        # By its id alone it would never have changed.
        known = {kind: tracker for kind, tracker in known.items() if kind is not value}

    def take(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        stand_in = content(view) if content else None
        digest.update(view if stand_in is None else stand_in)
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
