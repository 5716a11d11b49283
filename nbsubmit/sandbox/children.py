"""The supervisor's children: daemons that it started, and orphans that came to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from functools import partial

from nbsubmit.sandbox.daemons import Daemon
from nbsubmit.sandbox.layout import Layout
from nbsubmit.sandbox.processes import (
    Identity,
    descendants,
    die_with_parent,
    kill_all,
    wait_until,
)
from nbsubmit.sandbox.programs import daemon_environ, find

_STOP_SECONDS = 10.0


class Children:
    """Processes below the supervisor, daemons of which are known by name.

    Parameters
    ----------
    layout : Layout
        Where outputs go and configuration comes from.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, daemon: Daemon) -> int:
        """Start a daemon that dies with this process, however that ends; give its pid."""
        environ = daemon_environ() | {"SLURM_CONF": str(self._layout.conf)} | daemon.environ
        with self._layout.output_file(daemon.name).open("ab") as output:
            self._daemons[daemon.name] = subprocess.Popen(
                [find(daemon.argv[0]) or daemon.argv[0], *daemon.argv[1:]],
                env=environ,
                cwd=self._layout.short,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGKILL),
            )
        return self._daemons[daemon.name].pid

    def runs(self, name: str) -> bool:
        """Whether a daemon was started and has not ended."""
        return name in self._daemons and self.code(name) is None

    def code(self, name: str) -> int | None:
        """Exit code of a daemon that was started; None while it runs."""
        return self._daemons[name].poll()

    def end(self, name: str, signum: int) -> None:
        """End one daemon and wait for it; harder when it takes too long."""
        if not self.runs(name):
            return
        process = self._daemons[name]
        process.send_signal(signum)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def strays(self) -> list[Identity]:
        """All below that is no daemon: job steps, and what jobs have started."""
        own = {process.pid for process in self._daemons.values()}
        return [one for one in descendants(os.getpid()) if one.pid not in own]

    def reap(self) -> None:
        """Take in orphans that ended; a daemon's end is left for its Popen to see."""
        own = {process.pid: process for process in self._daemons.values()}
        with contextlib.suppress(ChildProcessError):
            # Peek first: once reaped by pid, Popen could no longer tell the exit code.
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid in own:
                    own[ended.si_pid].wait()
                else:
                    os.waitpid(ended.si_pid, 0)

    def kill_all(self) -> bool:
        """Kill daemons and strays; False when something cannot be killed."""

        def none_left() -> bool:
            self.reap()
            below = descendants(os.getpid())
            return not below or not kill_all(below, seconds=1)

        done = wait_until(none_left, _STOP_SECONDS)
        self.reap()
        self._daemons.clear()
        return done
