"""What a running job uses and what it was given: samples over time, bounded, read forward.

The samples lie in one small file, a line each. When it has grown long the worker replaces it by
one in which the older samples are thinned out evenly, so that a week takes no more room than an
hour; a reader that finds another file under the name begins again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from nbsubmit.core.record import dataclass

# As many as a small curve can show.
SHOWN_SAMPLES = 120
# No line is longer.
_LONGEST_LINE = 300
_MIB = 1 << 20
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Limits:
    """What a job was given, or asked for while it has not started; None where that is not known.

    Attributes
    ----------
    cpus : int or None
        Processors on the node that the cell runs on.
    gpus : int or None
        GPUs on that node; before the start, of the whole job.
    memory : int or None
        Bytes on that node.
    seconds : float or None
        Seconds that it may run.
    ends : float or None
        When it will be ended at the latest, in seconds since the epoch.
    """

    cpus: int | None = None
    gpus: int | None = None
    memory: int | None = None
    seconds: float | None = None
    ends: float | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Limits:
        """Read what `to_json` gave."""
        return cls(**{f.name: data.get(f.name) for f in fields(cls)})

    def to_json(self) -> dict[str, Any]:
        """Return what is known as plain data."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_words(cls, text: str) -> Limits:
        """Read what a backend's script says: words such as ``cpus=2``; an empty one says nothing.

        The words are ``cpus``, ``gpus``, ``mib`` (on the node), ``mib_per_cpu``, ``mib_per_gpu``
        and ``ends``. Memory of 0 is all that the node has, so that is not a number.
        """
        said = {}
        for word in text.split():
            name, _, value = word.partition("=")
            if value.isdecimal():
                said[name] = int(value)
        cpus, gpus = said.get("cpus"), said.get("gpus")
        mib = (
            said.get("mib")
            or said.get("mib_per_cpu", 0) * (cpus or 0)
            or said.get("mib_per_gpu", 0) * (gpus or 0)
        )
        return cls(cpus=cpus, gpus=gpus, memory=mib * _MIB or None, ends=said.get("ends"))

    def over(self, other: Limits) -> Limits:
        """Return these, and the other's where these say nothing."""
        return Limits.from_json(other.to_json() | self.to_json())


NOTHING_KNOWN = Limits()


@dataclass(frozen=True)
class Sample:
    """What a job used at one moment: its process and all that descend from it.

    Attributes
    ----------
    at : float
        When, in seconds since the epoch by the node's clock.
    cpu : float
        Percent of the processors that it was given, since the sample before: 100 is all of them.
    memory : int
        Resident bytes. A page that processes share counts for each, as schedulers count it.
    peak : int
        The most resident bytes that were seen up to now.
    gpu : float or None
        Percent of the time that its GPUs were busy, on average over them.
    gpu_memory, gpu_total : int or None
        Bytes in use on its GPUs and bytes that these have, together.
    """

    at: float
    cpu: float
    memory: int
    peak: int
    gpu: float | None = None
    gpu_memory: int | None = None
    gpu_total: int | None = None

    def line(self) -> bytes:
        """Return this as a line of the file."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(known, separators=(",", ":")).encode() + b"\n"


def memory_in_words(usage: Sample | None, limits: Limits) -> str:
    """Say how much memory of how much; a look now and then cannot see the very last of it."""
    from nbsubmit.core.units import format_memory  # 1 ms, and no worker needs it

    given = format_memory(limits.memory) if limits.memory else ""
    if usage is None:
        return f"it was given {given}" if given else ""
    of = f" of {given}" if given else ""
    return f"it had {format_memory(usage.peak)}{of} when that was last noted"


def is_nearly_all(usage: Sample | None, limits: Limits) -> bool:
    """Tell whether a job had about as much memory as it was given, when that was last noted."""
    if usage is None or limits.memory is None:
        return False
    return usage.peak >= _NEARLY_ALL * limits.memory


def parse(line: bytes) -> Sample | None:
    """Read a line of the file; None if it is not a whole one."""
    try:
        return Sample(**json.loads(line))
    except (ValueError, TypeError):
        return None


def thin(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return at most this many samples, evenly spaced in time.

    Of those that are left out and those that stay, the ones with the most memory stay, and the
    last one does.
    """
    if len(samples) <= count:
        return list(samples)
    first, last = samples[0].at, samples[-1].at
    width = (last - first) / (count - 1)
    kept: dict[int, Sample] = {}
    for sample in samples:
        # The clock of a node may be set while a job runs.
        slot = min(max(int((sample.at - first) / width), 0), count - 1) if width > 0 else 0
        if slot not in kept or sample.memory >= kept[slot].memory:
            kept[slot] = sample
    kept[count - 1] = samples[-1]
    return [kept[slot] for slot in sorted(kept)]


def last_sample(file: Path) -> Sample | None:
    """Return the newest sample in a file, reading only the file's end."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(os.fstat(opened.fileno()).st_size - 2 * _LONGEST_LINE, 0))
            lines = opened.read().splitlines()
    except OSError:
        return None
    return next((found for line in reversed(lines) if (found := parse(line))), None)


class UsageReader:
    """Reads a job's samples forward.

    Parameters
    ----------
    file : Path
        The file of samples; it may not be there yet.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._place: tuple[int, int] = (0, 0)
        self._samples: list[Sample] = []

    def read(self, count: int = SHOWN_SAMPLES) -> list[Sample]:
        """Return all samples up to now, oldest first, thinned out to at most this many."""
        try:
            with self._file.open("rb") as opened:
                found = os.fstat(opened.fileno())
                inode, offset = self._place
                if inode != found.st_ino or found.st_size < offset:
                    self._samples, offset = [], 0
                opened.seek(offset)
                data = opened.read()
        except OSError:
            data = b""
        else:
            whole = data[: data.rfind(b"\n") + 1]
            self._place = (found.st_ino, offset + len(whole))
            self._samples += [s for line in whole.splitlines() if (s := parse(line))]
        return thin(self._samples, count)
