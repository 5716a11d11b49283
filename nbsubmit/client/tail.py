"""A job's log read forward, in pieces that fit in memory, from its beginning or its last lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nbsubmit.core.harmless import Pieces

_PIECE_BYTES = 1 << 16


class Tail:
    """One log.

    Parameters
    ----------
    path : Path
        The file; it may not be there yet.
    lines : int, optional
        Begin with so many lines of what is there when it is first read; by default with the first.
    """

    def __init__(self, path: Path, lines: int | None = None) -> None:
        self._path = path
        self._lines = lines
        self._position = 0
        self._begin()

    def _begin(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces = Pieces()

    def read(self) -> Iterator[str]:
        """Yield what is new, harmless to a terminal, a piece at a time."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            size = file.seek(0, 2)
            if self._lines is not None:
                self._position, self._lines = _start_of(file, size, self._lines), None
            if size < self._position:  # it was begun anew, as by a job that is run again
                self._position = 0
                self._begin()
            file.seek(self._position)
            while data := file.read(_PIECE_BYTES):
                self._position += len(data)
                if text := self._pieces.printed(self._decoder.decode(data)):
                    yield text

    def end(self) -> str:
        """Return what was kept back, as half a character, when nothing more will come."""
        return self._pieces.printed(self._decoder.decode(b"", final=True)) + self._pieces.end()


def _start_of(file: BinaryIO, size: int, lines: int) -> int:
    """Return where the last lines of a file begin; a last one without an end counts."""
    if not lines:
        return size
    position, wanted = size, lines
    while position:
        start = max(position - _PIECE_BYTES, 0)
        file.seek(start)
        data = file.read(position - start)
        if position == size and data.endswith(b"\n"):
            wanted += 1
        count = data.count(b"\n")
        if count >= wanted:
            at = len(data)
            for _ in range(wanted):
                at = data.rindex(b"\n", 0, at)
            return start + at + 1
        wanted -= count
        position = start
    return 0
