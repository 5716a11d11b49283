"""What a caller holds: a running private Slurm, how to get one, and how to break parts of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import nbsubmit
from nbsubmit.sandbox import programs
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.control import Request, ask
from nbsubmit.sandbox.daemons import CONTROLLER, tail
from nbsubmit.sandbox.errors import SandboxError
from nbsubmit.sandbox.layout import conf_file, lock_file, new_short, record_file, supervisor_output
from nbsubmit.sandbox.nodes import client_environ, node_states
from nbsubmit.sandbox.processes import Identity, kill_all, wait_until
from nbsubmit.sandbox.record import Phase, Record, load

_UP_SECONDS = 300.0
_DOWN_SECONDS = 60.0


@dataclass(frozen=True)
class Status:
    """How a sandbox is.

    Parameters
    ----------
    phase : Phase
        How far it has come.
    daemons : dict of str to bool
        Daemon → whether it runs.
    nodes : dict of str to str
        Node → its state in Slurm's words; empty when no controller answers.
    """

    phase: Phase
    daemons: dict[str, bool] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether there is a cluster to talk to."""
        return self.phase is Phase.READY


@dataclass(frozen=True)
class Sandbox:
    """A private Slurm. As a context manager it goes down at the end.

    Parameters
    ----------
    config : SandboxConfig
        What runs, which need not be what was asked for when it was found running.
    found : bool
        Whether it was up already.
    """

    config: SandboxConfig
    found: bool = False

    @property
    def folder(self) -> Path:
        """Where everything of it is kept."""
        return self.config.folder

    @property
    def conf(self) -> Path:
        """Its slurm.conf."""
        return conf_file(self.folder)

    @property
    def environ(self) -> dict[str, str]:
        """The variables that make Slurm's programs talk to this cluster."""
        return {"SLURM_CONF": str(self.conf)}

    def client_environ(self) -> dict[str, str]:
        """Whole environment for a client: the caller's, without another Slurm's variables."""
        return client_environ(self.conf)

    def call(self, *argv: str, seconds: float = 60) -> str:
        """Run a program against this cluster and give what it printed; raise if it fails."""
        try:
            done = subprocess.run(
                argv,
                env=self.client_environ(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            said = f"{error.stdout}{error.stderr}".strip()
            raise SandboxError(f"{argv[0]} ended with {error.returncode}: {said}") from error
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"{argv[0]} took more than {seconds:.0f} s.") from error
        return done.stdout

    def status(self) -> Status:
        """Look how it is, from outside."""
        record = load(self.folder)
        if record is None:
            return Status(Phase.DOWN)
        alive = {name: one.alive for name, one in record.daemons.items()}
        if not record.supervised:
            return Status(Phase.FAILED if record.phase is Phase.FAILED else Phase.DOWN)
        return Status(record.phase, alive, node_states(self.conf))

    def node_states(self) -> dict[str, str]:
        """Node → its state as sinfo says it, such as ``idle``, ``mixed`` or ``down*``."""
        return node_states(self.conf)

    def kill_node(self, name: str) -> None:
        """Kill a node's slurmd with ``kill -9``; job steps on it live on, as on a lost node."""
        self._ask("kill", name)

    def start_node(self, name: str) -> None:
        """Start a node's slurmd again; it registers within moments."""
        self._ask("start", name)

    def stop_controller(self) -> None:
        """Stop slurmctld in good order; clients then wait or fail as on a cluster in trouble."""
        self._ask("stop", CONTROLLER)

    def start_controller(self) -> None:
        """Start slurmctld again, with all it knew."""
        self._ask("start", CONTROLLER)

    def adopt(self, pid: int) -> None:
        """Have a process, and all below it, killed when the sandbox's owner ends."""
        self._ask("adopt", str(pid))

    def _ask(self, verb: str, target: str) -> None:
        record = load(self.folder)
        if record is None or not record.supervised:
            raise SandboxError(f"No sandbox is up in {self.folder}.")
        ask(record.layout.control_socket, Request(verb, target))

    def down(self) -> bool:
        """Stop it and all its jobs; False when it was not up."""
        return down(self.folder)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()


def find(folder: Path) -> Sandbox | None:
    """The sandbox that is up in this folder, if one is."""
    record = load(folder.expanduser().absolute())
    if record is None or not record.supervised or record.phase is not Phase.READY:
        return None
    return Sandbox(record.config, found=True)


def up(config: SandboxConfig, *, owner: int | None = None) -> Sandbox:
    """Start a sandbox and return when all its nodes are idle, or the one that is up already.

    Parameters
    ----------
    config : SandboxConfig
        What to start.
    owner : int, optional
        A process whose end, by whatever means, takes the sandbox down with it.

    Raises
    ------
    SandboxError
        When programs are missing, or when a daemon does not come up; with the end of its log.
    """
    programs.require(config.accounting)
    _prepare(config.folder)
    with _locked(config.folder):
        record = load(config.folder)
        if record is not None and _is_up(record):
            return Sandbox(_current(config.folder).config, found=True)
        if record is not None:
            _end(record, keep_folder=True)
        try:
            _launch(config, owner, 0 if record is None else record.generation + 1)
            _await_ready(config.folder)
        except BaseException:
            _end(load(config.folder))
            raise
    return Sandbox(config)


def down(folder: Path) -> bool:
    """Stop the sandbox in this folder, or clean up after one; False when nothing was there."""
    folder = folder.expanduser().absolute()
    if not record_file(folder).exists():
        return False
    with _locked(folder):
        return _end(load(folder))


def _prepare(folder: Path) -> None:
    """Make the folder, or see that it is ours to empty."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise SandboxError(f"{folder} belongs to somebody else; give a folder of your own.")
    strangers = {entry.name for entry in folder.iterdir()} - {lock_file(folder).name}
    if strangers and not record_file(folder).exists():
        raise SandboxError(
            f"{folder} holds other things, and a sandbox empties its folder. Give a new folder."
        )
    folder.chmod(0o700)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep others from starting or stopping the same sandbox meanwhile."""
    with lock_file(folder).open("w") as lock:

        def taken() -> bool:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        if not wait_until(taken, _UP_SECONDS, pause_seconds=0.1):
            raise SandboxError(f"Another process has been starting or stopping {folder} too long.")
        yield


def _current(folder: Path) -> Record:
    record = load(folder)
    if record is None:
        raise SandboxError(f"The sandbox in {folder} went away while it was being looked at.")
    return record


def _is_up(record: Record) -> bool:
    """Whether one is there, if need be after waiting for a start that was left alone."""
    folder = record.config.folder

    def settled() -> bool:
        now = load(folder)
        return now is None or not now.supervised or now.phase is not Phase.STARTING

    wait_until(settled, _UP_SECONDS)
    return find(folder) is not None


def _launch(config: SandboxConfig, owner: int | None, generation: int) -> None:
    identity = None if owner is None else Identity.of(owner)
    if owner is not None and identity is None:
        raise SandboxError(f"The process {owner}, who is to own the sandbox, does not exist.")
    Record(config, new_short(config.folder), generation, identity).save()
    with supervisor_output(config.folder).open("wb") as output:
        subprocess.run(
            [sys.executable, "-m", "nbsubmit.sandbox", str(config.folder)],
            env=_python_environ(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            check=False,
        )


def _python_environ() -> dict[str, str]:
    """Environment in which the guard's Python finds this very nbsubmit."""
    root = str(Path(nbsubmit.__file__).parents[1])
    path = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return programs.without_slurm(os.environ) | {"PYTHONPATH": os.pathsep.join(path)}


def _await_ready(folder: Path) -> None:
    begun = time.monotonic()

    def settled() -> bool:
        record = _current(folder)
        if record.supervisor is None:  # the guard is still on its way
            return time.monotonic() - begun > 30
        return record.phase is not Phase.STARTING or not record.supervised

    wait_until(settled, _UP_SECONDS)
    record = _current(folder)
    if record.phase is not Phase.READY:
        said = record.message or tail(supervisor_output(folder)) or "its supervisor was ended."
        raise SandboxError(f"The sandbox in {folder} did not start: {said}")


def _end(record: Record | None, keep_folder: bool = False) -> bool:
    """Stop what a record names, by asking first; False when there was nothing to stop."""
    if record is None:
        return False
    was_up = record.supervised
    for one in (record.supervisor, record.guard):
        if was_up and one is not None:
            one.send(signal.SIGTERM)
    wait_until(lambda: not record.supervised, _DOWN_SECONDS)
    latest = load(record.config.folder) or record
    left = kill_all({*record.processes(), *latest.processes()})
    if left:
        pids = ", ".join(str(one.pid) for one in left)
        raise SandboxError(f"These processes of the sandbox cannot be killed: {pids}")
    if record_file(record.config.folder).exists():
        latest.close(keep_folder)
    return was_up
