"""What a backend has answered, in a file by which the user's processes on a machine share it.

Who asks, asks for the jobs of all, and everybody reads the answer: however many notebooks are open,
there is one question in the time that one may take: in an hour of 29 jobs 65, with one notebook or
with three. Times in the file are those of the day.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbsubmit.core.backend import Report
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import PRIVATE_FILE, PRIVATE_FOLDER, write_whole
from nbsubmit.core.state import JobState
from nbsubmit.core.trust import open_own

_log = logging.getLogger("nbsubmit")

NEVER = float("-inf")
# For longer, the file would be read and written for too long: a thousand take 9 and 6 ms.
_MOST_SHARED = 2_000
# A file that is written twice within a tick of the clock may look the same, for it can have the
# number of one that has gone. Only one that was left alone for so long is taken for known: a
# look takes 7 µs.
_SURE_SECONDS = 1.0
# Whoever is about to ask waits so long for another one who does.
_TURN_SECONDS = 1.0


@dataclass(frozen=True)
class Answer:
    """What a backend has said, or that it could not be asked.

    Attributes
    ----------
    put, at : float
        When it was asked, and when it answered.
    failures : int
        How often it could not be asked since it last could.
    trouble : str
        Why it could not be asked; empty if it could.
    reports : mapping
        Handle → what it said.
    """

    put: float
    at: float
    failures: int = 0
    trouble: str = ""
    reports: Mapping[str, Report] = field(default_factory=dict)


@dataclass(frozen=True)
class Shared:
    """What is in the file.

    Attributes
    ----------
    answer : Answer or None
        The last one.
    wanted : mapping
        Handles → until when somebody wants to know of them.
    """

    answer: Answer | None = None
    wanted: Mapping[str, float] = field(default_factory=dict)


class AnswerFile:
    """The file of one backend.

    Parameters
    ----------
    path : Path
        Where it is.
    clock : callable
        The time of day in seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self._read = Shared()
        self._signature: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def read(self) -> Shared:
        """Return what is there; nothing if there is none, or if it is not surely the user's."""
        with self._lock:
            try:
                found = self.path.stat()
                signature = found.st_ino, found.st_mtime_ns
                if signature != self._signature:
                    is_new = time.time() - found.st_mtime < _SURE_SECONDS
                    self._signature, self._read = None if is_new else signature, Shared()
                    self._read = _parsed(_data(self.path))
            except FileNotFoundError:
                self._signature, self._read = None, Shared()
            except (FolderError, OSError, ValueError, TypeError, KeyError, AttributeError):
                # Of another release, or somebody else's: it is written anew with the next answer.
                _log.debug("%s is not what nbsubmit wrote there", self.path, exc_info=True)
            return self._read

    def write(self, shared: Shared) -> None:
        """Write it whole; where that cannot be done each process has what it has itself."""
        answer = shared.answer
        size = len(shared.wanted) + (len(answer.reports) if answer else 0)
        if size > _MOST_SHARED:
            return
        told = answer and {**vars(answer), "reports": _told(answer.reports)}
        text = json.dumps({"answer": told, "wanted": dict(shared.wanted)}).encode()
        try:
            self._make_folder()
            write_whole(self.path, lambda out: out.write(text))
        except OSError:
            _log.debug("%s cannot be written", self.path, exc_info=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Be the only process that asks; False if another one does."""
        try:
            self._make_folder()
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            lock = os.open(self.path.with_suffix(".lock"), flags, PRIVATE_FILE)
        except OSError:  # nobody can be kept waiting
            yield True
            return
        try:
            yield _locked(lock)
        finally:
            os.close(lock)

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def _data(path: Path) -> dict[str, Any]:
    """Return what is in the file, which nobody else may read or write."""
    with open_own(path) as opened:
        mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
        if mode & ~PRIVATE_FILE:
            raise FolderError(f"others may read {path} (mode {mode:o}): delete it")
        data: dict[str, Any] = json.loads(opened.read())
    return data


def _told(reports: Mapping[str, Report]) -> dict[str, dict[str, Any]]:
    """Of each, the state and what is not as in a report that says nothing.

    Of a thousand waiting jobs it is written and read for a quarter of what all of it takes.
    """
    nothing = vars(Report(None))
    return {
        handle: {"state": report.state}
        | {name: value for name, value in vars(report).items() if value != nothing[name]}
        for handle, report in reports.items()
    }


def _parsed(data: Mapping[str, Any]) -> Shared:
    wanted = {str(handle): float(until) for handle, until in data["wanted"].items()}
    told = data["answer"]
    if told is None:
        return Shared(None, wanted)
    reports = {str(handle): _report(each) for handle, each in told["reports"].items()}
    return Shared(Answer(**{**told, "reports": reports}), wanted)


def _report(told: Mapping[str, Any]) -> Report:
    state = told["state"]
    return Report(**{**told, "state": None if state is None else JobState(state)})


def _locked(lock: int) -> bool:
    """Lock a file, and tell whether that was done in time."""
    deadline = time.monotonic() + _TURN_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        except OSError:  # there are no locks here
            return True
        else:
            return True
