"""Values of a cell that failed, each pickled by itself, as far as that is cheap.

It must not spoil what matters more, the result: a value that is large, cannot be pickled or takes
too long is shown instead, and nothing here raises.
"""

from __future__ import annotations

import io
import pickle
import reprlib
import time
from collections.abc import Mapping
from typing import Any

from nbsubmit.core.contents import type_name
from nbsubmit.core.home import Namespace
from nbsubmit.core.kept import KeptValue
from nbsubmit.core.pickling import Reference, ReferringPickler
from nbsubmit.core.units import format_bytes

MOST_BYTES_OF_ONE = 1 << 20
MOST_BYTES = 16 << 20
MOST_SECONDS = 1.0
_LONGEST_TEXT = 1000
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
            data = self._pickled(value, min(left, MOST_BYTES_OF_ONE))
        except Exception as error:
            why = str(error) if isinstance(error, NotWorthIt) else _why(error)
            return KeptValue(kind, shown=self.shown(value), why_not=why)
        self.stream.write(data)
        return KeptValue(kind, start, len(data))

    def _pickled(self, value: Any, most: int) -> bytes:
        if isinstance(value, _TEXTS) and len(value) > most:
            raise NotWorthIt(f"it is {format_bytes(len(value))}")
        out = _Limited(most, self._deadline)
        pickler = _Pickler(out, self._home, self._classes, out.may_take)
        pickler.most, pickler.sent = most, self._known
        pickler.dump(value)
        return out.getvalue()

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
    """Turns away what is large before anybody copies it, from a GPU for instance."""

    most: int

    def reducer_override(self, obj: Any) -> Any:
        size = getattr(obj, "nbytes", 0) if hasattr(type(obj), "nbytes") else 0
        if isinstance(size, int) and size > self.most:
            raise NotWorthIt(f"it holds {format_bytes(size)}")
        return super().reducer_override(obj)


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
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
