"""One turn: note what has ended, start what there is room for, see that somebody goes on.

Everything happens under the lock, and in an order in which it may break off anywhere: a process
waits at its gate until the state says that it runs, and a ticket goes after its entry.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nbsubmit.backends.queue import forks, processes
from nbsubmit.backends.queue.entries import End, Entry, Run
from nbsubmit.backends.queue.machine import LEVEL_VARIABLE, VISIBLE
from nbsubmit.backends.queue.order import Turn, next_turn
from nbsubmit.backends.queue.place import VARIABLE, QueueFolder, State
from nbsubmit.backends.queue.processes import Gated
from nbsubmit.backends.queue.ticket import Ticket
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import LIMITS_VARIABLE, PRIVATE_FOLDER
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import RANK_VARIABLE, RANKS_VARIABLE, TASK_VARIABLE

# What takes turns; it ends at once if another does.
SERVER = (sys.executable, "-m", "nbsubmit.backends.queue")
# A worker that has only just been started does not know yet what the warning means.
_NO_WARNING_SECONDS = 1.0


@contextmanager
def turn(queue: QueueFolder) -> Iterator[State]:
    """Hold the lock for a change to the state, then bring everything else up to date."""
    processes.reap()
    with queue.lock():
        state = queue.read()
        yield state
        ended = _note_ends(queue, state)
        gates = _start_all(queue, state)
        try:
            _see_to_daemon(queue, state)
            over = [key for key, entry in state.entries.items() if entry.is_over]
            for key in over:
                queue.keep_ends(key, state.entries.pop(key))
            queue.write(state)
        finally:
            for gate in gates:
                gate.open()
        for file in ended:
            file.unlink(missing_ok=True)
        for key in over:
            queue.remove_ticket(key)


def is_needed(state: State) -> bool:
    """Tell whether something that the state says is not so any more, or nobody goes on."""
    daemon_missing = _needs_daemon(state) and not has_daemon(state)
    return daemon_missing or any(_has_ended(run) for run in runs(state))


def due_signals(state: State, now: float) -> float:
    """Warn those whose time is nearly over, mark those whose it is, return when the next is due."""
    due = float("inf")
    for entry in state.entries.values():
        if entry.seconds is None:
            continue
        for run in entry.runs.values():
            end = run.since + entry.seconds
            if now >= end:
                run.ends_as = run.ends_as or JobState.TIMEOUT
                continue
            due = min(due, end)
            if entry.warning is None or run.warned:
                continue
            warning = max(end - entry.warning, run.since + _NO_WARNING_SECONDS)
            if now >= warning:
                processes.tell(run.processes, signal.SIGUSR2)
                run.warned = True
            else:
                due = min(due, warning)
    return due


def runs(state: State) -> Iterator[Run]:
    """Return all that runs."""
    for entry in state.entries.values():
        yield from entry.runs.values()


def _has_ended(run: Run) -> bool:
    return not any(processes.is_alive(process) for process in run.processes)


def _note_ends(queue: QueueFolder, state: State) -> list[Path]:
    """Take out the runs that have ended; return the files by which some asked for another."""
    asked: list[Path] = []
    for key, entry in state.entries.items():
        for task, run in list(entry.runs.items()):
            if not _has_ended(run):
                continue
            del entry.runs[task]
            files = _requests(queue, key, task)
            asked += files
            if files and run.ends_as is not JobState.CANCELLED:
                entry.again.append((state.new_place(), task))
            elif run.ends_as:
                entry.ends[task] = End(run.ends_as)
    return asked


def _requests(queue: QueueFolder, key: str, task: int) -> list[Path]:
    """Return the files that are there by which a task asks for being run again."""
    try:
        return [file for file in queue.ticket(key).requeue_files(task) if file.exists()]
    except (OSError, FolderError):  # somebody deleted the ticket: the queue goes on without it
        return []


def _start_all(queue: QueueFolder, state: State) -> list[Gated]:
    """Start all that there is room for, up to the gate."""
    gates: list[Gated] = []
    try:
        while (turn := next_turn(state.entries)) is not None:
            entry = state.entries[turn.key]
            entry.next = max(entry.next, turn.task + 1)
            entry.again = [(order, task) for order, task in entry.again if task != turn.task]
            try:
                run, its_gates = _start(queue, entry, turn)
            except (OSError, FolderError) as error:
                reason = f"the process could not be started: {error}"
                entry.ends[turn.task] = End(JobState.FAILED, reason)
                continue
            gates += its_gates
            entry.runs[turn.task] = run
    except BaseException:
        for gate in gates:
            gate.open()
        raise
    return gates


def _start(queue: QueueFolder, entry: Entry, turn: Turn) -> tuple[Run, list[Gated]]:
    ticket = queue.ticket(turn.key)
    for file in ticket.requeue_files(turn.task):
        file.unlink(missing_ok=True)
    run = Run(secrets.token_hex(8), time.monotonic(), devices=turn.devices)
    gates: list[Gated] = []
    try:
        for rank in range(ticket.ranks):
            gates.append(_start_rank(queue, entry, ticket, run, turn.task, rank))
    except BaseException:
        for gate in gates:
            gate.open()
        raise
    return replace(run, processes=[gated.process for gated in gates]), gates


def _start_rank(
    queue: QueueFolder, entry: Entry, ticket: Ticket, run: Run, task: int, rank: int
) -> Gated:
    env = {**ticket.env, LEVEL_VARIABLE: str(entry.level + 1)}
    if ticket.is_array:
        env[TASK_VARIABLE] = str(ticket.first + task)
    if ticket.ranks > 1:
        env |= {RANK_VARIABLE: str(rank), RANKS_VARIABLE: str(ticket.ranks)}
    if entry.seconds is not None:
        env[LIMITS_VARIABLE] = f"ends={int(time.time() + entry.seconds)}"
    if run.devices:
        env[VISIBLE] = ",".join(run.devices)
    out, err = ticket.logs(task, rank)
    out.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    template = forks.name_for(ticket.worker, env)
    if template is not None:
        forked = forks.fork(
            template,
            {
                "folder": ticket.worker[-1],
                "state": str(queue.state_file),
                "token": run.token,
                "out": str(out),
                "err": str(err),
                "cwd": ticket.working_directory,
                "env": env,
                "exit": str(ticket.exit(task, rank)),
                "asks_again": [str(file) for file in ticket.requeue_files(task)],
                "server": SERVER,
                "server_log": str(queue.daemon_log),
                "server_env": {**env, VARIABLE: str(queue.path)},
            },
        )
        if forked is not None:
            return forked
        env[forks.VARIABLE] = f"{template} {os.getpid()}"
    return processes.start(
        ticket.command,
        queue.state_file,
        run.token,
        out=out,
        err=err,
        cwd=ticket.working_directory,
        env=env,
    )


def _needs_daemon(state: State) -> bool:
    return any(
        entry.upcoming is not None or entry.again or (entry.runs and entry.seconds is not None)
        for entry in state.entries.values()
    )


def has_daemon(state: State) -> bool:
    """Tell whether a process takes turns."""
    return state.daemon is not None and processes.is_alive(state.daemon)


def _see_to_daemon(queue: QueueFolder, state: State) -> None:
    """Start a process that takes turns, if there is need of one and none is there."""
    if _needs_daemon(state) and not has_daemon(state):
        state.daemon = processes.start_server(
            SERVER,
            queue.daemon_log,
            {**os.environ, VARIABLE: str(queue.path)},
        )
