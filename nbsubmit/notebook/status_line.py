"""One line of text that tells how a job goes: written over in a terminal, absent elsewhere."""

from __future__ import annotations

import os
import shutil
import sys

from nbsubmit.client import words
from nbsubmit.client.rows import JobRow

_ERASE = "\r\x1b[2K"


class StatusLine:
    """The line below what has been printed, while something is waited for."""

    def __init__(self) -> None:
        self._shown = ""

    @property
    def is_possible(self) -> bool:
        """Whether there is a terminal, on which a line can be written over."""
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, row: JobRow) -> None:
        """Write the line, over the one that is there."""
        if not self.is_possible:
            return
        parts = [words.title(row), words.why(row), words.goes(row)]
        text = "; ".join(part for part in parts if part)
        # A line that is wrapped cannot be written over.
        text = text[: shutil.get_terminal_size().columns - 1]
        if text != self._shown:
            sys.stdout.write(_ERASE + text)
            sys.stdout.flush()
            self._shown = text

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._shown:
            sys.stdout.write(_ERASE)
            sys.stdout.flush()
            self._shown = ""
