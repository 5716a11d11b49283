"""A process on this machine, which outlives the notebook."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import psutil

from nbsubmit.backends import script
from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.core.backend import Report
from nbsubmit.core.errors import SubmitError
from nbsubmit.core.options import Option
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState

_PATIENCE_SECONDS = 5.0

# Held so that our children are reaped when they end; by process id.
_children: dict[int, subprocess.Popen[bytes]] = {}


class LocalBackend:
    """Starts jobs as processes of the user's on this machine.

    A handle is ``pid:time``, with the time at which the process was created: the system gives a
    process id to another process after a while.
    """

    name: ClassVar[str] = "local"
    # A cell must run under %%slurm and %%local alike, so the scheduler's options are accepted.
    options: ClassVar[Sequence[Option]] = OPTIONS
    owned: ClassVar[Mapping[str, str]] = OWNED
    polite_seconds: ClassVar[float] = 0.0

    def check(self) -> None:
        """A process can be started everywhere."""

    def script(self, launch: Launch) -> str:
        """Return the shell script around the worker."""
        return f"#!{script.shell()}\n{script.body(launch)}"

    def ignored(self, launch: Launch) -> Sequence[str]:
        """All that only a scheduler can see to."""
        return launch.resources.demands

    def expected_start(self, launch: Launch) -> str:
        """At once: there is no queue."""
        return "at once"

    def largest_array(self) -> int | None:
        """Any number."""
        return None

    def start(self, launch: Launch) -> str:
        """Start the process in a session of its own."""
        with launch.log_out.open("ab") as out, launch.log_err.open("ab") as err:
            try:
                process = subprocess.Popen(
                    [script.shell(), str(launch.folder / "script.sh")],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    cwd=launch.working_directory,
                    env={**os.environ, **launch.env},
                    start_new_session=True,
                )
            except OSError as error:
                raise SubmitError(f"the process could not be started: {error}") from error
        _children[process.pid] = process
        try:
            created = psutil.Process(process.pid).create_time()
        except psutil.NoSuchProcess:  # ended already; nothing else can have its id yet
            created = 0.0
        return f"{process.pid}:{created}"

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        """Tell which processes are there."""
        reports = {}
        for handle in handles:
            try:
                process = _find(handle)
                stopped = process is not None and process.status() == psutil.STATUS_STOPPED
            except psutil.NoSuchProcess:  # it went between two looks
                process = None
            if process is None:
                reports[handle] = Report(JobState.FAILED, "its process is gone", platform.node())
            elif stopped:
                reports[handle] = Report(JobState.SUSPENDED, "its process is stopped")
            else:
                reports[handle] = Report(JobState.RUNNING)
        return reports

    def stop(self, handle: str) -> None:
        """End the process and all that it started; by force if it does not go."""
        family = list(_family(handle))
        for process in family:
            _signal(process, signal.SIGTERM)
            _signal(process, signal.SIGCONT)
        _, stubborn = psutil.wait_procs(family, timeout=_PATIENCE_SECONDS)
        for process in stubborn:
            _signal(process, signal.SIGKILL)


def _find(handle: str) -> psutil.Process | None:
    number, _, created = handle.partition(":")
    child = _children.get(int(number))
    if child is not None and child.poll() is not None:
        del _children[int(number)]
        return None
    try:
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(created)) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _family(handle: str) -> Iterator[psutil.Process]:
    process = _find(handle)
    if process is not None:
        yield from process.children(recursive=True)
        yield process


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
