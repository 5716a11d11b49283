"""The process that owns the daemons: starts them, serves requests, stops them all.

One thread. Whatever it waits for, it looks meanwhile whether it should end: because it was
told to (a signal, also from the kernel when the guard is gone), because its owner has ended,
or because its folder was removed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from nbsubmit.sandbox import conf
from nbsubmit.sandbox.control import Desk, Request
from nbsubmit.sandbox.daemons import (
    CONTROLLER,
    DATABASE,
    Daemon,
    daemons,
    database_setup,
    start,
    tail,
)
from nbsubmit.sandbox.errors import SandboxError
from nbsubmit.sandbox.layout import record_file
from nbsubmit.sandbox.nodes import node_states
from nbsubmit.sandbox.ports import free_ports
from nbsubmit.sandbox.processes import (
    Identity,
    become_subreaper,
    descendants,
    kill_all,
    myself,
    wait_until,
)
from nbsubmit.sandbox.record import Phase, Record

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_GLANCE_SECONDS = 0.2
_LOOK_AROUND_SECONDS = 1.0
_TRIES = 5


class _Stop(Exception):  # noqa: N818
    """It is time to end."""


class _PortTakenError(SandboxError):
    """Somebody was quicker to take one of our ports."""


def supervise(record: Record) -> None:
    """Run the sandbox of this record until it is to end, then leave nothing of it running."""
    supervisor = Supervisor(record)
    try:
        supervisor.run()
    except _Stop:
        record.phase = Phase.STOPPING
    except SandboxError as error:
        record.phase, record.message = Phase.FAILED, str(error)
    except Exception as error:
        record.phase, record.message = Phase.FAILED, f"The supervisor broke: {error!r}"
        traceback.print_exc()
    finally:
        supervisor.stop_all()


class Supervisor:
    """One running sandbox, from inside.

    Parameters
    ----------
    record : Record
        What to run; it is kept up to date on disk.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.layout = record.layout
        self._known: dict[str, Daemon] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._wards: list[Identity] = []
        self._told_to_stop = False
        self._looked_around = 0.0

    def run(self) -> None:
        """Start all, then serve until a `_Stop` comes up."""
        become_subreaper()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._on_signal)
        self.record.guard, self.record.supervisor = Identity.of(os.getppid()), myself()
        self.record.save()
        self._start_on_free_ports()
        desk = Desk(self.layout.control_socket)
        self.record.phase = Phase.READY
        self.record.save()
        while True:
            self._glance()
            desk.serve(_GLANCE_SECONDS, self._obey)

    def _on_signal(self, _: int, __: object) -> None:
        self._told_to_stop = True

    # --- start -------------------------------------------------------------------------

    def _start_on_free_ports(self) -> None:
        for chance_left in reversed(range(_TRIES)):
            try:
                return self._start_all()
            except _PortTakenError:
                if not chance_left:
                    raise
                self._kill_all()

    def _start_all(self) -> None:
        self.layout.empty()
        ports = self._configure()
        self._known = {one.name: one for one in daemons(self.record.config, self.layout, ports)}
        nodes = self.record.config.node_names
        for name in self._known:
            if name == DATABASE:
                self._set_up_database()
            self._start(name)
            if name not in nodes:
                self._await(name)
        for name in nodes:
            self._await(name)
        self._until(self._all_idle, "the nodes to be idle", CONTROLLER)

    def _configure(self) -> conf.Ports:
        config, layout = self.record.config, self.layout
        controller, accounting, *nodes = free_ports(2 + config.nodes)
        ports = conf.Ports(controller, accounting, tuple(nodes))
        for number in range(config.gpus):
            (layout.folder / "gpus" / f"gpu{number}").touch()
        _write(layout.folder / "munge.key", secrets.token_bytes(1024))
        slurm = conf.slurm_conf(config, layout, ports, self.record.generation)
        _write(layout.conf, slurm.encode())
        _write(layout.folder / "gres.conf", conf.gres_conf(config, layout).encode())
        if config.accounting:
            _write(layout.folder / "slurmdbd.conf", conf.slurmdbd_conf(layout, ports).encode())
        return ports

    def _set_up_database(self) -> None:
        setup = database_setup(self.layout)
        process = self._children[setup.name] = start(setup, self.layout)
        self._until(lambda: process.poll() is not None, "the database to be made", setup.name)
        if process.returncode != 0:
            raise SandboxError(self._story(setup.name, f"ended with code {process.returncode}"))
        del self._children[setup.name]

    def _start(self, name: str) -> None:
        process = self._children[name] = start(self._known[name], self.layout)
        identity = Identity.of(process.pid)
        if identity is not None:
            self.record.daemons[name] = identity
            self.record.save()

    def _await(self, name: str) -> None:
        daemon, pid = self._known[name], self._children[name].pid
        self._until(lambda: daemon.there(pid), f"{name} to be there", name)

    def _all_idle(self) -> bool:
        states = node_states(self.layout.conf)
        return states == dict.fromkeys(self.record.config.node_names, "idle")

    def _until(self, condition: Callable[[], bool], what: str, name: str) -> None:
        """Wait for a condition; `name` is whose output tells why it does not come."""
        end = time.monotonic() + _START_SECONDS
        while not condition():
            self._glance()
            self._notice_death(name)
            if time.monotonic() > end:
                told = f"kept us waiting: {what} took more than {_START_SECONDS:.0f} s"
                raise SandboxError(self._story(name, told))
            time.sleep(0.02)

    def _notice_death(self, name: str) -> None:
        code = self._children[name].poll()
        if code is not None:
            story = self._story(name, f"ended with code {code}")
            raise (_PortTakenError if "Address already in use" in story else SandboxError)(story)

    def _story(self, name: str, what: str) -> str:
        log = self.layout.output_file(name)
        return f"{name} {what}. The end of {log}:\n{tail(log)}"

    # --- while it runs -----------------------------------------------------------------

    def _glance(self) -> None:
        """Reap what ended, and see whether it is time to stop."""
        self._reap()
        owner = self.record.owner
        if self._told_to_stop:
            raise _Stop
        if owner is not None and not owner.alive:
            kill_all(self._wards)
            raise _Stop
        if time.monotonic() - self._looked_around > _LOOK_AROUND_SECONDS:
            self._looked_around = time.monotonic()
            self._look_around()

    def _look_around(self) -> None:
        """Write down the job steps of the moment, in case we and the guard are both killed."""
        if not record_file(self.record.config.folder).exists():
            raise _Stop
        strays = self._strays()
        if strays != self.record.strays:
            self.record.strays = strays
            self.record.save()

    def _strays(self) -> list[Identity]:
        own = {process.pid for process in self._children.values()}
        return [one for one in descendants(os.getpid()) if one.pid not in own]

    def _reap(self) -> None:
        """Reap orphans; a child's end is left for its Popen to see."""
        own = {process.pid: process for process in self._children.values()}
        with contextlib.suppress(ChildProcessError):
            # Peek first: once reaped by pid, Popen could no longer tell the exit code.
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid in own:
                    own[ended.si_pid].wait()
                else:
                    os.waitpid(ended.si_pid, 0)

    def _obey(self, request: Request) -> None:
        if request.verb == "adopt":
            ward = Identity.of(int(request.target))
            self._wards += [] if ward is None else [ward]
            return
        if request.target not in self._known:
            names = ", ".join(self._known)
            raise SandboxError(f"There is no {request.target!r} here, but {names}.")
        if request.verb == "start":
            self._restart(request.target)
        else:
            self._end(request.target, kill=request.verb == "kill")

    def _restart(self, name: str) -> None:
        process = self._children.get(name)
        if process is None or process.poll() is not None:
            self._start(name)
            self._await(name)

    # --- stop --------------------------------------------------------------------------

    def _end(self, name: str, kill: bool) -> None:
        """End one daemon and wait for it."""
        process = self._children.get(name)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _kill_all(self) -> None:
        """Kill all daemons and job steps; the next start begins afresh, so nothing is saved."""

        def nothing_below() -> bool:
            self._reap()
            return not descendants(os.getpid()) or not kill_all(descendants(os.getpid()), 1)

        if not wait_until(nothing_below, _STOP_SECONDS):
            print("Some processes cannot be killed:", descendants(os.getpid()), file=sys.stderr)
        self._children.clear()

    def stop_all(self) -> None:
        """Leave no process below; the guard does the rest, unless that has ended itself."""
        with contextlib.suppress(OSError):  # the folder may be gone
            self.record.save()
        self._kill_all()
        if self.record.guard is None or not self.record.guard.alive:
            self.record.close()


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
