"""The process that owns the daemons: starts them, serves requests, stops them all.

One thread. Whatever it waits for, it looks meanwhile whether it should end: because it was
told to (a signal, also from the kernel when the guard is gone), because its owner has ended,
or because its folder was removed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Callable

from nbsubmit.sandbox.children import Children
from nbsubmit.sandbox.conf import Ports, write_all
from nbsubmit.sandbox.control import Desk, Request
from nbsubmit.sandbox.daemons import CONTROLLER, DATABASE, Daemon, daemons, database_setup
from nbsubmit.sandbox.errors import SandboxError
from nbsubmit.sandbox.layout import record_file, tail
from nbsubmit.sandbox.nodes import node_states
from nbsubmit.sandbox.ports import free_ports, taken
from nbsubmit.sandbox.processes import Identity, become_subreaper, kill_all, myself
from nbsubmit.sandbox.record import Phase, Record

_START_SECONDS = 60.0
_GLANCE_SECONDS = 0.2
_LOOK_AROUND_SECONDS = 1.0
_TRIES = 5


class _Stop(Exception):
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
        supervisor.close()


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
        self.children = Children(record.layout)
        self._known: dict[str, Daemon] = {}
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

    def close(self) -> None:
        """Leave no process below; the guard does the rest, unless that has ended itself."""
        with contextlib.suppress(OSError):  # the folder may be gone
            self.record.save()
        self.children.kill_all()
        if self.record.guard is None or not self.record.guard.alive:
            self.record.close()

    # --- start -------------------------------------------------------------------------

    def _start_on_free_ports(self) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                return self._start_all()
            except _PortTakenError:
                if not tries_left:
                    raise
                self.children.kill_all()

    def _start_all(self) -> None:
        config, nodes = self.record.config, self.record.config.node_names
        self.layout.empty(nodes)
        controller, accounting, *rest = free_ports(2 + config.nodes)
        ports = Ports(controller, accounting, tuple(rest))
        write_all(config, self.layout, ports, self.record.generation)
        self._known = {one.name: one for one in daemons(config, self.layout, ports)}
        for name in self._known:
            if name == DATABASE:
                self._set_up_database()
            self._start(name)
            if name not in nodes:
                self._await(name)
        for name in nodes:
            self._await(name)
        self._until(self._all_idle, "the nodes to be idle", CONTROLLER)

    def _set_up_database(self) -> None:
        setup = database_setup(self.layout)
        self.children.start(setup)
        self._until(lambda: not self.children.runs(setup.name), "the database", setup.name)
        code = self.children.code(setup.name)
        if code != 0:
            raise SandboxError(self._story(setup.name, f"ended with code {code}"))

    def _start(self, name: str) -> None:
        identity = Identity.of(self.children.start(self._known[name]))
        if identity is not None:
            self.record.daemons[name] = identity
            self.record.save()

    def _await(self, name: str) -> None:
        daemon, pid = self._known[name], self.record.daemons[name].pid
        begun = time.monotonic()

        def there() -> bool:
            # slurmctld goes on trying for 45 s, and says nothing; we rather take another port.
            late = time.monotonic() > begun + 1
            if late and daemon.port and taken(daemon.port) and not daemon.there(pid):
                raise _PortTakenError(self._story(name, f"cannot have port {daemon.port}"))
            return daemon.there(pid)

        self._until(there, f"{name} to be there", name)

    def _all_idle(self) -> bool:
        states = node_states(self.layout.conf)
        return states == dict.fromkeys(self.record.config.node_names, "idle")

    def _until(self, condition: Callable[[], bool], what: str, name: str) -> None:
        """Wait for a condition; `name` is whose output tells why it does not come."""
        end = time.monotonic() + _START_SECONDS
        while True:
            self._glance()
            code = self.children.code(name)  # before the condition, which may be just its end
            if condition():
                return
            if code is not None:
                story = self._story(name, f"ended with code {code}")
                in_use = "Address already in use" in story
                raise (_PortTakenError if in_use else SandboxError)(story)
            if time.monotonic() > end:
                told = f"kept us waiting: {what} took more than {_START_SECONDS:.0f} s"
                raise SandboxError(self._story(name, told))
            time.sleep(0.02)

    def _story(self, name: str, what: str) -> str:
        log = self.layout.output_file(name)
        return f"{name} {what}. The end of {log}:\n{tail(log)}"

    # --- while it runs -----------------------------------------------------------------

    def _on_signal(self, _: int, __: object) -> None:
        self._told_to_stop = True

    def _glance(self) -> None:
        """Reap what ended, and see whether it is time to stop."""
        self.children.reap()
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
        strays = self.children.strays()
        if strays != self.record.strays:
            self.record.strays = strays
            self.record.save()

    def _obey(self, request: Request) -> None:
        if request.verb == "adopt":
            ward = Identity.of(int(request.target))
            self._wards += [] if ward is None else [ward]
        elif request.target not in self._known:
            names = ", ".join(self._known)
            raise SandboxError(f"There is no {request.target!r} here, but {names}.")
        elif request.verb != "start":
            signum = signal.SIGKILL if request.verb == "kill" else signal.SIGTERM
            self.children.end(request.target, signum)
        elif not self.children.runs(request.target):
            self._start(request.target)
            self._await(request.target)
