"""Where buffers lie in memory, and which of them overlap.

Two arrays over one piece of memory must still be that on the other side, or a cell computes wrong
values without a word. What Python calls them does not tell; their addresses do.
"""

from __future__ import annotations

import bisect
import ctypes
import mmap
import os
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


class _PyBuffer(ctypes.Structure):
    """CPython's ``Py_buffer``; its layout is part of the stable ABI."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = (ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int)
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = (ctypes.POINTER(_PyBuffer),)
_from_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_from_memory.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
_from_memory.restype = ctypes.py_object
_READ = 0x100


def address(view: memoryview) -> int:
    """Return where the first byte of a contiguous view lies."""
    buffer = _PyBuffer()
    _get_buffer(view, ctypes.byref(buffer), 0)
    found = int(buffer.buf or 0)
    _release_buffer(ctypes.byref(buffer))
    return found


def at(start: int, size: int) -> memoryview:
    """Return the memory itself, to be read while somebody keeps it alive."""
    view: memoryview = _from_memory(start, size, _READ)
    return view


_map = ctypes.CDLL(None, use_errno=True).mmap64
_map.restype = ctypes.c_void_p
_map.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64,
)  # fmt: skip
_unmap = ctypes.CDLL(None).munmap
_unmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_FAILED = ctypes.c_void_p(-1).value


def map_file(descriptor: int, offset: int, size: int) -> memoryview:
    """Map a part of a file privately; it is unmapped when nobody looks at it any more.

    Python's own mapping keeps a descriptor open for each file until 3.13, and a thousand arrays
    are no rarity where a thousand descriptors are the limit.

    Parameters
    ----------
    descriptor : int
        The open file; it may be closed afterwards.
    offset, size : int
        The part, in bytes; the offset is a multiple of the page size.

    Raises
    ------
    OSError
        If the file system or a limit on memory forbids it.
    """
    protection, private = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE
    start = _map(None, size, protection, private, descriptor, offset)
    if start == _FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    mapped = (ctypes.c_ubyte * size).from_address(start)
    weakref.finalize(mapped, _unmap, start, size).atexit = False
    return memoryview(mapped)


@dataclass(frozen=True)
class Spans:
    """Stretches of memory, apart from each other and in order.

    Attributes
    ----------
    starts, ends : tuple of int
        The first address of each, and the first one behind it.
    """

    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Spans:
        """Join the stretches that overlap."""
        joined = [(group.start, group.end) for group in groups(pairs)]
        return cls(tuple(start for start, _ in joined), tuple(end for _, end in joined))

    def __bool__(self) -> bool:
        return bool(self.starts)

    def __or__(self, other: Spans) -> Spans:
        return Spans.of([*self, *other])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self.starts, self.ends, strict=True))

    def touch(self, start: int, end: int) -> bool:
        """Tell whether any of them has a byte of this stretch."""
        place = bisect.bisect_left(self.starts, end) - 1
        return place >= 0 and self.ends[place] > start


@dataclass
class Group:
    """Stretches that overlap, one leading to the next.

    Attributes
    ----------
    start, end : int
        All that they cover.
    members : list of int
        Their places among those that were given.
    """

    start: int
    end: int
    members: list[int] = field(default_factory=list)


def groups(pairs: Iterable[tuple[int, int]]) -> list[Group]:
    """Put stretches that share a byte together; those that only meet stay apart."""
    numbered = sorted((start, end, number) for number, (start, end) in enumerate(pairs))
    found: list[Group] = []
    for start, end, number in numbered:
        if found and start < found[-1].end:
            found[-1].end = max(found[-1].end, end)
        else:
            found.append(Group(start, end))
        found[-1].members.append(number)
    return found


def group_at(found: list[Group], address: int) -> Group | None:
    """Return the group that has an address, of those that `groups` found."""
    place = bisect.bisect_right(found, address, key=lambda group: group.start) - 1
    return found[place] if place >= 0 and address < found[place].end else None
