"""Where inside a value the part is that cannot be pickled.

The quick pickler only says the type. This one is written in Python, keeps the chain of objects
that it is inside of, and goes on after a failure, so that one pass finds every culprit. It runs
only after the quick one has failed.
"""

from __future__ import annotations

import io
import pickle
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import cloudpickle

from nbsubmit.core import everywhere
from nbsubmit.core.home import Namespace
from nbsubmit.core.pickling import HomeReducers
from nbsubmit.core.unpicklable import Kind, kind_of

# More than this many in one value is one cause met again and again.
_MOST = 5
_ATTRIBUTE = re.compile(r"\.[^\W\d]\w*$")


@dataclass(frozen=True)
class Culprit:
    """A part that cannot be pickled.

    Attributes
    ----------
    path : str
        How to reach it, as Python: ``cfg.handlers['h'][0].stream``.
    kind : Kind
        What it is, and what to do instead.
    exact : bool
        The path leads to the part itself, not just to what holds it out of sight.
    """

    path: str
    kind: Kind
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.path} {'is' if self.exact else 'holds something that is'} {self.what}"

    @property
    def what(self) -> str:
        """What it is, in words."""
        return self.kind.what

    @property
    def instead(self) -> str:
        """What can travel in its place; empty if nothing can, or nobody should reach for it."""
        return self.kind.instead.format(self.path) if self.exact and "._" not in self.path else ""

    @property
    def cure(self) -> str:
        """What to do, for one who sends it."""
        if self.instead:
            return f"{self.kind.cure}, or send {self.instead}"
        if self.exact and _ATTRIBUTE.search(self.path):
            return f"{self.kind.cure}, or have __getstate__ of its class leave it out"
        return self.kind.cure


class _Nowhere(io.RawIOBase):
    def write(self, data: Any) -> int:
        return memoryview(data).nbytes


class _Tracer(HomeReducers, pickle._Pickler):
    # A copy: some packages write into the class's own table for the whole process.
    dispatch: ClassVar[Any] = dict(pickle._Pickler.dispatch)
    dispatch_table = cloudpickle.Pickler.dispatch_table
    _function_reduce = cloudpickle.Pickler._function_reduce
    _function_getnewargs = cloudpickle.Pickler._function_getnewargs

    def __init__(self, home: Namespace) -> None:
        super().__init__(_Nowhere(), protocol=5, buffer_callback=lambda _: False)
        self.prepare(home)
        self.memo = dict(everywhere.MEMO)
        self.globals_ref: dict[int, Any] = {}
        self.chain: list[Any] = []
        self.found: list[tuple[list[Any], BaseException]] = []

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        self.chain.append(obj)
        try:
            super().save(obj, save_persistent_id)  # type: ignore[misc]
        except RecursionError as error:
            if len(self.chain) == 1:
                self.found.append(([obj], error))
                return
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if len(self.found) < _MOST:
                self.found.append((list(self.chain), error))
        finally:
            self.chain.pop()


def find(name: str, value: Any, home: Namespace) -> list[Culprit]:
    """Return every part of the value that cannot be pickled, with its path from the name."""
    tracer = _Tracer(home)
    tracer.dump(value)
    culprits = (
        Culprit(path, describe(chain[-1], error), exact)
        for chain, error in tracer.found
        for path, exact in [_path(name, chain)]
    )
    return list(dict.fromkeys(culprits))


def in_words(what: str, value: Any, error: BaseException, home: Namespace) -> str:
    """Say what of a value cannot be pickled; if that is not found, the error has the word."""
    found = "; ".join(map(str, find(what, value, home)))
    return found or f"{what} is of type {type(value).__name__}: {error}"


def describe(obj: Any, error: BaseException | None = None) -> Kind:
    """Say in words what an object is, and what to do instead of sending it."""
    known = kind_of(obj)
    if known is not None:
        return known
    name = f"{type(obj).__module__}.{type(obj).__qualname__}"
    if isinstance(error, RecursionError):
        return Kind(f"nested too deeply to be pickled ({name})")
    return Kind(f"of type {name}, which cannot be pickled")


def _path(name: str, chain: list[Any]) -> tuple[str, bool]:
    path, holder = name, chain[0]
    for part in chain[1:]:
        step = _step(holder, part)
        # No step: a tuple or a state that pickling itself made on the way.
        if step is not None:
            path, holder = path + step, part
    return path, holder is chain[-1]


def _step(holder: Any, part: Any) -> str | None:
    """How Python reaches the part from what holds it directly."""
    return next((text for text, child in _children(holder) if child is part), None)


def _children(holder: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(holder, dict):
        yield from ((f"[{_short(key)}]", value) for key, value in holder.items())
        yield from ((f".keys() ({_short(key)})", key) for key in holder)
    elif isinstance(holder, (list, tuple)):
        yield from ((f"[{index}]", value) for index, value in enumerate(holder))
    elif isinstance(holder, (set, frozenset)):
        yield from ((" (an element)", value) for value in holder)
    if isinstance(holder, types.FunctionType):
        yield from _of_function(holder)
    if isinstance(holder, types.MethodType):
        yield ".__self__", holder.__self__
    attributes = getattr(holder, "__dict__", {})
    yield from ((f".{key}", value) for key, value in attributes.items())
    yield from _slots(holder)


def _of_function(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f".<closure {name}>", cell.cell_contents
        except ValueError:
            continue
    for index, value in enumerate(function.__defaults__ or ()):
        yield f".__defaults__[{index}]", value
    for key, value in (function.__kwdefaults__ or {}).items():
        yield f".__kwdefaults__[{key!r}]", value


def _slots(holder: Any) -> Iterator[tuple[str, Any]]:
    for kind in type(holder).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            try:
                yield f".{name}", object.__getattribute__(holder, name)
            except AttributeError:
                continue


def _short(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= 40 else f"{text[:37]}..."
