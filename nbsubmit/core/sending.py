"""An array goes to the backend in as many parts as it takes.

How many tasks there is room for only the backend knows, and it may not tell. So a part that is too
many for it is halved until it is taken. What is left is noted, for `nbsubmit.core.rest` to send.
"""

from __future__ import annotations

import logging
import os
import platform
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from nbsubmit.core.backend import Backend
from nbsubmit.core.errors import SubmitError, TooMany
from nbsubmit.core.folder import JobFolder, write_whole
from nbsubmit.core.parts import Part, Rest, rest_of, write_parts, write_rest
from nbsubmit.core.spec import Launch

_log = logging.getLogger("nbsubmit")


def send(folder: JobFolder, backend: Backend, launch: Launch) -> None:
    """Send all of a new array that the backend takes.

    Raises
    ------
    SubmitError
        If it takes nothing, or refuses some for good; nothing runs then.
    """
    round_ = Round(folder, backend, launch, new_token())
    try:
        round_.send(launch.count or 0)
    except BaseException:
        for part in round_.parts:  # all of it or nothing
            _take_back(part, backend)
        folder.sending_file.unlink(missing_ok=True)
        folder.launch_file.unlink(missing_ok=True)
        raise
    rest = rest_of(folder)
    if rest is not None:  # which anybody may send who watches the job
        write_rest(folder, replace(rest, by=""))


def _take_back(part: Part, backend: Backend) -> None:
    """Have a part ended of an array that is not to run; why it is not is the error to be told."""
    try:
        backend.stop(part.handle)
    except (OSError, SubmitError) as error:
        # Whatever of it starts from now on finds that the array was refused.
        _log.warning(
            "%s job %s could not be cancelled (%s): tasks of it that have not started end at once "
            "when they do",
            backend.name,
            part.handle,
            error,
        )


class Round:
    """One attempt to hand over as many tasks as there is room for.

    Parameters
    ----------
    folder : JobFolder
        The whole job's.
    backend : Backend
        What runs it.
    launch : Launch
        How to start the whole array.
    token : str
        Who does it: the rest is sent by one at a time.
    parts : iterable of Part
        What the backend has already.
    """

    def __init__(
        self,
        folder: JobFolder,
        backend: Backend,
        launch: Launch,
        token: str,
        parts: Iterable[Part] = (),
    ) -> None:
        self.parts = list(parts)
        self._folder = folder
        self._backend = backend
        self._launch = launch
        self._token = token
        self._count = launch.count or 0
        self._is_new = not self.parts and rest_of(folder) is None

    def send(self, many: int, left_out: frozenset[int] = frozenset()) -> None:
        """Send so many tasks, or as many of them as are taken; some are not to be sent at all.

        Raises
        ------
        Refused
            If they are refused for another reason than their number; or all of a new array.
        """
        size, end = many, many
        while end > 0 and (first := self._next(left_out)) is not None:
            some = min(size, end, self._run(first, left_out))
            try:
                if not self._hand_over(first, some):
                    return
            except TooMany as error:
                if some == 1 and self._is_new and not self.parts:
                    raise
                self._note_rest(error.most)
                if some == 1:
                    return
                size = some // 2
                continue
            end -= some
            if size < many:
                # Twice as many were not taken, so there is not room for as many again.
                size = min(max(some // 2, 1), self._room())
                if not size:
                    return

    def _room(self) -> int:
        alive = [part.count for part in self.parts if part.handle]
        return self._count if self._launch.parallel is None else room(alive, self._launch.parallel)

    def _next(self, left_out: frozenset[int]) -> int | None:
        """Return the first task to be sent, past those that are not to be; None if none is left."""
        first = end = self.parts[-1].end if self.parts else 0
        while end in left_out:
            end += 1
        if end > first:
            self._add(Part(first, end - first, ""))
        return end if end < self._count else None

    def _run(self, first: int, left_out: frozenset[int]) -> int:
        """Return how many tasks from this one on can be of one part."""
        block = self._launch.part or self._count
        end = min(self._count, first - first % block + block)
        return next((n for n in range(first, end) if n in left_out), end) - first

    def _hand_over(self, first: int, count: int) -> bool:
        """Hand over a part, and tell whether to go on."""
        script = self._launch.script_of(first)
        part = replace(self._launch, first=first, count=count, script=script)
        write_script(script, part, self._backend)
        rest = rest_of(self._folder)
        if rest is not None:
            if rest.by != self._token or self._folder.is_cancelled():
                return False
            write_rest(self._folder, replace(rest, first=first, count=count, trouble=""))
        handle = self._backend.start(part)
        self._add(Part(first, count, handle))
        if rest is not None and self._folder.is_cancelled():
            self._backend.stop(handle)
            return False
        return True

    def _add(self, part: Part) -> None:
        self.parts.append(part)
        write_parts(self._folder, self._backend.name, self.parts, time.time())

    def _note_rest(self, most: int | None) -> None:
        rest = rest_of(self._folder)
        if rest is None:
            self._folder.write_json(self._folder.launch_file, self._launch.to_json())
            rest = Rest(by=self._token, host=platform.node(), pid=os.getpid())
        write_rest(self._folder, replace(rest, most=rest.most if most is None else most))


def new_token() -> str:
    """Return what tells apart who sends the rest of an array."""
    return secrets.token_hex(8)


def write_script(file: Path, launch: Launch, backend: Backend) -> None:
    """Write the script that starts a job, or a part of an array."""
    text = backend.script(launch).encode()
    write_whole(file, lambda out: out.write(text))


def room(alive: Sequence[int], parallel: int) -> int:
    """Return how many tasks can be sent so that not too many run at once.

    Each part sees to that by itself alone.
    """
    return max(parallel - sum(min(parallel, count) for count in alive), 0)
