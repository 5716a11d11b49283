"""What shows how a job goes: its samples and its progress bars, read forward."""

from __future__ import annotations

from pathlib import Path

from nbsubmit.client.bars import Bar, bars_in, running
from nbsubmit.client.screen import as_shown
from nbsubmit.core.job import Job
from nbsubmit.core.usage import SHOWN_SAMPLES, Sample, UsageReader

# The bars that are drawn now stand at the end of what was printed.
_TAIL_BYTES = 8000
_TAIL_LINES = 24


class Meters:
    """Reads how one job goes; each call reads only what is new.

    Parameters
    ----------
    job : Job
        The job.
    """

    def __init__(self, job: Job) -> None:
        folder = job.folder
        self._usage = UsageReader(folder.usage_file)
        # Bars go to standard error by custom, so those of standard output are the last.
        self._tails = [_Tail(folder.log_err), _Tail(folder.log_out)]

    def samples(self, count: int = SHOWN_SAMPLES) -> tuple[Sample, ...]:
        """Return what the job used up to now, oldest first, thinned out to at most this many."""
        return tuple(self._usage.read(count))

    def progress(self) -> tuple[Bar, ...]:
        """Return the bars that tell where the job is, an outer one before the one inside it."""
        return tuple(bar for tail in self._tails for bar in tail.bars())


class _Tail:
    """The end of a log, and the bars there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._data = b""
        self._bars: list[Bar] = []

    def bars(self) -> list[Bar]:
        if self._read():
            text = as_shown(self._data.decode("utf-8", "replace"))
            self._bars = running(bars_in(text.rstrip("\n").splitlines()[-_TAIL_LINES:]))
        return self._bars

    def _read(self) -> bool:
        """Tell whether there is something new, and have it."""
        try:
            size = self._path.stat().st_size
            if size == self._position:
                return False
            grown = size > self._position
            start = max(self._position if grown else 0, size - _TAIL_BYTES)
            with self._path.open("rb") as file:
                file.seek(start)
                new = file.read(_TAIL_BYTES)
        except OSError:
            return False
        whole = self._data + new if start == self._position else _from_a_beginning(new, start)
        self._data = whole[-_TAIL_BYTES:]
        if len(whole) > _TAIL_BYTES:
            self._data = _from_a_beginning(self._data, 1)
        self._position = start + len(new)
        return True


def _from_a_beginning(data: bytes, start: int) -> bytes:
    """Leave out a first line of which the beginning was not read."""
    if start == 0:
        return data
    cuts = [place for place in (data.find(b"\n"), data.find(b"\r")) if place >= 0]
    return data[min(cuts) :] if cuts else b""
