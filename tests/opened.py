"""What this process opens and lists, counted: a measure of work that no busy machine changes."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

_EVENTS = ("open", "os.scandir", "os.listdir")


class Opened:
    """What this process opens or lists below a folder from now on."""

    def __init__(self, folder: Path | str, thread: int | None = None) -> None:
        """Look at one thread alone, if told: others may still look at what has just ended."""
        self._folder = str(folder)
        self._thread = thread
        self._found: list[str] = []
        self._looks = True
        # A hook cannot be taken away again.
        sys.addaudithook(self._hear)

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if self._looks and event in _EVENTS and self._thread in (None, threading.get_ident()):
            path = given[0]
            if isinstance(path, (str, Path)) and str(path).startswith(self._folder):
                self._found.append(str(path))

    def stop(self) -> list[str]:
        """Look no more, and return what was found."""
        self._looks = False
        return self._found
