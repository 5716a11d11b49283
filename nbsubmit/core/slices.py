"""What each task of an array has for itself: written side by side, and read one by one.

What several of them share lies in the payload and is referred to by number. The file begins with
the places of the slices, so that a task reads its own and no other: of 10,000 small calls 0.25 kB
of 2.5 MB. Small regions of all of them lie in one pack.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from nbsubmit.core.bundle import Bundle, Nothing
from nbsubmit.core.contents import Contents
from nbsubmit.core.folder import JobFolder, write_whole
from nbsubmit.core.garbage import uncollected
from nbsubmit.core.home import Namespace
from nbsubmit.core.layout import Placed
from nbsubmit.core.pickling import Reference
from nbsubmit.core.tasks import TaskFolder, number_of
from nbsubmit.core.trust import open_own

if TYPE_CHECKING:
    from nbsubmit.core.mapped import Mappings

_PLACE = struct.Struct("<Q")
_HEADER = struct.Struct("<I")
_ALIGNMENT = 64


@dataclass
class Slices:
    """The slices of an array, to be written.

    Attributes
    ----------
    placed : list of Placed
        Each with the values of one task by their names; that of a call by `CALL`.
    """

    placed: list[Placed] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """What they take together."""
        return sum(entry.size_bytes for one in self.placed for entry in one.contents.entries)

    @property
    def new_bytes(self) -> int:
        """What has to be written."""
        return sum(one.new_bytes for one in self.placed)

    def write(self, folder: JobFolder) -> None:
        """Write them into a job's folder."""
        for one in self.placed:
            one.write_blobs(folder.blobs)
        headers: list[bytes] = []

        def write_pack(file: BinaryIO) -> None:
            for one in self.placed:
                start = 0
                if one.parts:
                    start = file.tell() + -file.tell() % _ALIGNMENT
                    file.write(bytes(start - file.tell()))
                    one.write_pack(file)
                headers.append(json.dumps(one.contents_at(start).to_json()).encode())

        with uncollected():
            write_whole(folder.slices_pack, write_pack)
        write_whole(folder.slices_file, lambda file: self._write_streams(file, headers))

    def _write_streams(self, file: BinaryIO, headers: Sequence[bytes]) -> None:
        place = _PLACE.size * (len(headers) + 1)
        for one, header in zip(self.placed, headers, strict=True):
            file.write(_PLACE.pack(place))
            place += _HEADER.size + len(header) + len(one.stream.getbuffer())
        file.write(_PLACE.pack(place))
        for one, header in zip(self.placed, headers, strict=True):
            file.write(_HEADER.pack(len(header)))
            file.write(header)
            one.write_stream(file)


def read(folder: TaskFolder) -> Bundle:
    """Return the slice of one task."""
    number = number_of(folder)
    with open_own(folder.slices_file) as file:
        file.seek(_PLACE.size * number)
        start, end = struct.unpack("<QQ", file.read(2 * _PLACE.size))
        file.seek(start)
        record = file.read(end - start)
    (length,) = _HEADER.unpack_from(record)
    contents = Contents.from_json(json.loads(record[_HEADER.size : _HEADER.size + length]))
    return Bundle(record[_HEADER.size + length :], contents, folder.locate)


class _Shared(Nothing):
    """What the slices share, by number."""

    def __init__(self, shared: Sequence[Any]) -> None:
        self._shared = shared

    def reference(self, name: Reference) -> Any:
        return self._shared[int(str(name))]


def load(
    bundle: Bundle,
    home: Namespace,
    shared: Sequence[Any],
    mappings: Mappings | None = None,
) -> Namespace:
    """Load the values of a slice, by their names."""
    found: Namespace = {}
    bundle.load(home, found.__setitem__, mappings=mappings, originals=_Shared(shared))
    return found
