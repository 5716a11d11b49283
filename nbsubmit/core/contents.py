"""The list of contents of a bundle: which values are in it, and where their buffers lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbsubmit.core import blobs
from nbsubmit.core.folder import BLOBS
from nbsubmit.core.record import dataclass

# Why an entry is there: it is the content of an object that was sent.
CHANGED = "changed"
FUNCTION, CLASS = "function", "class"


@dataclass(frozen=True)
class Entry:
    """One name in the list of contents.

    Attributes
    ----------
    name : str
        The name that the value is bound to.
    type : str
        The value's type, as ``module.name``.
    size_bytes : int
        What it takes in stream and regions; parts shared with an earlier name count there.
    why : str
        Why it travels, for people.
    end : int
        Where in the stream its dump ends.
    buffers : tuple of tuple of int
        ``(region, offset, size, readonly)`` of each of its buffers, in the order of the stream.
    new_bytes : int
        The part of its size that had to be written: what was there already is not.
    plain : bool
        It consists of nothing but Python's own containers, text and numbers.
    """

    name: str
    type: str
    size_bytes: int
    why: str
    end: int
    buffers: tuple[tuple[int, int, int, int], ...] = ()
    new_bytes: int = 0
    plain: bool = False

    @property
    def is_definition(self) -> bool:
        """It is a function or a class, of which the size says nothing."""
        return self.type in (FUNCTION, CLASS)

    @property
    def is_inert(self) -> bool:
        """It is changed by nothing but an operation on it; to compare 100,000 lists takes 64 ms."""
        return self.plain and self.size_bytes >= blobs.SMALLEST_BLOB

    @property
    def was_there(self) -> bool:
        """Most of it had been sent before."""
        return self.size_bytes >= blobs.SMALLEST_BLOB and 2 * self.new_bytes < self.size_bytes

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """Return what `to_json` wrote."""
        buffers = tuple((int(n), int(o), int(s), int(r)) for n, o, s, r in data["buffers"])
        return cls(**{**data, "buffers": buffers})

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain data."""
        return dict(vars(self))


@dataclass(frozen=True)
class Contents:
    """The list of contents of a bundle.

    Attributes
    ----------
    entries : tuple of Entry
        The values, in the order of the stream.
    regions : tuple of (str, int, int)
        File in the job's folder, offset and size, of each region; an empty name is the pack's.
    pack : str
        The file in which this bundle's small regions lie; empty if there are none.
    """

    entries: tuple[Entry, ...] = ()
    regions: tuple[tuple[str, int, int], ...] = ()
    pack: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Contents:
        """Return what `to_json` wrote."""
        return cls(
            tuple(Entry.from_json(entry) for entry in data["entries"]),
            tuple((str(f), int(o), int(s)) for f, o, s in data["regions"]),
            str(data["pack"]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the list as plain data."""
        entries = [entry.to_json() for entry in self.entries]
        return {"entries": entries, "regions": self.regions, "pack": self.pack}

    @property
    def blobs(self) -> list[str]:
        """The names of the blobs that it needs."""
        files = dict.fromkeys([self.pack, *(file for file, _, _ in self.regions)])
        return [file.removeprefix(f"{BLOBS}/") for file in files if file.startswith(f"{BLOBS}/")]


EMPTY = Contents()


def total_bytes(entries: Iterable[Entry]) -> int:
    """What several values take together."""
    return sum(entry.size_bytes for entry in entries)


def type_name(value: Any) -> str:
    """The value's type as people write it: ``int``, ``numpy.ndarray``, ``Net``, ``class``."""
    if issubclass(type(value), type):
        return CLASS
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    return (
        kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"
    )
