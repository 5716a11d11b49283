"""One value → hashes of its content, to tell later whether it was changed in place."""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.garbage import uncollected
from nbsubmit.core.home import Namespace
from nbsubmit.core.met import Met
from nbsubmit.core.pickling import ValuePickler


def fingerprint(
    value: Any,
    home: Namespace,
    known: Mapping[type, str] | None = None,
    content: Callable[[memoryview], bytes | None] | None = None,
    *,
    like: bytes = b"",
    met: Callable[[Met], object] | None = None,
) -> bytes:
    """Hashes of the value's content, to tell later whether it was changed in place.

    Parameters
    ----------
    value : object
        The value.
    home, known
        As for the pickler; a class that is the value itself goes by its content all the same.
    content : callable, optional
        Gives bytes that stand for a buffer's content, or None where it has to be read.
    like : bytes, optional
        An earlier fingerprint: of what differs from it the rest is not looked at.
    met : callable, optional
        Takes all objects in the value, unless it differs.

    Raises
    ------
    Exception
        Whatever pickling raises.
    """
    hashes = _Hashes(like)
    known = known or {}
    if is_class(value):
        # Pickling the first instance leaves this cache in the class; it must be there each time.
        copyreg._slotnames(value)  # type: ignore[attr-defined]
        # By its id alone it would never have changed.
        known = {kind: tracker for kind, tracker in known.items() if kind is not value}

    def take(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        stand_in = content(view) if content else None
        hashes.update(view if stand_in is None else stand_in)
        return False

    pickler = _PrintPickler(hashes, home, known, take)
    with uncollected():
        try:
            pickler.dump(value)
        except _Differs:
            return hashes.found
        if met is not None:
            met(Met(pickler))
    return hashes.found


def fingerprint_of(pieces: Iterable[memoryview]) -> bytes:
    """Return what `fingerprint` would, of a value that was pickled in these pieces."""
    hashes = _Hashes(b"")
    for piece in pieces:
        hashes.write(piece)
    return hashes.found


class _PrintPickler(ValuePickler):
    """Pickles what is not loaded again."""

    def _note_needs(self, kind: type) -> None:
        pass


class _Differs(Exception):
    """What follows makes no difference any more: of 100,000 lists after 1 ms instead of 64."""


class _Hashes(io.RawIOBase):
    """Hashes of all that was written so far, one with each piece.

    Pickle writes pieces of 64 KiB, wherever it is made to write them.
    """

    def __init__(self, like: bytes) -> None:
        self._found = bytearray()
        self._like = like
        import xxhash  # 1 ms; a cell that is sent nothing to change needs none

        self._digest = xxhash.xxh3_128()
        # Buffers are not written, and what follows them is.
        self.update = self._digest.update

    def write(self, data: Any) -> int:
        self.update(data)
        found, place = self._digest.digest(), len(self._found)
        self._found += found
        if self._like and found != self._like[place : place + len(found)]:
            raise _Differs
        return memoryview(data).nbytes

    @property
    def found(self) -> bytes:
        """The hashes so far."""
        return bytes(self._found)
