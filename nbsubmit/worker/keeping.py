"""Values of a cell that failed, each pickled by itself, as far as that is cheap.

It must not spoil what matters more, the result: a value that is large, cannot be pickled or takes
too long is shown instead, and nothing here raises. Inside of an object that holds such a value, as
a model holds its weights and a lock, something stands in its place.
"""

from __future__ import annotations

import io
import operator
import pickle
import reprlib
import time
import types
from collections.abc import Mapping
from typing import Any

from nbsubmit.core.contents import type_name
from nbsubmit.core.home import Namespace
from nbsubmit.core.kept import KeptValue, NotHere
from nbsubmit.core.pickling import Reference, ReferringPickler
from nbsubmit.core.units import format_bytes

MOST_BYTES_OF_ONE = 1_000_000
MOST_BYTES = 16_000_000
MOST_SECONDS = 1.0
_LONGEST_TEXT = 1000
# Pickle looks these up by their names.
_BY_NAME = (type, types.FunctionType, types.BuiltinFunctionType)
_TEXTS = (str, bytes, bytearray)


class NotWorthIt(Exception):
    """A value is larger than what is kept of one, or takes too long."""


class Keeper:
    """Keeps values, each object once.

    Parameters
    ----------
    home : dict
        The cell's namespace.
    classes : mapping
        The classes that the notebook has, with their ids.
    known : mapping
        Objects that need not be kept, by `id`, with the names by which they are found.
    """

    def __init__(
        self, home: Namespace, classes: Mapping[type, str], known: Mapping[int, Reference]
    ) -> None:
        self._home = home
        self._classes = classes
        self._known = known
        self._numbers: dict[int, int] = {}
        # An id is given out again when its object goes.
        self._held: list[Any] = []
        self._deadline = time.monotonic() + MOST_SECONDS
        self.values: list[KeptValue] = []
        self.stream = io.BytesIO()

    def keep(self, value: Any) -> int:
        """Keep a value and return its number."""
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self.values)
            self._held.append(value)
            self.values.append(self._kept(value))
        return number

    def _kept(self, value: Any) -> KeptValue:
        kind = _type_of(value)
        start, left = self.stream.tell(), MOST_BYTES - self.stream.tell()
        try:
            data, is_whole = self._pickled(value, min(left, MOST_BYTES_OF_ONE))
        except Exception as error:
            return KeptValue(kind, shown=self.shown(value), why_not=_why(error))
        self.stream.write(data)
        return KeptValue(kind, start, len(data), "" if is_whole else self.shown(value))

    def _pickled(self, value: Any, most: int) -> tuple[bytes, bool]:
        if isinstance(value, _TEXTS) and len(value) > most:
            raise NotWorthIt(f"it is {format_bytes(len(value))}")
        out = _Limited(most, self._deadline)
        pickler = _Pickler(out, self._home, self._classes, out.may_take)
        pickler.keeper, pickler.whole, pickler.most = self, value, most
        pickler.sent = self._known
        pickler.dump(value)
        return out.getvalue(), pickler.is_whole

    def shown(self, value: Any) -> str:
        """Return what a value looks like, if that is quickly said."""
        if time.monotonic() > self._deadline:
            return ""
        try:
            text = _brief.repr(value)
        except Exception as error:
            return f"(its repr failed: {type(error).__name__})"
        return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


class _Limited(io.BytesIO):
    """Takes only so many bytes, and only so long."""

    def __init__(self, most: int, deadline: float) -> None:
        super().__init__()
        self._most = most
        self._deadline = deadline

    def write(self, data: Any) -> int:
        self._check(len(data))
        return super().write(data)

    def may_take(self, buffer: pickle.PickleBuffer) -> bool:
        """Have a buffer copied into the stream, if it is small."""
        self._check(buffer.raw().nbytes)
        return True

    def _check(self, more: int) -> None:
        if self.tell() + more > self._most:
            raise NotWorthIt(f"it is larger than {format_bytes(self._most)}")
        if time.monotonic() > self._deadline:
            raise NotWorthIt("there was no time to keep it")


class _Pickler(ReferringPickler):
    """Has something stand for parts that are large, before anybody copies them, or cannot go."""

    keeper: Keeper
    whole: Any
    most: int
    is_whole = True

    def reducer_override(self, obj: Any) -> Any:
        try:
            size = _size_of(obj)
            if size > self.most:
                raise NotWorthIt(f"it holds {format_bytes(size)}")
            reduced = super().reducer_override(obj)
            if reduced is NotImplemented and not isinstance(obj, _BY_NAME):
                # What pickle would do next, but its failure would be that of the whole.
                reduced = self.dispatch_table[type(obj)](obj)
        except Exception as error:
            if obj is self.whole:
                raise
            self.is_whole = False
            return NotHere, (_type_of(obj), _why(error), self.keeper.shown(obj))
        return reduced


def _size_of(value: Any) -> int:
    """Return how many bytes an array, a tensor or a table says that it has; 0 for all else."""
    kind = type(value)
    try:
        if hasattr(kind, "nbytes"):
            return operator.index(value.nbytes)
        if kind.__name__ == "DataFrame" and hasattr(kind, "memory_usage"):
            return int(value.memory_usage().sum())
    except Exception:  # it means something else by the word
        return 0
    return 0


class _Brief(reprlib.Repr):
    """As `reprlib` does it, with more room."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxstring = self.maxother = self.maxlong = 400
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = 12

    def repr_instance(self, x: Any, _level: int) -> str:
        return repr(x)


_brief = _Brief()


def _type_of(value: Any) -> str:
    try:
        return type_name(value)
    except Exception:  # a type may say anything of itself
        return "object"


def _why(error: Exception) -> str:
    try:
        return str(error) if isinstance(error, NotWorthIt) else f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
