"""Notes now and then what the job uses, in a file that stays small however long the job runs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from nbsubmit.core.folder import PRIVATE_FILE, JobFolder, write_whole
from nbsubmit.core.usage import Sample, parse, thin
from nbsubmit.worker import gpus
from nbsubmit.worker.family import Taken, taken
from nbsubmit.worker.gpus import Busy, Gpus

# A look is cheap, and memory that grows must be seen before the job is killed for it.
_LOOK_SECONDS = 1.0
# A young job is noted at each look, an old one less often.
_LONGEST_NOTE_SECONDS = 10.0
_NOTES_PER_AGE = 60
_GROWTH = 1.1
# Of the longest lines these make less than 100 kB.
LONGEST_FILE = 700
_THINNED, _NEWEST = 250, 100


class Record:
    """The file of samples.

    Parameters
    ----------
    file : Path
        The file; it comes with the first sample.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines = 0

    def note(self, sample: Sample) -> None:
        """Add a sample; when the file has grown long, thin out the older ones."""
        descriptor = os.open(self._file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, PRIVATE_FILE)
        with os.fdopen(descriptor, "ab") as out:
            out.write(sample.line())
        self._lines += 1
        if self._lines >= LONGEST_FILE:
            self._thin_out()

    def _thin_out(self) -> None:
        samples = [s for line in self._file.read_bytes().splitlines() if (s := parse(line))]
        kept = thin(samples[:-_NEWEST], _THINNED) + samples[-_NEWEST:]
        write_whole(self._file, lambda out: out.write(b"".join(s.line() for s in kept)))
        self._lines = len(kept)


class Pace:
    """Decides which looks are noted.

    Parameters
    ----------
    began : float
        When the job did.
    """

    def __init__(self, began: float) -> None:
        self._began = began
        self._noted = float("-inf")
        self._peak = 0

    def due(self, now: float, peak: int) -> bool:
        """Tell whether a look is to be noted, and take it as noted if so."""
        spacing = min((now - self._began) / _NOTES_PER_AGE, _LONGEST_NOTE_SECONDS)
        if now - self._noted < spacing and peak < _GROWTH * self._peak:
            return False
        self._noted, self._peak = now, peak
        return True


class Meter:
    """Looks at this process and what descends from it, in a thread, until the process ends.

    Parameters
    ----------
    folder : JobFolder
        The job's folder.
    cpus : int
        The processors that the job was given.
    """

    def __init__(self, folder: JobFolder, cpus: int) -> None:
        self._record = Record(folder.usage_file)
        self._pid = os.getpid()
        self._cpus = max(cpus, 1)
        self._pace = Pace(time.monotonic())
        self._before: tuple[float, float] | None = None
        self._peak = 0
        self._look_at_gpus: Callable[[], Busy | None] = lambda: None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Go on until the process ends."""
        nvml = gpus.library()
        threading.Thread(
            target=self._go_on, args=(nvml,), name="nbsubmit-meter", daemon=True
        ).start()

    def _go_on(self, nvml: object) -> None:
        try:
            if nvml is not None:
                self._look_at_gpus = Gpus(nvml).look  # may wait for the driver
        except Exception:  # noqa: S110 - a job runs without its GPUs' curve too
            pass
        while self.look():
            time.sleep(_LOOK_SECONDS)

    def look(self, *, last: bool = False) -> bool:
        """Look once and note it if it is due; False if that cannot go on.

        Parameters
        ----------
        last : bool
            Note it in any case.
        """
        try:
            with self._lock:
                now, have = time.monotonic(), taken(self._pid)
                self._peak = max(self._peak, have.memory, have.peak)
                if self._pace.due(now, self._peak) or last:
                    self._record.note(self._sample(now, have))
        except Exception:
            # The folder may be full, or deleted under the job: that is worth more than its curves.
            return False
        return True

    def _sample(self, now: float, have: Taken) -> Sample:
        then, had = self._before or (now, have.cpu_seconds)
        self._before = (now, have.cpu_seconds)
        used = (have.cpu_seconds - had) / max(now - then, 0.01)
        busy = self._busy()
        return Sample(
            at=round(time.time(), 2),
            cpu=round(max(100 * used / self._cpus, 0.0), 1),
            memory=have.memory,
            peak=self._peak,
            gpu=round(busy.percent, 1) if busy else None,
            gpu_memory=busy.memory if busy else None,
            gpu_total=busy.total if busy else None,
        )

    def _busy(self) -> Busy | None:
        try:
            return self._look_at_gpus()
        except Exception:  # a GPU may fall off the bus
            return None
