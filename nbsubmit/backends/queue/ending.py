"""Ending jobs with all that they started."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import psutil

from nbsubmit.backends.queue.processes import Process, is_alive, look, tell

_PATIENCE_SECONDS = 5.0
# How long a worker has the signal to itself before the processes that its cell started get it.
_FIRST_SECONDS = 0.2


def end(roots: Sequence[Process]) -> None:
    """End scripts and all that they started; by force what does not go."""
    roots = [root for root in roots if is_alive(root)]
    # The scripts pass the signal on to their workers, which must not get it twice.
    told = set(roots)
    _ask_to_end(roots)
    _wait_for_end(roots, time.monotonic() + _FIRST_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        family = set(_family(roots))
        workers = {child for root in roots if is_alive(root) for child in _children_of(root)}
        _ask_to_end(family - workers - told)
        told |= family - workers
        if not family or time.monotonic() > deadline:
            break
        _wait_for_end(list(family), time.monotonic() + _FIRST_SECONDS)
    for process in _family(roots):
        tell([process], signal.SIGKILL)


def _ask_to_end(processes: Iterable[Process]) -> None:
    for process in processes:
        tell([process], signal.SIGTERM)
        tell([process], signal.SIGCONT)


def _wait_for_end(processes: Sequence[Process], deadline: float) -> None:
    while any(is_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.01)


def _family(roots: Sequence[Process]) -> Iterator[Process]:
    """Return the living among the roots, their descendants, and what is in their sessions.

    A process whose parent has ended is nobody's descendant any more, and still in the session.
    """
    seen = {root for root in roots if is_alive(root)}
    for root in list(seen):
        seen |= set(_children_of(root, recursive=True))
    sessions = {root.pid for root in roots}
    for pid in psutil.pids():
        with suppress(OSError):
            if os.getsid(pid) in sessions:
                found = look(pid)
                if found and found[1] not in "ZX":
                    seen.add(Process(pid, found[0]))
    return iter(seen)


def _children_of(process: Process, *, recursive: bool = False) -> Iterator[Process]:
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=recursive):
            found = look(child.pid)
            if found and found[1] not in "ZX":
                yield Process(child.pid, found[0])
