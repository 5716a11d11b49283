"""Processes, told apart for certain: a pid together with the moment it was born.

A pid alone may long be somebody else's. Nothing here looks at a process's name.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """One process and no other.

    Parameters
    ----------
    pid : int
        Its number, which the kernel gives away again later.
    birth : str
        The boot it belongs to and its start in clock ticks since then. (psutil's create time
        is computed from the wall clock, and moves when that is set.)
    """

    pid: int
    birth: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """Tell who has this pid now; None when nobody does, or only a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return None
        # The second field is the program's name in brackets, and may itself hold ") ".
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, f"{_boot()}/{fields[19]}")

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return Identity.of(self.pid) == self

    def send(self, signum: int) -> None:
        """Signal it, if it is still there."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signum)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def myself() -> Identity:
    """Tell who the calling process is."""
    me = Identity.of(os.getpid())
    assert me is not None, "a running process has an entry in /proc"  # noqa: S101
    return me


def descendants(pid: int) -> list[Identity]:
    """All that live below a process: its children, theirs, and orphans that came to it."""
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    found = (Identity.of(process.pid) for process in below)
    return [identity for identity in found if identity is not None]


def listens(pid: int, port: int) -> bool:
    """Whether this very process has opened this TCP port, as no connect could tell."""
    try:
        process = psutil.Process(pid)
        # psutil 6 renamed it and lets the old name warn.
        name = "net_connections" if hasattr(process, "net_connections") else "connections"
        sockets = getattr(process, name)(kind="tcp")
    except psutil.Error:
        return False
    return any(s.status == psutil.CONN_LISTEN and s.laddr.port == port for s in sockets)


def wait_until(condition: Callable[[], bool], seconds: float, pause_seconds: float = 0.02) -> bool:
    """Look again and again until the condition holds; False when the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause_seconds)
    return True


def kill_all(identities: Iterable[Identity], seconds: float = 10) -> list[Identity]:
    """Kill these and all below them; return those that are still there when the time is over."""
    roots = list(identities)
    known = set(roots)

    def none_left() -> bool:
        for identity in list(known):
            if identity.alive:
                known.update(descendants(identity.pid))
                identity.send(signal.SIGKILL)
        return not any(identity.alive for identity in known)

    none_left() or wait_until(none_left, seconds)
    return [identity for identity in known if identity.alive]


def become_subreaper() -> None:
    """Make orphans from below come to this process instead of to init."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int, signum: int) -> None:
    """Have the kernel signal this process when its parent ends; call it in the child.

    The parent may have ended before the call, so it is looked for afterwards.
    """
    _prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
