"""The tasks of an array that the backend did not take at first: sent when others have ended.

Whoever watches the job does it, one process at a time: a file says who, and its time that there
still is somebody.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nbsubmit.core.backend import Backend
from nbsubmit.core.errors import Refused, SubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.parts import (
    LEASE_SECONDS,
    Part,
    Rest,
    parts_of,
    rest_of,
    write_parts,
    write_rest,
)
from nbsubmit.core.sending import Round, new_token, room
from nbsubmit.core.spec import Launch
from nbsubmit.core.tasks import Listing, Shape, TaskFolder, TaskKey, listing
from nbsubmit.core.trust import read_own

_log = logging.getLogger("nbsubmit")

# Where no task of ours ends it may still be that others make room, or that the limit is raised.
_LONGEST_PAUSE = 60.0
# Two that begin to send at once see after this time which of them does.
_SETTLES = 1.0
_RENEWED = LEASE_SECONDS / 6
# What these say holds for the first tasks, and no more for what follows them.
_OF_THE_BEGINNING = ("dependency", "kill-on-invalid-dep", "begin")


class Sender:
    """Sends what is left of an array, a part at a time.

    Parameters
    ----------
    folder : JobFolder
        The whole job's.
    backend : Backend
        What runs it.
    """

    def __init__(self, folder: JobFolder, backend: Backend) -> None:
        self._folder = folder
        self._backend = backend
        self._token = new_token()
        self._held_since = self._renewed = self._tried = float("-inf")
        self._over: int | None = None
        # So many are tried beyond what there seemed to be room for.
        self._more = 1
        # A part may have been taken without anybody knowing.
        self._is_unsure = False
        self._watched: tuple[str, int, float] = ("", 0, 0.0)

    def go_on(self, over: Sequence[bool], now: float, pause: float) -> None:
        """Send some of the rest, if there is room for it and nobody else does.

        Parameters
        ----------
        over : sequence of bool
            Which elements of the array have ended, by their number.
        now : float
            The time by a monotonic clock.
        pause : float
            The least time between two attempts.
        """
        rest = parts_of(self._folder).rest
        if rest is None or rest.refused or self._folder.is_cancelled() or not self._holds(now):
            return
        ended = sum(over)
        is_quiet = ended == self._over
        if now - self._tried < (max(pause, _LONGEST_PAUSE) if is_quiet else pause):
            return
        self._over, self._tried = ended, now
        try:
            self._send(over, self._more if is_quiet or self._more > 1 else 0)
        except Refused as error:
            self._note(refused=str(error))
        except (OSError, SubmitError) as error:
            _log.debug("no more of job %s could be sent", self._folder.id, exc_info=True)
            self._over, self._is_unsure = None, True
            self._note(trouble=str(error))

    def _send(self, over: Sequence[bool], least: int) -> None:
        if self._is_unsure:
            _find_last(self._folder, self._backend)
            self._is_unsure = False
        handed = parts_of(self._folder, fresh=True)
        if handed.rest is None:
            return
        launch = Launch.from_json(json.loads(read_own(self._folder.launch_file)))
        alive = _alive(handed.parts, over)
        many = _room(alive, handed.rest.most, launch.parallel, least)
        sent = self._send_some(many, launch, handed.parts) if many else 0
        is_more = 0 < many <= sent and sum(alive) + sent > (handed.rest.most or 0)
        self._more = 2 * self._more if is_more else 1
        if is_more:
            self._over = None
            self._note(most=sum(alive) + sent)

    def _send_some(self, many: int, launch: Launch, parts: Sequence[Part]) -> int:
        """Send so many tasks, or as many of them as are taken; return how many were."""
        found = listing(self._folder)
        launch = _later(launch) if found.ended else launch
        round_ = Round(self._folder, self._backend, launch, self._token, parts)
        round_.send(many, _cancelled(self._folder, found))
        return sum(part.count for part in round_.parts[len(parts) :] if part.handle)

    def _note(self, **changed: Any) -> None:
        rest = rest_of(self._folder)
        if rest is not None:
            write_rest(self._folder, replace(rest, **changed))

    def _holds(self, now: float) -> bool:
        """Tell whether it is this one that sends; it takes that over if nobody does."""
        rest = rest_of(self._folder)
        if rest is None:
            return False
        if rest.by == self._token:
            if now - self._renewed > _RENEWED:
                os.utime(self._folder.sending_file)
                self._renewed = now
            return now - self._held_since >= _SETTLES
        if rest.by and not rest.sender_is_dead and not self._is_silent(rest, now):
            return False
        self._is_unsure = bool(rest.by)
        self._held_since = self._renewed = now
        mine = replace(rest, by=self._token, host=platform.node(), pid=os.getpid())
        write_rest(self._folder, mine)
        return False

    def _is_silent(self, rest: Rest, now: float) -> bool:
        """Tell whether the one who sends has shown nothing for long, whatever its clock says."""
        by, seen, since = self._watched
        if (by, seen) != (rest.by, rest.seen):
            self._watched = (rest.by, rest.seen, now)
            return False
        return now - since > LEASE_SECONDS


def handles_of(folder: JobFolder, backend: Backend) -> list[str]:
    """Return the handles of all parts of an array, also of one that nobody could note.

    Raises
    ------
    OSError
        If the backend could not be asked.
    """
    handed = parts_of(folder, fresh=True)
    found = [part.handle for part in handed.parts]
    if handed.rest is not None:
        found += backend.find(folder.id).values()
    return [handle for handle in dict.fromkeys(found) if handle]


def _alive(parts: Sequence[Part], over: Sequence[bool]) -> list[int]:
    """Return how many tasks of each part have not ended."""
    return [part.count - sum(over[part.first : part.end]) for part in parts if part.handle]


def _room(alive: Sequence[int], most: int | None, parallel: int | None, least: int) -> int:
    """Return for how many tasks there may be room; at least so many are tried."""
    if most is None or not any(alive):
        least = max(least, 1)
    free = max((most or 0) - sum(alive), least)
    return free if parallel is None else min(free, room(alive, parallel))


def _later(launch: Launch) -> Launch:
    """Return how to start what comes after others of the same array."""
    extra = launch.resources.extra
    kept = {name: value for name, value in extra.items() if name not in _OF_THE_BEGINNING}
    resources = replace(launch.resources, extra=kept)
    return replace(launch, resources=resources, after=(), after_any=())


def _find_last(folder: JobFolder, backend: Backend) -> None:
    """Find out whether the part was taken that was handed over last, and note it if it was.

    Raises
    ------
    OSError
        If the backend could not be asked.
    """
    handed = parts_of(folder, fresh=True)
    rest = handed.rest
    if rest is None or not rest.count or handed.find(rest.first) is not None:
        return
    handle = backend.find(folder.id).get(rest.first, "")
    if handle or _has_begun(folder, range(rest.first, rest.first + rest.count)):
        # What has run and is forgotten by the backend must not run once more.
        parts = [*handed.parts, Part(rest.first, rest.count, handle)]
        write_parts(folder, backend.name, parts, time.time())


def _has_begun(folder: JobFolder, elements: range) -> bool:
    found, shape = listing(folder), Shape.of(folder.spec)
    indices = range(elements.start * shape.pack, elements.stop * shape.pack)
    if any(_index(name) in indices for name in found.ended):
        return True
    folders = [_task(folder, name) for name in found.started if _index(name) in indices]
    return any(task.started_file.exists() for task in folders)


def _cancelled(folder: JobFolder, found: Listing) -> frozenset[int]:
    """Return the elements of which all was cancelled before they were sent, task by task."""
    handed, shape = parts_of(folder), Shape.of(folder.spec)
    cancelled: dict[int, set[int]] = {}
    for name in found.started:
        element = shape.element(_index(name))
        if handed.find(element) is None and _task(folder, name).cancel_file.exists():
            cancelled.setdefault(element, set()).add(_index(name))
    return frozenset(e for e, some in cancelled.items() if len(some) == len(shape.members(e)))


def _task(folder: JobFolder, name: str) -> TaskFolder:
    return TaskFolder(folder, TaskKey.of(name), Shape.of(folder.spec))


def _index(name: str) -> int:
    return int(name.partition("_")[0])
