"""Processes of jobs: started once or not at all, and found again."""

from __future__ import annotations

import atexit
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from nbsubmit.core.folder import PRIVATE_FILE

# A process waits until who started it has written down that it runs, or is gone, and runs only if
# it finds itself in what was written: so nothing runs twice and nothing that is noted never runs.
_GATE = 'read -r go; read -r state < "$1"; case $state in *"$2"*) exec "$3" "$4" < /dev/null; esac'

# Held so that our children are reaped when they end; by process id.
_children: dict[int, subprocess.Popen[bytes]] = {}


class Process(NamedTuple):
    """A process that cannot be mistaken for another which later has the same id.

    Attributes
    ----------
    pid : int
        Its id.
    began : float
        When it did: by the clock of the kernel, which nobody sets, where that can be read.
    """

    pid: int
    began: float


@dataclass
class Gated:
    """A process that waits at its gate."""

    process: Process
    gate: int

    def open(self) -> None:
        """Let it look whether it is to run."""
        # A word rather than the end of the pipe, for a child that somebody forks may hold that.
        with suppress(OSError):
            os.write(self.gate, b"\n")
        os.close(self.gate)


def start(
    command: Sequence[str],
    state: Path,
    token: str,
    *,
    out: Path,
    err: Path,
    cwd: str,
    env: Mapping[str, str],
) -> Gated:
    """Start a shell's script behind a gate; it runs if the token then stands in the state's file.

    Raises
    ------
    OSError
        If there can be no such process.
    """
    behind, gate = os.pipe()
    try:
        with _log(out) as to_out, _log(err) as to_err:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _GATE, "nbsubmit", str(state), token, *command],
                stdin=behind,
                stdout=to_out,
                stderr=to_err,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
    except BaseException:
        os.close(gate)
        raise
    finally:
        os.close(behind)
    _children[child.pid] = child
    return Gated(identified(child.pid), gate)


def start_server(command: Sequence[str], log: Path, env: Mapping[str, str]) -> Process:
    """Start a process that serves others too and outlives this one."""
    with _log(log) as to_log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=to_log,
            stderr=to_log,
            env=env,
            start_new_session=True,
        )
    _children[child.pid] = child
    return identified(child.pid)


def myself() -> Process:
    """Return this process."""
    return identified(os.getpid())


def created_at(pid: int, when: float) -> Process | None:
    """Return the process with this id if it was created at that time of the clock on the wall."""
    with suppress(psutil.NoSuchProcess):
        seen = look(pid)
        if seen and abs(psutil.Process(pid).create_time() - when) < 1.0:
            return Process(pid, seen[0])
    return None


def is_alive(process: Process) -> bool:
    """Tell whether it is there and has not ended."""
    return _status(process) not in ("", "Z", "X")


def is_stopped(process: Process) -> bool:
    """Tell whether somebody has stopped it, so that it can go on later."""
    return _status(process) == "T"


@atexit.register
def _let_go() -> None:
    """Say nothing of the children that outlive this process: they are meant to."""
    for child in _children.values():
        child.returncode = 0


def reap() -> None:
    """Let go of the children that have ended: the kernel keeps each until its parent has looked."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)


def tell(processes: Iterable[Process], number: int) -> None:
    """Send a signal to those of them that are alive."""
    for process in processes:
        if is_alive(process):
            with suppress(OSError):  # it went, or has become another user's
                os.kill(process.pid, number)


@contextmanager
def watching(processes: Sequence[Process]) -> Iterator[Callable[[float], bool]]:
    """Give a function that waits for so many seconds and tells whether one of these has ended."""

    def wait(seconds: float) -> bool:
        time.sleep(seconds)
        return not all(is_alive(process) for process in processes)

    if not hasattr(os, "pidfd_open"):
        yield wait
        return
    poller = select.poll()
    with ExitStack() as stack:
        for process in processes:
            try:
                descriptor = os.pidfd_open(process.pid)
            except ProcessLookupError:  # it went
                yield lambda _: True
                return
            except OSError:  # the system knows no such thing, or there are no more descriptors
                yield wait
                return
            stack.callback(os.close, descriptor)
            poller.register(descriptor, select.POLLIN)
        yield lambda seconds: bool(poller.poll(seconds * 1000))


def identified(pid: int) -> Process:
    """Return a process that is there, or a child of ours that has ended and is not reaped."""
    seen = look(pid)
    return Process(pid, seen[0] if seen else 0.0)


def _status(process: Process) -> str:
    """Return the letter that the kernel has for its state; empty if it is gone."""
    child = _children.get(process.pid)
    if child is not None and child.poll() is not None:
        _children.pop(process.pid, None)
    seen = look(process.pid)
    return seen[1] if seen is not None and abs(seen[0] - process.began) < 1.0 else ""


def look(pid: int) -> tuple[float, str] | None:
    """Return when a process began and the letter of its state; None if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK"), fields[0].decode()
    except ProcessLookupError:  # it went while it was read
        return None
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    try:
        other = psutil.Process(pid)
        letters = {psutil.STATUS_STOPPED: "T", psutil.STATUS_ZOMBIE: "Z"}
        return other.create_time(), letters.get(other.status(), "R")
    except psutil.NoSuchProcess:
        return None


@contextmanager
def _log(path: Path) -> Iterator[int]:
    """Open a log to append to; one that is new is the user's alone."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    try:
        yield log
    finally:
        os.close(log)
