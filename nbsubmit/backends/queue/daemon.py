"""The process that takes turns while there is need of it, and then ends by itself.

It can be killed at any time: what runs goes on, and the next client that looks starts another.
"""

from __future__ import annotations

import threading
import time

from nbsubmit.backends.queue import processes
from nbsubmit.backends.queue.ending import end
from nbsubmit.backends.queue.place import QueueFolder, State
from nbsubmit.backends.queue.turn import due_signals, has_daemon, runs, turn
from nbsubmit.core.state import JobState

# A next job often comes soon after the last.
_LINGER_SECONDS = 3.0
# How long a change that somebody else made to the state can go unseen.
_LOOK_SECONDS = 0.05


def serve(queue: QueueFolder) -> None:
    """Take turns until nothing has waited or run for a while, or another process does."""
    me = processes.myself()
    with queue.lock():
        state = queue.read()
        if state.daemon != me and has_daemon(state):
            return
        state.daemon = me
        queue.sweep(state)
        queue.write(state)
    ending: set[str] = set()
    idle_since: float | None = None
    while True:
        with turn(queue) as state:
            if state.daemon != me:
                return
            now = time.monotonic()
            due = due_signals(state, now)
            idle_since = None if state.entries else idle_since or now
            if idle_since is not None and now - idle_since >= _LINGER_SECONDS:
                state.daemon = None
        if state.daemon is None:
            return
        _end_those_out_of_time(state, ending)
        _wait_for_news(queue, state, min(due, now + _LINGER_SECONDS))


def _end_those_out_of_time(state: State, ending: set[str]) -> None:
    for run in runs(state):
        if run.ends_as is JobState.TIMEOUT and run.token not in ending:
            ending.add(run.token)
            threading.Thread(target=end, args=(run.processes,), daemon=True).start()


def _wait_for_news(queue: QueueFolder, state: State, until: float) -> None:
    """Wait until a process ends, the state is changed by somebody, or the time has come."""
    alive = [p for run in runs(state) for p in run.processes if processes.is_alive(p)]
    with processes.watching(alive) as one_ends:
        while time.monotonic() < until:
            if one_ends(_LOOK_SECONDS) or queue.has_changed():
                return
