"""The parts in which an array is handed over, and the rest that the backend does not take yet.

Both lie in the job's folder, so that whoever looks at the job knows, and whoever watches it can go
on where another one ended.
"""

from __future__ import annotations

import functools
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.record import dataclass

# Whoever sends the rest shows more often than this that it is there.
LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class Part:
    """Some elements of an array that were handed to the backend together: tasks, or packs of them.

    Attributes
    ----------
    first, count : int
        The first of them, and how many there are.
    handle : str
        The backend's id of them all. Empty if it has none of them: they were cancelled before
        they could be sent, or nobody knows any more by what id they were.
    """

    first: int
    count: int
    handle: str

    @property
    def end(self) -> int:
        """The number of the element behind the last."""
        return self.first + self.count


@dataclass(frozen=True)
class Rest:
    """What is known of the elements that have not been sent yet.

    Attributes
    ----------
    most : int or None
        So many jobs of the user's the backend takes at once, as far as known.
    refused : str
        Why they are not going to be sent at all; empty while they are.
    trouble : str
        What came in the way when it was last tried; empty if only the limit did.
    first, count : int
        The part that was last about to be handed over.
    by : str
        Who sends them; empty if anybody may.
    host, pid : str and int
        Where that is, or was.
    seen : int
        When it last showed that it is there, in nanoseconds by the disk's clock.
    """

    most: int | None = None
    refused: str = ""
    trouble: str = ""
    first: int = 0
    count: int = 0
    by: str = ""
    host: str = ""
    pid: int = 0
    seen: int = 0

    # Thousands of tasks ask for what follows, each time that it was read; it takes 4 µs.

    @functools.cached_property
    def reason(self) -> str:
        """Why they have not been sent yet, or are not going to be, for people."""
        if self.refused:
            return self.refused
        if self.trouble:
            return f"not sent yet: {self.trouble}"
        many = "no more" if self.most is None else f"at most {self.most}"
        return f"not sent yet: the cluster takes {many} of your jobs at once"

    @functools.cached_property
    def is_deserted(self) -> bool:
        """Whether nobody seems to send them."""
        return self.sender_is_dead or time.time() - self.seen / 1e9 > LEASE_SECONDS

    @property
    def sender_is_dead(self) -> bool:
        """Whether the process that sent them is known to be gone."""
        if not self.pid or self.host != platform.node():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return False


@dataclass(frozen=True)
class Handed:
    """What was last read of an array.

    Attributes
    ----------
    parts : sequence of Part
        What the backend has, in order.
    count, size : int
        How many elements are in them, and of how many in all; 0 while nothing was read.
    rest : Rest or None
        What is known of those that have not been sent yet.
    """

    parts: Sequence[Part] = ()
    count: int = 0
    size: int = 0
    rest: Rest | None = None

    def find(self, element: int) -> Part | None:
        """Return the part that an element is in."""
        import bisect  # 0.7 ms, and few workers need it

        place = bisect.bisect_right(self.parts, element, key=lambda part: part.first) - 1
        return self.parts[place] if place >= 0 and element < self.parts[place].end else None


def parts_of(job: JobFolder, *, fresh: bool = False) -> Handed:
    """Return the parts of an array; read again only while some are missing.

    Parameters
    ----------
    job : JobFolder
        The whole job's folder.
    fresh : bool
        Read again what may have changed while there is a rest. Without it each of thousands of
        tasks can be asked for its handle.
    """
    handed: Handed = job.__dict__.get("handed", Handed())
    if handed.size and handed.count == handed.size:
        return handed
    if handed.rest is None or fresh:
        # Several threads ask, so that they are given only what is read whole.
        handed = job.__dict__["handed"] = _read(job)
    return handed


def _read(job: JobFolder) -> Handed:
    # What says that there is a rest goes when all is handed over, and is looked for first.
    rest = rest_of(job)
    data = job.read_json(job.handle_file) or {}
    parts = [Part(int(f), int(n), str(h)) for f, n, h in data.get("parts", ())]
    parts.sort(key=lambda part: part.first)
    return Handed(parts, sum(part.count for part in parts), _size(job), rest)


def write_parts(job: JobFolder, backend: str, parts: Sequence[Part], at: float) -> None:
    """Note which tasks the backend has, and by what handles; there is no rest if it has all."""
    job.write_json(
        job.handle_file,
        {
            "backend": backend,
            "handle": next((part.handle for part in parts if part.handle), ""),
            "parts": [[part.first, part.count, part.handle] for part in parts],
            "at": at,
        },
    )
    if parts[-1].end == _size(job):
        job.sending_file.unlink(missing_ok=True)
        job.launch_file.unlink(missing_ok=True)
    job.__dict__.pop("handed", None)


def _size(job: JobFolder) -> int:
    array = job.spec.get("array") or {}
    return -(-int(array.get("count") or 0) // int(array.get("pack", 1)))


def rest_of(job: JobFolder) -> Rest | None:
    """Return what is known of the rest; None if there is none."""
    data = job.read_json(job.sending_file)
    if data is None:
        return None
    try:
        seen = job.sending_file.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return Rest(**_known(data), seen=seen)


def _known(data: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(Rest)} - {"seen"}
    return {name: value for name, value in data.items() if name in names}


def write_rest(job: JobFolder, rest: Rest) -> None:
    """Note what is known of the rest."""
    data = asdict(rest)
    del data["seen"]
    job.write_json(job.sending_file, data)
    job.__dict__.pop("handed", None)
