"""Several named values → a stream and the buffers that were taken out of it.

Each name is one dump into one stream under one memo: what two names share stays shared, and a
failure has a name.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from nbsubmit.core import blobs
from nbsubmit.core.contents import Contents, Entry, type_name
from nbsubmit.core.definitions.needs import in_order
from nbsubmit.core.fingerprint import fingerprint_of
from nbsubmit.core.home import Namespace
from nbsubmit.core.layout import Buffer, Layout, Placed
from nbsubmit.core.met import Met
from nbsubmit.core.pickling import Reference, ReferringPickler, ValuePickler
from nbsubmit.core.record import dataclass
from nbsubmit.core.reducers import SMALLEST_BUFFER

if TYPE_CHECKING:
    from nbsubmit.core.mapped import Mappings
    from nbsubmit.core.memory import Spans
    from nbsubmit.core.reducers.owners import Owners

# Objects that make new arrays each time they are pickled would be pickled for ever.
MOST_TRIES = 3
# To list the parts of a larger stream takes longer than a tenth of a second.
MOST_NUMBERED = 4 << 20


@dataclass
class _Dump:
    """One value in the stream."""

    name: str
    type: str
    why: str
    start: int
    end: int = 0
    plain: bool = True
    needs: frozenset[str] = frozenset()
    buffers: list[Buffer] = field(default_factory=list)


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
        self._dumps[-1].plain = False
        if len(view) < SMALLEST_BUFFER and not self._is_shared(view):
            return True
        self._dumps[-1].buffers.append(Buffer(view, id(buffer) in self.private))
        return False

    def _is_shared(self, view: memoryview) -> bool:
        if not self._shared or not view:
            return False
        from nbsubmit.core import memory

        start = memory.address(view)
        return self._shared.touch(start, start + len(view))


class _Stream(io.BytesIO):
    """A stream that remembers where each piece that was written to it ends.

    Of these a fingerprint is made in 1 ms, where to pickle 100,000 lists once more takes 64.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ends = [0]

    def write(self, data: Any) -> int:
        size = super().write(data)
        self.ends.append(self.ends[-1] + size)
        return size

    def pieces(self, end: int) -> Iterator[memoryview]:
        """The pieces up to there."""
        whole = self.getbuffer()
        for low, high in pairwise(self.ends[: self.ends.index(end) + 1]):
            yield whole[low:high]


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
        Objects that the other side has, by `id`, with their names there, and with the content that
        they are to take on if they have been changed.
    owners : Owners, optional
        Finds those among them whose memory an array looks at.
    """

    def __init__(
        self,
        home: Namespace,
        known: Mapping[type, str] | None = None,
        *,
        shared: Spans | None = None,
        sent: Mapping[int, Reference] | None = None,
        owners: Owners | None = None,
    ) -> None:
        self.home = home
        self._stream = _Stream()
        self._dumps: list[_Dump] = []
        # Size of the stream, and what was met up to there.
        self._met: tuple[int, Met] | None = None
        # Module → the first name whose value is looked up in it.
        self.modules: dict[str, str] = {}
        taker = _Taker(self._dumps, shared)
        kind = ReferringPickler if sent else ValuePickler
        self._pickler = kind(self._stream, home, known, taker.take, shared)
        if isinstance(self._pickler, ReferringPickler):
            self._pickler.sent = sent or {}
        self._pickler.owners = owners
        taker.private = self._pickler.private_buffers

    @property
    def names(self) -> list[str]:
        """The names so far."""
        return [dump.name for dump in self._dumps]

    @property
    def size_bytes(self) -> int:
        """How long the stream is."""
        return self._stream.tell()

    def met(self) -> Met:
        """The objects that were added, with all that is in them."""
        if self._met is None or self._met[0] != self.size_bytes:
            self._met = self.size_bytes, Met(self._pickler)
        return self._met[1]

    def prints(self) -> dict[str, bytes]:
        """The fingerprints of those values that are in the stream as each is by itself.

        That is the first alone: others may share parts with it. And what is not plain is another
        time pickled otherwise, when its classes are known on the other side.
        """
        for dump in self._dumps[:1]:
            if dump.plain:
                return {dump.name: fingerprint_of(self._stream.pieces(dump.end))}
        return {}

    @property
    def mentioned(self) -> dict[str, str]:
        """Globals that the functions so far mention, each with a function that does."""
        return self._pickler.mentioned

    @property
    def classes(self) -> list[type]:
        """The classes so far that go by value."""
        return self._pickler.classes

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
        self._pickler.begin()
        self._pickler.dump(value)
        dump.needs = frozenset(self._pickler.needed)
        for module in self._pickler.modules:
            self.modules.setdefault(module, name)
        dump.end = self._stream.tell()
        dump.plain = dump.plain and self._pickler.plain
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

    def _buffers(self) -> Iterator[Buffer]:
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
            Layout(list(self._buffers()), mappings).fill(placed, pack)
        seen: set[int] = set()
        entries = [_entry(dump, placed, seen) for dump in self._dumps]
        placed.contents = Contents(tuple(entries), tuple(placed.regions), placed.pack)
        return placed


def write_one(
    name: str, value: Any, home: Namespace, known: Mapping[type, str] | None = None
) -> BundleWriter:
    """Return a writer with one value, the memory that parts of it share kept together.

    Raises
    ------
    Exception
        Whatever pickling raises.
    """
    shared: Spans | None = None
    for _ in range(MOST_TRIES):
        writer = BundleWriter(home, known, shared=shared)
        writer.add(name, value)
        overlaps = writer.overlaps()
        if overlaps is None:
            break
        shared = overlaps if shared is None else shared | overlaps
    return writer


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
