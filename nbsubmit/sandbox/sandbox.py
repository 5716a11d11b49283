"""What a caller holds: a running private Slurm, how to get one, and how to break parts of it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from nbsubmit.sandbox import programs
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.control import Request, ask
from nbsubmit.sandbox.daemons import CONTROLLER
from nbsubmit.sandbox.errors import SandboxError
from nbsubmit.sandbox.launch import await_settled, end, launch, locked, prepare
from nbsubmit.sandbox.layout import conf_file, record_file
from nbsubmit.sandbox.nodes import client_environ, node_states
from nbsubmit.sandbox.record import Phase, load


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

    `up` and `find` return one. What breaks or mends a part of it raises a `SandboxError` if it is
    not up, or if that cannot be done.

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
        """Run a program against this cluster and give what it printed.

        Parameters
        ----------
        *argv : str
            The program and its arguments.
        seconds : float
            So long it may take; by default 60.

        Raises
        ------
        SandboxError
            If it ends with an error, saying what it printed, or takes too long.
        OSError
            If there is no such program.
        """
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
            raise SandboxError(
                f"{argv[0]} took more than {seconds:.0f} s. Look at it:  nbsubmit sandbox status"
            ) from error
        return done.stdout

    def status(self) -> Status:
        """Look how it is, from outside."""
        record = load(self.folder)
        if record is None:
            return Status(Phase.DOWN)
        alive = {name: one.alive for name, one in record.daemons.items()}
        if not record.supervised:
            return Status(Phase.FAILED if record.phase is Phase.FAILED else Phase.DOWN)
        nodes = node_states(self.conf) if alive.get(CONTROLLER) else {}
        return Status(record.phase, alive, nodes)

    def node_states(self, seconds: float = 15) -> dict[str, str]:
        """Node → its state as sinfo says it, such as ``idle``, ``mixed`` or ``down*``.

        Parameters
        ----------
        seconds : float
            Nothing is returned when no controller answers for so long; by default 15.
        """
        return node_states(self.conf, seconds)

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
        """Start slurmctld again, with all it knew; nodes are ``unknown`` until they answer."""
        self._ask("start", CONTROLLER)

    def adopt(self, pid: int) -> None:
        """Have a process, and all below it, killed when the sandbox's owner ends.

        Parameters
        ----------
        pid : int
            The process.
        """
        self._ask("adopt", str(pid))

    def _ask(self, verb: str, target: str) -> None:
        record = load(self.folder)
        if record is None or not record.supervised:
            raise SandboxError(
                f"No sandbox is up in {self.folder}. Start one:  nbsubmit sandbox up"
            )
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
    prepare(config.folder)
    with locked(config.folder):
        record = await_settled(config.folder)
        running = find(config.folder)
        if running is not None:
            return running
        end(record, keep_folder=True)
        try:
            launch(config, owner, 0 if record is None else record.generation + 1)
        except BaseException:
            end(load(config.folder), keep_folder=True)
            raise
    return Sandbox(config)


def down(folder: Path) -> bool:
    """Stop the sandbox in this folder, or clean up after one; False when none was up."""
    folder = folder.expanduser().absolute()
    if not record_file(folder).exists():
        return False
    with locked(folder):
        return end(load(folder))
