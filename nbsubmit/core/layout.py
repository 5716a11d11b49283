"""Buffers → regions → files: what overlaps in memory lies together, what is there is not written.

Large regions are blobs, kept by content; small ones lie aligned in one pack.
"""

from __future__ import annotations

import io
import sys
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nbsubmit.core import blobs
from nbsubmit.core.contents import Contents
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import BLOBS
from nbsubmit.core.record import dataclass

if TYPE_CHECKING:
    from nbsubmit.core.mapped import Mappings

_ALIGNMENT = 64
# Stands for the pack's name: a region that merely shows the same file is no part of the pack.
PACKED = ""


@dataclass
class Buffer:
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
        return len(self.stream.getbuffer()) + sum(self.regions[number][2] for number in self.new)

    def content(self, view: memoryview) -> bytes | None:
        """Bytes that stand for the content of a buffer of this bundle; None for any other."""
        import bisect

        from nbsubmit.core import memory

        start = memory.address(view)
        place = bisect.bisect_right(self.spans, (start, sys.maxsize, "")) - 1
        if place < 0 or self.spans[place][1] < start + len(view):
            return None
        low, _, name = self.spans[place]
        return f"{name} {start - low} {len(view)};".encode()

    def contents_at(self, start: int) -> Contents:
        """Return the list of contents for a file in which the pack begins there.

        Small regions that are a blob together do not lie in that file.
        """
        if not self.parts:
            return self.contents
        regions = tuple(
            (file, offset + start, size) if file == PACKED else (file, offset, size)
            for file, offset, size in self.contents.regions
        )
        return replace(self.contents, regions=regions)

    def write_blobs(self, folder: Path, *, durable: bool = False) -> None:
        """Write what is new into the store, and have a job's folder hold all that it needs."""
        for name, parts in self.blobs.items():
            self.store.put(name, parts, durable=durable)
            try:
                self.store.hold(name, folder)
            except FolderError:  # the last job that held it went just now
                self.store.put(name, parts, durable=durable)
                self.store.hold(name, folder)

    def write_stream(self, file: BinaryIO) -> None:
        """Write the pickled stream."""
        file.write(self.stream.getbuffer())

    def write_pack(self, file: BinaryIO) -> None:
        """Write the small regions, each at its place; nothing if they are a blob together."""
        for part in self.parts:
            file.write(part)


class Layout:
    """Buffers → regions → files."""

    def __init__(self, buffers: list[Buffer], mappings: Mappings | None) -> None:
        from nbsubmit.core import memory  # 6 ms, with ctypes; for buffers alone

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
                name = blobs.name_of([view])
                placed.regions.append((PACKED, packed.add(view, name), len(view)))
                placed.hashes[number] = name
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
        self._names: list[str] = []
        self._length = 0

    def add(self, view: memoryview, name: str) -> int:
        gap = -self._length % _ALIGNMENT
        self._parts += [bytes(gap), view] if gap else [view]
        self._names.append(name)
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
        name = blobs.name_of_pack(self._names, self._length)
        placed.pack, placed.parts = f"{BLOBS}/{name}", []
        there = placed.store.has(name)
        placed.blobs[name] = self._parts
        if there:
            placed.new -= {n for n, (file, _, _) in enumerate(placed.regions) if file == PACKED}
