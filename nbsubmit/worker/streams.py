"""Where a cell's output goes: text straight to the logs, displays to the list of events.

Text is written through at once, so a crash loses none of it. A mark in the events each time that
the stream changes keeps the order of the two.
"""

from __future__ import annotations

import io
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from nbsubmit.core.folder import MARK


class Recorder:
    """Writes events, each with the lengths of the logs at that moment.

    Parameters
    ----------
    events : Path
        The file of events; it exists.
    stdout, stderr : int
        Descriptors of the two logs.
    """

    def __init__(self, events: Path, stdout: int, stderr: int) -> None:
        self._events = os.open(events, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        self._stdout, self._stderr = stdout, stderr
        self._current = "stdout"
        # Set when the cell has ended and what it left open is displayed.
        self.late = False
        self._lock = threading.RLock()
        self._closed = False

    def close(self) -> None:
        """Write nothing any more: the descriptors may be somebody else's from now on."""
        with self._lock:
            self._closed = True
            os.close(self._events)

    def event(self, kind: str, content: dict[str, Any]) -> None:
        """Record a display, by the name and in the shape that nbformat gives it."""
        late = {"late": True} if self.late else {}
        self._write({"type": kind, "content": content, **late})

    def text(self, stream: str, descriptor: int, data: bytes) -> None:
        """Write text to a log, marking it when the stream changes."""
        with self._lock:
            if self._closed:
                return
            if stream != self._current:
                self._current = stream
                self._write({"type": MARK, "stream": stream})
            while data:
                data = data[os.write(descriptor, data) :]

    def _write(self, event: dict[str, Any]) -> None:
        with self._lock:
            if self._closed:
                return
            event |= {
                "at": time.time(),
                "out": os.fstat(self._stdout).st_size,
                "err": os.fstat(self._stderr).st_size,
            }
            line = json.dumps(event, ensure_ascii=False, default=str) + "\n"
            data = line.encode(errors="backslashreplace")
            while data:
                data = data[os.write(self._events, data) :]


class LogStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a cell."""

    def __init__(self, recorder: Recorder, name: str, descriptor: int) -> None:
        self._recorder = recorder
        self._stream = name
        self._descriptor = descriptor
        self._buffer = io.BufferedWriter(_Bytes(recorder, name, descriptor), 1)

    @property
    def name(self) -> str:
        return f"<{self._stream}>"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def buffer(self) -> io.BufferedWriter[_Bytes]:
        """Takes bytes, as the standard streams' own buffer does."""
        return self._buffer

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not isinstance(text, str):
            raise TypeError(f"write() takes text, not {type(text).__name__}")
        self._buffer.flush()
        self._recorder.text(self._stream, self._descriptor, text.encode(errors="backslashreplace"))
        return len(text)

    def flush(self) -> None:
        if not self.closed:
            self._buffer.flush()

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


class _Bytes(io.RawIOBase):
    def __init__(self, recorder: Recorder, stream: str, descriptor: int) -> None:
        self._recorder, self._stream, self._descriptor = recorder, stream, descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._recorder.text(self._stream, self._descriptor, bytes(data))
        return len(data)
