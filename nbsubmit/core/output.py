"""What a job printed and displayed, in order, read forward and bounded.

Text lies in the two logs as the process wrote it, C libraries and child processes included, so
nothing that was printed is lost in a crash. ``events.jsonl`` holds the displays, and a mark each
time that Python's output changes from one stream to the other; every line says how long the logs
were at that moment. From these lengths the order is put together again.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbsubmit.core.folder import MARK, JobFolder
from nbsubmit.core.trust import open_own

# More text than this in one stretch is shown by its end alone.
LONGEST_STRETCH = 1 << 20


def text_of(log: Path, last: int | None = None) -> str:
    """Return what is in a log, or so many bytes of its end; nothing if there is none."""
    try:
        with log.open("rb") as file:
            if last is not None:
                file.seek(max(log.stat().st_size - last, 0))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


@dataclass(frozen=True)
class Piece:
    """One piece of output.

    Attributes
    ----------
    kind : str
        ``stdout``, ``stderr``, or the type of an event as nbformat calls it: ``display_data``,
        ``update_display_data``, ``execute_result``, ``clear_output``.
    text : str
        The text of a stream.
    content : dict
        The content of an event.
    late : bool
        Whether it was displayed when the cell had ended, as open figures are: below its result
        or its error.
    """

    kind: str
    text: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    late: bool = False


class _Log:
    """One stream's log: text from where the last reading ended."""

    def __init__(self, kind: str, path: Path) -> None:
        self.kind = kind
        self._path = path
        self._position = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def read_to(self, end: int, longest: int) -> Iterator[Piece]:
        if end <= self._position:
            return
        skipped = max(end - self._position - longest, 0)
        if skipped:
            yield Piece(
                self.kind, f"\n[... {skipped} bytes left out; all of it is in {self._path}]\n"
            )
            self._decoder.reset()
        with self._path.open("rb") as file:
            file.seek(self._position + skipped)
            data = file.read(end - self._position - skipped)
        self._position += skipped + len(data)
        text = self._decoder.decode(data)
        if text:
            yield Piece(self.kind, text)


class OutputReader:
    """Reads a job's output forward; each call gives what is new.

    Parameters
    ----------
    folder : JobFolder
        The job's folder.
    longest : int
        Bytes of one stretch of text that are read; of a longer one only the end is.
    """

    def __init__(self, folder: JobFolder, longest: int = LONGEST_STRETCH) -> None:
        self._events = folder.events_file
        self._events_at = 0
        self._out = _Log("stdout", folder.log_out)
        self._err = _Log("stderr", folder.log_err)
        self._first = self._out
        self._longest = longest

    def read(self) -> list[Piece]:
        """Return the output since the last call."""
        # Lengths first: a mark that belongs before this text is in the events by then.
        out_end, err_end = self._out.size(), self._err.size()
        pieces: list[Piece] = []
        for event in self._new_events():
            pieces += self._text(event["out"], event["err"])
            if event["type"] == MARK:
                self._first = self._err if event["stream"] == "stderr" else self._out
            else:
                late = bool(event.get("late"))
                pieces.append(Piece(event["type"], content=event["content"], late=late))
        pieces += self._text(out_end, err_end)
        return pieces

    def _text(self, out_end: int, err_end: int) -> Iterator[Piece]:
        ends = [(self._out, out_end), (self._err, err_end)]
        for log, end in ends if self._first is self._out else reversed(ends):
            yield from log.read_to(end, self._longest)

    def _new_events(self) -> Iterator[dict[str, Any]]:
        try:
            with open_own(self._events) as file:
                file.seek(self._events_at)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._events_at += len(whole)
        for line in whole.splitlines():
            try:
                event = json.loads(line)
                event["out"], event["err"], event["type"]
            except (ValueError, KeyError, TypeError):
                continue  # cut short by a full disk; what comes after it counts all the same
            yield event
