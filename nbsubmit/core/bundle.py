"""Several named values ↔ a stream, buffers in files, and a list of contents.

Each name is one dump into one stream under one memo: what two names share stays shared, and a
failure has a name. Buffers do not go into the stream. Those that overlap in memory become one
region, so that two arrays over the same bytes are that on the other side too. Large regions are
blobs, kept by content; small ones lie aligned in one pack. The reader maps them privately: an array
is there at once, writable, and costs no memory until it is changed.
"""

from __future__ import annotations

import bisect
import io
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from nbsubmit.core import blobs
from nbsubmit.core.definitions.needs import in_order
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.folder import BLOBS
from nbsubmit.core.garbage import uncollected
from nbsubmit.core.pickling import (
    Namespace,
    ReferringPickler,
    ReferringUnpickler,
    ValuePickler,
    at_home,
)
from nbsubmit.core.reducers import SMALLEST_BUFFER

if TYPE_CHECKING:
    from nbsubmit.core.mapped import Mappings
    from nbsubmit.core.memory import Spans

_ALIGNMENT = 64
# Objects that make new arrays each time they are pickled would be pickled for ever.
MOST_TRIES = 3
# What is no part worth a number, or merely holds another one for pickling.
_NO_PART = (str, bytes, int, float, tuple, frozenset, pickle.PickleBuffer)
# To list the parts of a larger stream takes longer than a tenth of a second.
MOST_NUMBERED = 4 << 20
# Why an entry is there: it is the content of an object that was sent.
CHANGED = "changed"
FUNCTION, CLASS = "function", "class"
# Stands for the pack's name: a region that merely shows the same file is no part of the pack.
_PACKED = ""


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
        """It is changed by nothing but an operation on it, and comparing it takes its time."""
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
        return asdict(self)


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
        return asdict(self)

    @property
    def blobs(self) -> list[str]:
        """The names of the blobs that it needs."""
        files = dict.fromkeys([self.pack, *(file for file, _, _ in self.regions)])
        return [file.removeprefix(f"{BLOBS}/") for file in files if file.startswith(f"{BLOBS}/")]


EMPTY = Contents()


@dataclass
class _Buffer:
    """A buffer that was taken out of the stream."""

    view: memoryview
    private: bool
    start: int = 0
    region: int = -1
    offset: int = 0

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.start + len(self.view)


@dataclass
class _Dump:
    """One value in the stream."""

    name: str
    type: str
    why: str
    start: int
    end: int = 0
    plain: bool = False
    needs: frozenset[str] = frozenset()
    buffers: list[_Buffer] = field(default_factory=list)


class _Taker:
    """Takes buffers out of the stream.

    It does not know the pickler, so that no circle keeps what was pickled alive.
    """

    def __init__(self, dumps: list[_Dump], shared: Spans | None) -> None:
        self.private: Mapping[int, Any] = {}
        self._dumps = dumps
        self._shared = shared

    def take(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a buffer, or say that it goes into the stream."""
        view = buffer.raw()
        if len(view) < SMALLEST_BUFFER and not self._is_shared(view):
            return True
        self._dumps[-1].buffers.append(_Buffer(view, id(buffer) in self.private))
        return False

    def _is_shared(self, view: memoryview) -> bool:
        if not self._shared or not view:
            return False
        from nbsubmit.core import memory

        start = memory.address(view)
        return self._shared.touch(start, start + len(view))


class BundleWriter:
    """Collects named values in memory; buffers are views, so arrays are not copied.

    Parameters
    ----------
    home : dict
        The namespace whose functions travel without their globals.
    known : mapping, optional
        Classes that the other side has, with their ids.
    shared : Spans, optional
        Memory that several values are known to share.
    sent : mapping, optional
        Objects that the other side has, by `id`, with their names there.
    """

    def __init__(
        self,
        home: Namespace,
        known: Mapping[type, str] | None = None,
        *,
        shared: Spans | None = None,
        sent: Mapping[int, str] | None = None,
    ) -> None:
        self.home = home
        self._stream = io.BytesIO()
        self._dumps: list[_Dump] = []
        self._inside: frozenset[int] | None = None
        # Module → the first name whose value is looked up in it.
        self.modules: dict[str, str] = {}
        taker = _Taker(self._dumps, shared)
        kind = ReferringPickler if sent else ValuePickler
        self._pickler = kind(self._stream, home, known, taker.take, shared)
        if isinstance(self._pickler, ReferringPickler):
            self._pickler.sent = sent or {}
        taker.private = self._pickler.private_buffers

    @property
    def names(self) -> list[str]:
        """The names so far."""
        return [dump.name for dump in self._dumps]

    def has_inside(self, value: Any) -> bool:
        """Tell whether an object is part of what was added; not asked of very many parts."""
        if self._inside is None:
            self._inside = frozenset(map(id, self.parts().values()))
        return id(value) in self._inside

    def parts(self) -> dict[int, Any]:
        """The objects that were added, with all that is in them, by their numbers in the stream.

        They have the same numbers where they are loaded. Of a large stream it is none of them.
        """
        if self._stream.tell() > MOST_NUMBERED:
            return {}
        with uncollected():
            found = self._pickler.memo.copy().values()
            return {number: part for number, part in found if not isinstance(part, _NO_PART)}

    @property
    def mentioned(self) -> dict[str, str]:
        """Globals that the functions so far mention, each with a function that does."""
        return self._pickler.mentioned

    @property
    def files(self) -> set[str]:
        """The code files of the functions so far."""
        return self._pickler.files

    def add(self, name: str, value: Any, why: str = "") -> int:
        """Append a value and return its size in bytes.

        Raises
        ------
        Exception
            Whatever pickling raises; the writer is of no more use then.
        """
        dump = _Dump(name, type_name(value), why, self._stream.tell())
        self._dumps.append(dump)
        reduced = self._pickler.reduced
        self._pickler.needed.clear()
        self._pickler.dump(value)
        dump.needs = frozenset(self._pickler.needed)
        for module in self._pickler.modules:
            self.modules.setdefault(module, name)
        dump.end = self._stream.tell()
        dump.plain = self._pickler.reduced == reduced
        return dump.end - dump.start + sum(len(buffer.view) for buffer in dump.buffers)

    def order(self) -> list[str] | None:
        """The names in an order in which each finds what it needs when it is loaded.

        None if that is the order in which they were added.
        """
        ordered = in_order({dump.name: dump.needs for dump in self._dumps})
        return ordered if ordered != self.names else None

    def overlaps(self) -> Spans | None:
        """The memory that several values share and that this writer has cut apart.

        Only a second writer that knows of it can keep it together: the first could not know that
        another value would need the same bytes.
        """
        aparts = self._pickler.apart
        if not aparts:
            return None
        from nbsubmit.core import memory
        from nbsubmit.core.reducers.arrays import cut_apart

        views = [buffer.view for buffer in self._buffers() if not buffer.private]
        return memory.Spans.of(cut_apart(aparts, views)) or None

    def _buffers(self) -> Iterator[_Buffer]:
        return (buffer for dump in self._dumps for buffer in dump.buffers)

    def place(self, store: blobs.BlobStore, pack: str, mappings: Mappings | None = None) -> Placed:
        """Decide where each buffer goes; nothing is written.

        Parameters
        ----------
        store : BlobStore
            Has what was sent before.
        pack : str
            The name of the file for small regions.
        mappings : Mappings, optional
            What this process has mapped: a buffer that still shows a file is not written again.
        """
        placed = Placed(store, self._stream)
        if any(dump.buffers for dump in self._dumps):
            _Layout(list(self._buffers()), mappings).fill(placed, pack)
        seen: set[int] = set()
        entries = [_entry(dump, placed, seen) for dump in self._dumps]
        placed.contents = Contents(tuple(entries), tuple(placed.regions), placed.pack)
        return placed


@dataclass
class Placed:
    """A bundle of which is known what is to be written where.

    Attributes
    ----------
    contents : Contents
        The list of contents.
    regions : list of (str, int, int)
        File, offset and size of each region.
    pack : str
        The file of the small regions, or empty.
    parts : list
        What the pack consists of.
    blobs : dict
        Name → content, of each blob that is needed.
    new : set of int
        The regions that have to be written.
    hashes : dict
        Region → a name for its content.
    spans : list of (int, int, str)
        Where each region begins and ends in memory, in order, with the name of its content.
    """

    store: blobs.BlobStore
    stream: io.BytesIO
    contents: Contents = field(default_factory=Contents)
    regions: list[tuple[str, int, int]] = field(default_factory=list)
    hashes: dict[int, str] = field(default_factory=dict)
    spans: list[tuple[int, int, str]] = field(default_factory=list)
    pack: str = ""
    parts: list[memoryview | bytes] = field(default_factory=list)
    blobs: dict[str, list[memoryview | bytes]] = field(default_factory=dict)
    new: set[int] = field(default_factory=set)

    @property
    def new_bytes(self) -> int:
        """What has to be written in all."""
        return self.stream.tell() + sum(self.regions[number][2] for number in self.new)

    def content(self, view: memoryview) -> bytes | None:
        """Bytes that stand for the content of a buffer of this bundle; None for any other."""
        from nbsubmit.core import memory

        start = memory.address(view)
        place = bisect.bisect_right(self.spans, (start, sys.maxsize, "")) - 1
        if place < 0 or self.spans[place][1] < start + len(view):
            return None
        low, _, name = self.spans[place]
        return f"{name} {start - low} {len(view)};".encode()

    def write_blobs(self, folder: Path, *, durable: bool = False) -> None:
        """Write what is new into the store, and have a job's folder hold all that it needs."""
        for name, parts in self.blobs.items():
            self.store.put(name, parts, durable=durable)
            self.store.hold(name, folder)

    def write_stream(self, file: BinaryIO) -> None:
        """Write the pickled stream."""
        file.write(self.stream.getbuffer())

    def write_pack(self, file: BinaryIO) -> None:
        """Write the small regions, each at its place; nothing if they are a blob together."""
        for part in self.parts:
            file.write(part)


class _Layout:
    """Buffers → regions → files."""

    def __init__(self, buffers: list[_Buffer], mappings: Mappings | None) -> None:
        from nbsubmit.core import memory  # ctypes, which a job without buffers need not load

        self._memory = memory
        self._mappings = mappings
        self._buffers = buffers
        for buffer in buffers:
            buffer.start = memory.address(buffer.view)

    def fill(self, placed: Placed, pack: str) -> None:
        packed = _Pack()
        for number, (view, start) in enumerate(self._regions()):
            clean = self._mappings.clean(start, len(view)) if self._mappings else None
            if clean is not None:
                placed.regions.append((clean.file, clean.offset, clean.size))
                placed.hashes[number] = f"{clean.file}:{clean.offset}:{clean.size}"
            elif len(view) >= blobs.SMALLEST_BLOB:
                name = blobs.name_of([view])
                if not (name in placed.blobs or placed.store.has(name)):
                    placed.new.add(number)
                placed.blobs[name] = [view]
                placed.regions.append((f"{BLOBS}/{name}", 0, len(view)))
                placed.hashes[number] = name
            else:
                placed.regions.append((_PACKED, packed.add(view), len(view)))
                placed.hashes[number] = blobs.name_of([view])
                placed.new.add(number)
            placed.spans.append((start, start + len(view), placed.hashes[number]))
        placed.spans.sort()
        packed.finish(placed, pack)

    def _regions(self) -> list[tuple[memoryview, int]]:
        """Join the buffers that overlap, and tell each its region and its place there."""
        regions: list[tuple[memoryview, int]] = []
        public = [buffer for buffer in self._buffers if not buffer.private]
        for group in self._memory.groups(buffer.span for buffer in public):
            members = [public[number] for number in group.members]
            for member in members:
                member.region, member.offset = len(regions), member.start - group.start
            whole = (m.view for m in members if m.span == (group.start, group.end))
            view = next(whole, None)
            if view is None:
                view = self._memory.at(group.start, group.end - group.start)
            regions.append((view, group.start))
        for buffer in self._buffers:
            if buffer.private:
                buffer.region = len(regions)
                regions.append((buffer.view, buffer.start))
        return regions


class _Pack:
    """Small regions, one behind the other, aligned."""

    def __init__(self) -> None:
        self._parts: list[memoryview | bytes] = []
        self._length = 0

    def add(self, view: memoryview) -> int:
        gap = -self._length % _ALIGNMENT
        self._parts += [bytes(gap), view] if gap else [view]
        offset = self._length + gap
        self._length = offset + len(view)
        return offset

    def finish(self, placed: Placed, pack: str) -> None:
        """Make a blob of a large pack: the same small arrays sent again are there already."""
        if not self._parts:
            return
        placed.pack, placed.parts = pack, self._parts
        if self._length < blobs.SMALLEST_BLOB:
            return
        name = blobs.name_of(self._parts)
        placed.pack, placed.parts = f"{BLOBS}/{name}", []
        there = placed.store.has(name)
        placed.blobs[name] = self._parts
        if there:
            placed.new -= {n for n, (file, _, _) in enumerate(placed.regions) if file == _PACKED}


def _entry(dump: _Dump, placed: Placed, seen: set[int]) -> Entry:
    """Count each region with the first name that needs it."""
    first = {buffer.region for buffer in dump.buffers} - seen
    seen |= first
    stream = dump.end - dump.start
    return Entry(
        dump.name,
        dump.type,
        stream + sum(placed.regions[number][2] for number in first),
        dump.why,
        dump.end,
        tuple((b.region, b.offset, len(b.view), int(b.view.readonly)) for b in dump.buffers),
        stream + sum(placed.regions[number][2] for number in first & placed.new),
        dump.plain,
    )


class Originals(Protocol):
    """The objects that a bundle refers to: those that were sent."""

    def reference(self, name: str) -> Any:
        """Return the object that was sent by this name."""

    def revised(self, name: str, content: Any) -> Any:
        """Return this object with the content that it has now."""


class Nothing:
    """Where nothing was sent, nothing can be referred to."""

    def reference(self, name: str) -> Any:
        """Say so."""
        raise LookupError(f"it refers to {name}, which was sent with the job")

    def revised(self, name: str, _content: Any) -> Any:
        """Say so."""
        return self.reference(name)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written.

    Attributes
    ----------
    stream : Path
        The pickled stream.
    contents : Contents
        The list of contents.
    locate : callable
        File name in the job's folder → path.
    """

    stream: Path
    contents: Contents
    locate: Callable[[str], Path]

    def load(
        self,
        home: Namespace,
        arrived: Callable[[str, Any], None],
        *,
        mappings: Mappings | None = None,
        originals: Originals | None = None,
        parts: dict[int, Any] | None = None,
    ) -> None:
        """Load the values one after another and hand each over as soon as it is there.

        Parameters
        ----------
        home : dict
            The namespace that the functions are bound to.
        arrived : callable
            Takes each name and value.
        mappings : Mappings, optional
            Keeps account of what is mapped.
        originals : Originals, optional
            Has the objects that the bundle refers to, and takes what has become of them.
        parts : dict, optional
            Takes all objects by their numbers in the stream, unless that is large.

        Raises
        ------
        LoadError
            Naming the first value that could not be rebuilt; the values before it have arrived.
        """
        known: Originals = originals or Nothing()
        with self.stream.open("rb") as file, at_home(home), uncollected():
            unpickler = ReferringUnpickler(file, buffers=self._views(mappings))
            unpickler.reference = known.reference
            for entry in self.contents.entries:
                try:
                    value = unpickler.load()
                    if entry.why == CHANGED:
                        value = known.revised(entry.name, value)
                except Exception as error:
                    raise LoadError(entry.name, f"{type(error).__name__}: {error}") from error
                arrived(entry.name, value)
            if parts is not None and file.tell() <= MOST_NUMBERED:
                parts.update(unpickler.memo.copy())

    def load_what_can_be(
        self,
        home: Namespace,
        originals: Originals | None = None,
        lend: Callable[[str, Any], None] = lambda name, value: None,
    ) -> tuple[Namespace, dict[str, str]]:
        """Load the values, and say which could not be rebuilt; one failure takes no other along.

        What has arrived is lent, for what comes behind it may need it.

        Returns
        -------
        dict, dict
            Name → value, and name → what went wrong.
        """
        values: Namespace = {}
        if not self.contents.entries:
            return {}, {}

        def arrived(name: str, value: Any) -> None:
            values[name] = value
            lend(name, value)

        try:
            self.load(home, arrived, originals=originals)
        except LoadError:
            return self._salvage(home, originals or Nothing(), lend)
        return values, {}

    def _salvage(
        self, home: Namespace, originals: Originals, lend: Callable[[str, Any], None]
    ) -> tuple[Namespace, dict[str, str]]:
        from nbsubmit.core.salvage import Salvager  # rarely needed, and every job would pay for it

        values: Namespace = {}
        failed: dict[str, str] = {}
        entries = self.contents.entries
        with self.stream.open("rb") as file, at_home(home):
            salvager = Salvager(file, self._views(None), originals.reference)
            for position, entry in enumerate(entries):
                try:
                    value = salvager.load()
                except Exception as error:  # the stream itself is damaged: the rest is lost
                    damage = f"{type(error).__name__}: {error}"
                    return values, failed | {e.name: damage for e in entries[position:]}
                if entry.why == CHANGED and not salvager.complaint:
                    try:
                        value = originals.revised(entry.name, value)
                    except Exception as error:
                        salvager.broken(error)
                if salvager.complaint:
                    failed[entry.name] = salvager.complaint
                else:
                    values[entry.name] = value
                    lend(entry.name, value)
        return values, failed

    def _views(self, mappings: Mappings | None) -> Iterator[memoryview]:
        if not self.contents.regions:
            return
        from nbsubmit.core.mapped import Mappings, Region

        mappings = mappings or Mappings()
        regions: dict[int, memoryview] = {}
        for entry in self.contents.entries:
            for number, offset, size, readonly in entry.buffers:
                if number not in regions:
                    file, start, length = self.contents.regions[number]
                    region = Region(file or self.contents.pack, start, length)
                    path = self.locate(region.file)
                    regions[number] = mappings.view(region, path, shared=file == _PACKED)
                part = regions[number][offset : offset + size]
                yield part.toreadonly() if readonly else part


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
