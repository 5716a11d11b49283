"""Several named values ↔ a stream, a file of buffers, and a list of contents.

Each name is one dump into one stream under one memo: what two names share stays shared, and a
failure has a name. Large buffers lie aligned in a file of their own, which the reader maps
privately: an array is there at once, writable, and costs no memory until it is changed.
"""

from __future__ import annotations

import io
import mmap
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.pickling import SMALLEST_BUFFER, Namespace, ValuePickler, at_home

_ALIGNMENT = 64


class LoadError(NbsubmitError):
    """A value's bytes are there and cannot be turned into the value in this process.

    Parameters
    ----------
    name : str
        The value's name.
    message : str
        What went wrong.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


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
        What it takes in stream and buffers; parts shared with an earlier name count there.
    why : str
        Why it travels, for people.
    end : int
        Where in the stream its dump ends.
    buffers : tuple of tuple of int
        ``(offset, size, readonly)`` of each of its buffers, in the order of the stream.
    """

    name: str
    type: str
    size_bytes: int
    why: str
    end: int
    buffers: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """Return what `to_json` wrote."""
        buffers = tuple((int(o), int(s), int(r)) for o, s, r in data["buffers"])
        return cls(**{**data, "buffers": buffers})

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain data."""
        return asdict(self)


class BundleWriter:
    """Collects named values in memory; buffers are views, so arrays are not copied.

    Parameters
    ----------
    home : dict
        The namespace whose functions travel without their globals.
    known : mapping, optional
        Classes that the other side has, with their ids.
    """

    def __init__(self, home: Namespace, known: Mapping[type, str] | None = None) -> None:
        self.entries: list[Entry] = []
        self.home = home
        self._stream = io.BytesIO()
        self._views: list[memoryview] = []
        self._length = 0
        self._pending: list[tuple[int, int, int]] = []
        self._pickler = ValuePickler(self._stream, home, known, self._take)

    @property
    def mentioned(self) -> dict[str, str]:
        """Globals that the functions so far mention, each with a function that does."""
        return self._pickler.mentioned

    @property
    def files(self) -> set[str]:
        """The code files of the functions so far."""
        return self._pickler.files

    def add(self, name: str, value: Any, why: str = "") -> Entry:
        """Append a value.

        Raises
        ------
        Exception
            Whatever pickling raises; the writer is of no more use then.
        """
        start, self._pending = self._stream.tell(), []
        self._pickler.dump(value)
        end = self._stream.tell()
        size = end - start + sum(buffer[1] for buffer in self._pending)
        entry = Entry(name, type_name(value), size, why, end, tuple(self._pending))
        self.entries.append(entry)
        return entry

    def _take(self, buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < SMALLEST_BUFFER:
            return True
        self._length += -self._length % _ALIGNMENT
        self._pending.append((self._length, view.nbytes, int(view.readonly)))
        self._length += view.nbytes
        self._views.append(view)
        return False

    def write_stream(self, file: BinaryIO) -> None:
        """Write the pickled stream."""
        file.write(self._stream.getbuffer())

    def write_buffers(self, file: BinaryIO) -> None:
        """Write the buffers, each at the place that its entry says."""
        position = 0
        for view in self._views:
            gap = -position % _ALIGNMENT
            file.write(bytes(gap))
            file.write(view)
            position += gap + view.nbytes


def load(
    stream: Path,
    buffers: Path,
    entries: list[Entry],
    home: Namespace,
    arrived: Callable[[str, Any], None],
) -> None:
    """Load the values one after another and hand each over as soon as it is there.

    Parameters
    ----------
    stream, buffers : Path
        The two files.
    entries : list of Entry
        Their contents.
    home : dict
        The namespace that the functions are bound to.
    arrived : callable
        Takes each name and value.

    Raises
    ------
    LoadError
        Naming the first value that could not be rebuilt; the values before it have arrived.
    """
    with stream.open("rb") as file, at_home(home):
        unpickler = pickle.Unpickler(file, buffers=_views(buffers, entries))
        for entry in entries:
            try:
                value = unpickler.load()
            except Exception as error:
                raise LoadError(entry.name, f"{type(error).__name__}: {error}") from error
            arrived(entry.name, value)


def load_what_can_be(
    stream: Path, buffers: Path, entries: list[Entry], home: Namespace
) -> tuple[Namespace, dict[str, str]]:
    """Load the values, and say which could not be rebuilt; one failure takes no other along.

    Returns
    -------
    dict, dict
        Name → value, and name → what went wrong.
    """
    values: Namespace = {}
    try:
        load(stream, buffers, entries, home, values.__setitem__)
    except LoadError:
        return _salvage(stream, buffers, entries, home)
    return values, {}


def _salvage(
    stream: Path, buffers: Path, entries: list[Entry], home: Namespace
) -> tuple[Namespace, dict[str, str]]:
    from nbsubmit.core.salvage import Salvager  # rarely needed, and every job would pay for it

    values: Namespace = {}
    failed: dict[str, str] = {}
    with stream.open("rb") as file, at_home(home):
        salvager = Salvager(file, _views(buffers, entries))
        for position, entry in enumerate(entries):
            try:
                value = salvager.load()
            except Exception as error:  # the stream itself is damaged: the rest is lost
                damage = f"{type(error).__name__}: {error}"
                return values, failed | {e.name: damage for e in entries[position:]}
            if salvager.complaint:
                failed[entry.name] = salvager.complaint
            else:
                values[entry.name] = value
    return values, failed


def _views(buffers: Path, entries: list[Entry]) -> Iterator[memoryview]:
    mapped = _map(buffers) if any(entry.buffers for entry in entries) else memoryview(b"")
    return (_slice(mapped, *buffer) for entry in entries for buffer in entry.buffers)


def _map(path: Path) -> memoryview:
    with path.open("rb") as file:
        try:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        except OSError:  # a file system or a limit on memory that forbids it
            return memoryview(bytearray(file.read()))


def _slice(whole: memoryview, offset: int, size: int, readonly: int) -> memoryview:
    part = whole[offset : offset + size]
    return part.toreadonly() if readonly else part


def type_name(value: Any) -> str:
    """The value's type as people write it: ``int``, ``numpy.ndarray``, ``Net``."""
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    return (
        kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"
    )
