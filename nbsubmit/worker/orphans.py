"""What a task of a pack leaves running: it ends with the task, as it would with an allocation.

A process in a session of its own is reached by no signal to its group, and one whose parent has
ended has init for one. Here it comes to the process from which the tasks are forked.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # of <sys/prctl.h>


def adopt() -> None:
    """Become the parent of all that is orphaned below this process."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def end_with(parent: int) -> None:
    """Have this process killed when the one that has forked it ends."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before
        os.kill(os.getpid(), signal.SIGKILL)


def children() -> Iterator[int]:
    """Yield the processes whose parent this one is; none where the system does not tell."""
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            yield from map(int, (thread / "children").read_bytes().split())


def end(kept: Collection[int]) -> None:
    """Kill all children but those, and what comes to this process by that."""
    while killed := [child for child in children() if child not in kept and _was_killed(child)]:
        for child in killed:
            os.waitpid(child, 0)


def has_ended(task: int) -> bool:
    """Tell whether a child has ended, and forget others that have."""
    while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
        if ended.si_pid == task:
            return True
        os.waitpid(ended.si_pid, 0)
    return False


def _was_killed(child: int) -> bool:
    try:
        os.kill(child, signal.SIGKILL)
    except PermissionError:  # it is somebody else's by now, as with sudo
        return False
    return True


def _prctl(option: int, value: int) -> None:
    # Where there is no such call, things are as they would be without it.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
