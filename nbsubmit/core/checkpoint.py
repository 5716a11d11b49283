"""What a job that is run again goes on from: one value in one file, whole or not at all.

There are two such files: the call that a function's own checkpoint has returned, and the state that
`nbsubmit.checkpoint` keeps. Both are written by the first of the processes that run together, and
read by all of them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.bundle import Bundle
from nbsubmit.core.contents import Contents
from nbsubmit.core.definitions.known import known_classes
from nbsubmit.core.errors import NotPicklable
from nbsubmit.core.folder import PRIVATE_FOLDER, JobFolder, write_whole
from nbsubmit.core.home import Namespace
from nbsubmit.core.layout import Placed
from nbsubmit.core.record import dataclass
from nbsubmit.core.trust import read_own
from nbsubmit.core.writer import BundleWriter, write_one

# Where the list of contents begins, and where the stream does; the small regions lie before.
_PLACES = struct.Struct("<QQ")
_START = 64
_VALUE = "<checkpoint>"


@dataclass
class Keeper:
    """Writes and reads what the job of this process goes on from.

    Attributes
    ----------
    folder : JobFolder
        Of the processes that run together.
    home : dict
        The job's namespace, whose functions travel without their globals.
    known : mapping
        The classes that were sent: any other goes along.
    writes : bool
        This process is the first of them.
    state : object
        The attributes of this object are kept, as soon as there is one.
    by_hand : bool
        The job itself says when.
    """

    folder: JobFolder
    home: Namespace
    known: Mapping[type, str]
    writes: bool = True
    state: Any = None
    by_hand: bool = False

    @classmethod
    def of(cls, folder: JobFolder, home: Namespace) -> Keeper:
        """Return what keeps a job of which all has arrived that was sent, and nothing else."""
        return cls(folder.together, home, dict(known_classes()), folder.is_first)

    def save(self, file: Path, value: Any, what: str) -> None:
        """Write a value into one of the folder's files.

        Raises
        ------
        NotPicklable
            Saying what of it cannot be pickled; the file is as it was.
        """
        if not self.writes:
            return
        placed = self._pickled(value, what).place(BlobStore(self.folder.store_blobs), file.name)
        self.folder.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        placed.write_blobs(self.folder.blobs, durable=True)
        write_whole(file, lambda out: _write(out, placed), durable=True)

    def save_state(self) -> None:
        """Write the state's attributes."""
        if self.state is not None:
            self.save(self.folder.state_file, dict(vars(self.state)), "the state")

    def load(self, file: Path) -> Any:
        """Return the value in one of the folder's files; None if there is none."""
        try:
            data = read_own(file)
        except FileNotFoundError:
            return None
        listed, start = _PLACES.unpack_from(data)
        contents = Contents.from_json(json.loads(data[listed:start]))
        found: Namespace = {}
        bundle = Bundle(data[start:], contents, self.folder.locate)
        bundle.load(self.home, found.__setitem__)
        return found[_VALUE]

    def _pickled(self, value: Any, what: str) -> BundleWriter:
        try:
            return write_one(_VALUE, value, self.home, self.known)
        except Exception as error:
            from nbsubmit.core import culprit  # 2 ms, and few jobs need it

            told = culprit.in_words(what, value, error, self.home)
            raise NotPicklable(f"{told}, and cannot be kept for another run") from error


def _write(out: BinaryIO, placed: Placed) -> None:
    contents = placed.contents_at(_START)
    out.write(bytes(_START))
    placed.write_pack(out)
    listed = out.tell()
    out.write(json.dumps(contents.to_json()).encode())
    start = out.tell()
    placed.write_stream(out)
    out.seek(0)
    out.write(_PLACES.pack(listed, start))


_here: Keeper | None = None


def here() -> Keeper | None:
    """Return what keeps the job that this process runs now; None if it runs none."""
    return _here


@contextmanager
def keeping(keeper: Keeper) -> Iterator[None]:
    """Have what the job says about its state go there."""
    global _here
    before, _here = _here, keeper
    try:
        yield
    finally:
        _here = before
