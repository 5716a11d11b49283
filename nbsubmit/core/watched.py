"""A live job as it was last seen, and looking at its folder: seldom where nothing can be new."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from nbsubmit.core.answers import NEVER
from nbsubmit.core.backend import Report
from nbsubmit.core.errors import FolderError, OtherFormat
from nbsubmit.core.found import NOTHING_FOUND, Found, look, of_waiting
from nbsubmit.core.job import Job
from nbsubmit.core.settings import Settings
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.tasks import Listing, TaskFolder, listing

_log = logging.getLogger("nbsubmit")

# A young job is looked at often, an old one less so.
SHORTEST_LOOK, LONGEST_LOOK = 0.125, 2.0
# Of a very young one it is seen even sooner that there is a file more, by which it may have ended:
# what lasts a second is seen 10 ms late and not 60. Such a glance takes a fiftieth of a look.
_SHORTEST_GLANCE = SHORTEST_LOOK / 16
# Some disks tell times to the second, and a few to two.
_COARSEST_CLOCK = 2.5
# So long what a disk that is far away says of a folder is taken for what it is.
_LONGEST_BELIEVED = 15.0
# A suspended job is silent too, so it takes long before a job is given up for its silence alone.
_LONGEST_SILENCE = 1000


@dataclass
class Watched:
    """A live job and what has been seen of it so far.

    Times are a monotonic clock's. ``beat`` is the time of the last beat by the node's clock, which
    may be any; only that it changes counts. ``answered`` is the time of the last question to which
    it has taken the answer.
    """

    job: Job
    since: float
    next_look: float = 0.0
    report: Report | None = None
    doubt_since: float | None = None
    beat: int = 0
    beat_seen: float = 0.0
    answered: float = NEVER
    found: Found = NOTHING_FOUND
    stopped: float | None = None
    # The backend is asked whether it was started at all, and when that was begun.
    search: Future[None] | None = None
    searched: float = NEVER
    # When its folder was changed last, by the disk's clock, and since when that is known.
    changed: int = 0
    changed_seen: float = 0.0
    read: float = NEVER
    # Which files were in it then, and when that was last seen to be so.
    names: frozenset[str] = frozenset()
    listed: float = NEVER
    # What it was last judged by, and how; None if the time that goes by counts too.
    judged: tuple[Found, Report | None, Status] | None = None

    # What is looked at most often, as text: to make that of the beat each time takes twice as
    # long as to look.

    @functools.cached_property
    def path(self) -> str:
        return str(self.job.folder.path)

    @functools.cached_property
    def beat_file(self) -> str:
        return str(self.job.folder.beat_file)


def look_where_there_is_news(due: Sequence[Watched], now: float) -> list[Watched]:
    """Look at jobs, and return those that may have changed; of tasks, one listing tells."""
    looked_at: list[Watched] = []
    listings: dict[Path, Listing] = {}
    # Of each pack, and of all tasks of an array that is not packed.
    waiting: dict[tuple[Path, int], tuple[Found, int]] = {}
    for one in due:
        folder = one.job.folder
        if _is_as_it_was(one, now):
            one.next_look = _next_look(one, now)
            continue
        if isinstance(folder, TaskFolder):
            if folder.whole not in listings:
                listings[folder.whole] = _listing(folder)
            listed = listings[folder.whole]
            one.next_look = _next_look(one, now)
            if not listed.tells_of(folder.key):
                place = (folder.whole, folder.element if folder.is_packed else 0)
                if place not in waiting:
                    waiting[place] = _waiting(folder, begun=str(place[1]) in listed.packs)
                news, beat = waiting[place]
                _hear(one, beat, now)
                if one.found.handle and not news.not_run and _is_known(news, one.found):
                    continue
                unsent, deserted = folder.unsent()
                known = (one.found.unsent, one.found.deserted)
                if unsent and (unsent, deserted) == known and not news.not_run:
                    continue
                one.found = replace(
                    news,
                    handle=folder.handle(),
                    refusal=folder.refusal(),
                    unsent=unsent,
                    deserted=deserted,
                )
                looked_at.append(one)
                continue
        _look(one, now)
        looked_at.append(one)
    return looked_at


def _waiting(folder: TaskFolder, *, begun: bool) -> tuple[Found, int]:
    """What is known of each task that has not started, or of those of one pack; and its beat."""
    try:
        beat = changed_at(str(folder.beat_file)) if begun else 0
        return of_waiting(folder, begun=begun), beat
    except (OSError, FolderError):  # each finds out by itself when it starts
        return NOTHING_FOUND, 0


def _is_known(news: Found, found: Found) -> bool:
    """Tell whether the same was found of a task's pack before; there may be none."""
    return (news.packed, news.in_turn, news.exit_code, news.queued_again) == (
        found.packed, found.in_turn, found.exit_code, found.queued_again
    )  # fmt: skip


def look_soon_at_what_follows(watched: Sequence[Watched], now: float) -> None:
    """Have those looked at next that start after others: one of these has ended."""
    for one in watched:
        if one.found.follows:
            one.next_look = now


def _listing(folder: TaskFolder) -> Listing:
    try:
        return listing(folder.job)
    except OSError:
        return Listing(cancelled=True)  # each has to find out by itself


def give_up_the_silent(watched: Sequence[Watched], settings: Settings, now: float) -> None:
    """Take a long silence for an end where there is nobody to ask."""
    for one in watched:
        silent_since = max(one.beat_seen, one.since)
        if now - silent_since > _LONGEST_SILENCE * settings.beat_seconds:
            one.report = Report(None)


def _look(one: Watched, now: float) -> None:
    if not _may_be_read_later(one, now):
        read(one, now)
    _hear(one, changed_at(one.beat_file) if one.found.node or one.beat else 0, now)
    one.next_look = _next_look(one, now)


def _hear(one: Watched, beat: int, now: float) -> None:
    """Take note of the last beat."""
    if beat == one.beat:
        return
    one.beat, one.beat_seen = beat, now
    if one.report is not None and not (one.report.state and one.report.state.ended):
        one.report = None  # the job has shown since then that it is alive


def _is_as_it_was(one: Watched, now: float) -> bool:
    """Tell whether a folder that was read just now has no file more or less.

    To list it is to ask the disk, also one that is far away: of a file that was not there it may
    go on to believe so for half a minute.
    """
    if now - one.read >= SHORTEST_LOOK or isinstance(one.job.folder, TaskFolder):
        return False
    return _names_in(one.path) == one.names


def _names_in(path: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(path))  # noqa: PTH208  # a Path takes three times as long
    except OSError:
        return frozenset()


def _may_be_read_later(one: Watched, now: float) -> bool:
    """Tell whether a look at the folder itself shows that nothing in it is new.

    Each file that tells of a change appears in it, and so changes its time. That is trusted when
    it has stood for longer than a disk's clock may tick: of a hundred jobs that wait each second
    look would read as many folders again. From time to time it is listed, by which a disk that is
    far away tells the time anew; that takes a tenth of reading it.
    """
    is_in_doubt = one.found.follows or one.doubt_since is not None
    if is_in_doubt or isinstance(one.job.folder, TaskFolder):
        return False
    if one.found.node and now - one.read >= _LONGEST_BELIEVED:
        return False  # what it uses is added to a file that is there, and shows in no folder's time
    if now - one.listed >= _LONGEST_BELIEVED:
        if _names_in(one.path) != one.names:
            return False
        one.listed = now
    changed = changed_at(one.path)
    if not changed:
        return False
    if changed != one.changed:
        one.changed, one.changed_seen = changed, now
    return one.read >= one.changed_seen + _COARSEST_CLOCK


def read(one: Watched, now: float) -> None:
    """Read what a job's folder says now; of one that is over, the end of its log too."""
    one.read = now
    if not isinstance(one.job.folder, TaskFolder):
        one.names, one.listed = _names_in(one.path), now
    over = one.report is not None and (one.report.state is None or one.report.state.ended)
    handle = one.found.handle
    try:
        found = look(one.job.folder, over=over)
        # While somebody deletes the folder the file may be gone and others are still there.
        one.found = found if found.handle else replace(found, handle=handle)
    except FolderError as error:
        left = f"; it may run on as {one.job.spec.get('backend')} job {handle}" if handle else ""
        advice = f"see what happened to the folder{left}"
        advice = "" if isinstance(error, OtherFormat) else advice
        one.found = Found(handle, end=Status(JobState.LOST, str(error), advice))
    except OSError:
        one.read = one.listed = NEVER
        _log.debug("the folder of job %s cannot be read now", one.job.id, exc_info=True)


def _next_look(one: Watched, now: float) -> float:
    """Return the next time at which jobs of its age are looked at: all of them at once.

    One that waited for long and has started is young again. To go through a thousand jobs for the
    sake of the one that is due takes longer than to look: 3.6 ms and 23 µs.
    """
    spacing = SHORTEST_LOOK if isinstance(one.job.folder, TaskFolder) else _SHORTEST_GLANCE
    age = now - max(one.since, one.changed_seen)
    while 2 * spacing <= min(age / 50, LONGEST_LOOK):
        spacing *= 2
    return (now // spacing + 1) * spacing


def changed_at(path: str) -> int:
    """Return when a file was changed last, by the disk's clock; 0 if there is none."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116  # a Path takes three times as long
    except OSError:
        return 0
