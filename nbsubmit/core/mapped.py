"""Buffers as pieces of files, mapped privately: there at once, writable; the file never changes.

Of a mapped buffer it can be told whether it has been written to without reading it: the page table
knows which pages are the process's own by now (Documentation/admin-guide/mm/pagemap.rst of the
Linux kernel). Of 256 MB that takes 8 ms; to hash them takes 60, and brings all of them into memory.
"""

from __future__ import annotations

import bisect
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbsubmit.core import memory
from nbsubmit.core.trust import open_own

_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61
_ENTRY = 8
# So many pages, 16 MB, are compared with their file at a time.
_MOST_PAGES = 4096


@dataclass(frozen=True)
class Region:
    """A stretch of a file that holds a stretch of memory.

    Attributes
    ----------
    file : str
        The file's name in the job's folder.
    offset, size : int
        The stretch, in bytes.
    """

    file: str
    offset: int
    size: int


@dataclass(frozen=True)
class _Mapped:
    """A mapping: where it lies and what it shows."""

    start: int
    size: int
    region: Region
    path: Path


class Mappings:
    """What this process has mapped, by address."""

    def __init__(self) -> None:
        self._mapped: list[_Mapped] = []
        self._starts: list[int] = []
        self._shared: dict[Path, memoryview] = {}

    def view(self, region: Region, path: Path, *, shared: bool = False) -> memoryview:
        """Map a region and return its bytes; the pages come when they are touched.

        Parameters
        ----------
        region : Region
            What to map.
        path : Path
            Its file.
        shared : bool
            Other regions of the file may use the same mapping: they lie apart in it. Two regions
            of one blob do not: they are different memory with the same content.

        Raises
        ------
        EOFError
            If the file is shorter than it should be.
        """
        if shared:
            whole = self._shared.get(path)
            if whole is None:
                size = path.stat().st_size
                whole = self._shared[path] = self._map(Region(region.file, 0, size), path)
            return whole[region.offset : region.offset + region.size]
        return self._map(region, path)

    def _map(self, region: Region, path: Path) -> memoryview:
        with open_own(path) as file:
            if os.fstat(file.fileno()).st_size < region.offset + region.size:
                raise EOFError(f"{path} is cut short")
            lead = region.offset % mmap.ALLOCATIONGRANULARITY
            try:
                whole = memory.map_file(file.fileno(), region.offset - lead, lead + region.size)
            except OSError:
                file.seek(region.offset)
                return memoryview(bytearray(file.read(region.size)))
        view = whole[lead:]
        self._note(_Mapped(memory.address(view), region.size, region, path))
        return view

    def _note(self, mapped: _Mapped) -> None:
        place = bisect.bisect_left(self._starts, mapped.start)
        self._starts.insert(place, mapped.start)
        self._mapped.insert(place, mapped)

    def content(self, view: memoryview) -> bytes | None:
        """Bytes that stand for a buffer that still shows a file unchanged; None for any other."""
        clean = self.clean(memory.address(view), len(view)) if self._starts else None
        return None if clean is None else f"{clean.file} {clean.offset} {clean.size};".encode()

    def clean(self, start: int, size: int) -> Region | None:
        """Return the part of a file that this memory still shows unchanged, if it is any."""
        place = bisect.bisect_right(self._starts, start) - 1
        if place < 0:
            return None
        found = self._mapped[place]
        inside = start - found.start
        if inside + size > found.size:
            return None
        part = Region(found.region.file, found.region.offset + inside, size)
        return part if _is_clean(start, part, found.path) else None


def _is_clean(start: int, region: Region, path: Path) -> bool:
    """Compare the pages that were written to with the file: it may have been the same value."""
    with open_own(path) as file:
        for low, high in _written(start, region.size):
            here = memory.at(low, high - low)
            if os.pread(file.fileno(), high - low, region.offset + low - start) != here:
                return False
    return True


def _written(start: int, size: int) -> Iterator[tuple[int, int]]:
    """The stretches of memory whose pages are the process's own; all if nobody can tell."""
    page, end = mmap.PAGESIZE, start + size
    first = start // page
    count = (end + page - 1) // page - first
    for position in range(first, first + count, _MOST_PAGES):
        pages = min(_MOST_PAGES, first + count - position)
        low, high = max(start, position * page), min(end, (position + pages) * page)
        try:
            entries = _page_table(position, pages)
        except OSError:
            yield low, high
            continue
        for number, entry in enumerate(entries, position):
            if entry & _SWAPPED or (entry & _PRESENT and not entry & _OF_FILE):
                yield max(start, number * page), min(end, (number + 1) * page)


def _page_table(first: int, count: int) -> memoryview:
    descriptor = os.open("/proc/self/pagemap", os.O_RDONLY)
    try:
        data = os.pread(descriptor, count * _ENTRY, first * _ENTRY)
    finally:
        os.close(descriptor)
    if len(data) != count * _ENTRY:
        raise OSError("the page table was not read whole")
    return memoryview(data).cast("Q")
