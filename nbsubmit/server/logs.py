"""A piece of a job's log: from a byte on, bounded, and whole characters only."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

from nbsubmit.core.errors import UnknownJob
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.harmless import printed
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import name_of
from nbsubmit.core.trust import open_own

STREAMS = ("stdout", "stderr")
# So much is read at once, by default and at most.
USUAL_BYTES, MOST_BYTES = 64 << 10, 1 << 20
# A sequence to the terminal is no longer than this, or none; less is never read at once.
_LONGEST_SEQUENCE, _LEAST_BYTES = 256, 512
# So many tasks are named.
_MOST_TASKS = 1000
# The beginning of a sequence, of which the end may be still to come.
_BEGUN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\n]*\x1b?|[ -/]*)?$")


@dataclass(frozen=True)
class Range:
    """Which piece of a log is wanted.

    Attributes
    ----------
    stream : str
        One of `STREAMS`.
    offset : int
        From which byte on.
    limit : int
        So many bytes at most; by default 64 KiB, and never more than 1 MiB.
    tail : int
        So many bytes of the end instead, from the beginning of a line; 0 for none, 1 MiB at most.
    task : str
        Which task's log, of a job that has tasks; empty for the one that tells most.
    """

    stream: str = STREAMS[0]
    offset: int = 0
    limit: int = USUAL_BYTES
    tail: int = 0
    task: str = ""


def read(job: Job, wanted: Range) -> dict[str, Any]:
    """Return a piece of a job's log.

    Parameters
    ----------
    job : Job
        The job.
    wanted : Range
        Which piece.

    Returns
    -------
    dict
        ``text``; ``offset`` and ``next``, from which byte on it is and the one behind it; ``size``
        of the log, in bytes; ``live``, whether more may come; ``task``, whose log it is, and
        ``tasks``, all that there are, up to 1000; empty for a job that has none.

    Raises
    ------
    UnknownJob
        If it has no such task.
    FolderError
        If somebody else could have written the log.
    OSError
        If it cannot be read.
    """
    part = _part(job, wanted.task)
    folder, live = part.folder, not part.status.state.ended
    text, start, end, size = _read(folder, wanted, live=live)
    return {
        "text": text,
        "offset": start,
        "next": end,
        "size": size,
        "live": live,
        "task": "" if part is job else name_of(part.folder),
        "tasks": [name_of(each.folder) for each in _tasks(job)[:_MOST_TASKS]],
    }


def _tasks(job: Job) -> list[Job]:
    return [part for part in job.parts if part is not job]


def _part(job: Job, task: str) -> Job:
    """Return the task whose log is wanted: if none is named, the first that failed or runs."""
    tasks = _tasks(job)
    if task:
        found = next((each for each in tasks if name_of(each.folder) == task), None)
        if found is None:
            raise UnknownJob(f"job {job.id} has no task {task!r}: there are {len(tasks)}")
        return found
    failed = (t for t in tasks if t.is_over and t.status.state is not JobState.COMPLETED)
    begun = (t for t in tasks if t.found.node)
    return next(failed, None) or next(begun, None) or (tasks[0] if tasks else job)


def _read(folder: JobFolder, wanted: Range, *, live: bool) -> tuple[str, int, int, int]:
    """Return the text, where it begins and ends in the file, and the file's size."""
    path = folder.log_out if wanted.stream == STREAMS[0] else folder.log_err
    folder.check()
    try:
        file = open_own(path)
    except FileNotFoundError:  # of a task that has not started
        return "", 0, 0, 0
    with file:
        size = file.seek(0, 2)
        start = min(wanted.offset, size)
        if wanted.tail:
            start = _line_before(file, max(size - min(wanted.tail, MOST_BYTES), 0))
        file.seek(start)
        data = file.read(min(max(wanted.limit, _LEAST_BYTES), MOST_BYTES))
        size = max(size, start + len(data))
    skipped = _continued(data) if start else 0
    is_last = not live and start + len(data) >= size
    text, used = _whole(data[skipped:], is_last=is_last)
    return printed(text, goes_on=True), start + skipped, start + skipped + used, size


def _line_before(file: BinaryIO, start: int) -> int:
    """Return where the first line begins after a place; the place itself if that is far away."""
    if start == 0:
        return 0
    file.seek(start - 1)
    before = file.read(_LONGEST_LINE)
    cut = before.find(b"\n")
    return start if cut < 0 else start + cut


_LONGEST_LINE = 16 << 10


def _continued(data: bytes) -> int:
    """Return how many bytes at the beginning belong to a character that began before them."""
    count = 0
    while count < min(len(data), 3) and data[count] & 0xC0 == 0x80:
        count += 1
    # More of them belong to no character.
    return 0 if count == 3 and len(data) > 3 and data[3] & 0xC0 == 0x80 else count


def _whole(data: bytes, *, is_last: bool) -> tuple[str, int]:
    """Return the text of whole characters and sequences, and of how many bytes it is."""
    used = len(data)
    if not is_last:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        decoder.decode(data)
        used -= len(decoder.getstate()[0])
        begun = _BEGUN.search(data[:used], max(used - _LONGEST_SEQUENCE, 0))
        used = begun.start() if begun else used
    return data[:used].decode("utf-8", "replace"), used
