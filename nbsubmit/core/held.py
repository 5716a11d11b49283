"""Which jobs some process still has open: a notebook that waits for one, a script that sent one.

Each process has one file in the store, which it keeps locked for as long as it lives and in which
it writes the ids. The lock goes with the process however that ends, so what a killed kernel has
left holds nothing. Where locks do not reach from machine to machine, a file of another machine
counts for a day after something was last written to it.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import logging
import os
import platform
import time
from contextlib import suppress
from pathlib import Path

from nbsubmit.core.folder import PRIVATE_FILE, PRIVATE_FOLDER, JobFolder

_log = logging.getLogger("nbsubmit")

_FOLDER = "held"
_DAY = 24 * 3600.0
_holders: dict[Path, Holder] = {}


class Holder:
    """The file of this process in one store.

    Parameters
    ----------
    store : Path
        The store.
    """

    def __init__(self, store: Path) -> None:
        folder = store / _FOLDER
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        held(store)  # what others have left goes
        self._ids: set[str] = set()
        while True:
            self.path = folder / f"{platform.node()}+{os.getpid()}+{os.urandom(4).hex()}"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._file = os.open(self.path, flags, PRIVATE_FILE)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            except OSError:
                _log.debug("%s cannot be locked", self.path, exc_info=True)
            # Before it was locked it looked like one that a dead process has left.
            if os.fstat(self._file).st_nlink:
                break
            os.close(self._file)

    def add(self, job_id: str) -> None:
        """Hold one more job."""
        if job_id not in self._ids:
            os.write(self._file, f"{job_id}\n".encode())
            self._ids.add(job_id)

    def close(self) -> None:
        """Hold nothing more."""
        self.path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Have nothing more to do with the file; its lock is that of whoever else has it open."""
        os.close(self._file)


def hold(folder: JobFolder) -> None:
    """Have a job kept for as long as this process lives.

    A store that cannot be written to keeps nobody from looking at a job.
    """
    store = folder.store
    try:
        mine = _mine(store) or _holders.setdefault(store, Holder(store))
        mine.add(folder.whole.name)
    except OSError:
        _log.debug("%s cannot be written to", store / _FOLDER, exc_info=True)


def held(store: Path, *, by_others: bool = False) -> set[str]:
    """Return the ids of the jobs that a process has open; what dead ones have left is removed.

    Parameters
    ----------
    store : Path
        The store.
    by_others : bool
        Leave out those that this very process alone has open.
    """
    mine = _mine(store)
    found: set[str] = set()
    try:
        files = sorted((store / _FOLDER).iterdir())
    except FileNotFoundError:
        return found
    for file in files:
        if mine is not None and file == mine.path:
            found |= set() if by_others else set(file.read_text().split())
        elif _is_alive(file):
            found |= set(file.read_text().split())
    return found


def _mine(store: Path) -> Holder | None:
    return _holders.get(store)


def _is_alive(file: Path) -> bool:
    """Tell whether the process is there whose file it is; if it is not, the file goes."""
    try:
        opened = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_here = file.name.partition("+")[0] == platform.node()
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return True
        is_here = False  # there are no locks
    else:
        if is_here:
            file.unlink(missing_ok=True)
            return False
    finally:
        is_young = time.time() - os.fstat(opened).st_mtime < _DAY
        os.close(opened)
    if not is_young:
        file.unlink(missing_ok=True)
    return is_young


def _leave_to_parent() -> None:
    """A child that is forked and outlives its parent is not to hold what that had open."""
    for holder in _holders.values():
        holder.leave()
    _holders.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


@atexit.register
def _close_all() -> None:
    for holder in _holders.values():
        with suppress(OSError):  # the store may be out of reach by now
            holder.close()
