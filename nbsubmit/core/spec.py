"""What was asked for, and what is started: frozen values that travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Resources:
    """What a job may use. ``None`` means not said, so the backend's own default holds.

    Attributes
    ----------
    name : str or None
        The job's name.
    cpus : int or None
        Processors for the one task that a job is.
    gpus : str or None
        A number, ``type:number``, or a type alone for one of it.
    memory_mib : int or None
        Memory on each node in MiB; 0 is all there is.
    time_seconds : int or None
        Time limit in seconds; 0 is none, whatever the partition's usual one.
    extra : mapping
        Further options of the backend's own, by long name without dashes; ``None`` for one
        that takes no value.
    """

    name: str | None = None
    cpus: int | None = None
    gpus: str | None = None
    memory_mib: int | None = None
    time_seconds: int | None = None
    extra: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def demands(self) -> list[str]:
        """The options that were given besides the name, as the user writes them."""
        common = {
            "--cpus-per-task": self.cpus,
            "--gpus": self.gpus,
            "--mem": self.memory_mib,
            "--time": self.time_seconds,
        }
        given = [option for option, value in common.items() if value is not None]
        return [*given, *(f"--{option}" for option in self.extra)]


@dataclass(frozen=True)
class Mapped:
    """One ``--map``: a task for each element of what an expression gives.

    Attributes
    ----------
    names : tuple of str
        What the element is bound to; of several each takes a part of it.
    source : str
        The expression.
    """

    names: tuple[str, ...]
    source: str

    def __str__(self) -> str:
        return f"--map {','.join(self.names)}={self.source}"


@dataclass(frozen=True)
class CellOptions:
    """All that a magic's line says.

    Attributes
    ----------
    resources : Resources
        What the job may use.
    include : tuple of str
        Names to send besides those the cell reads; ``*`` is all of them.
    exclude : tuple of str
        Names not to send.
    bring : tuple of str or None
        The names to bring back, ``()`` for none, ``None`` for what the cell binds or changes.
    bind : str or None
        The name that the job itself gets in the notebook.
    wait : bool
        Block until the job has ended.
    no_wait : bool
        Do not block, whatever the settings say.
    cancel_on_interrupt : bool
        With ``wait``: an interrupt cancels the job too.
    dry_run : bool
        Show what would be sent, send nothing.
    panel : bool
        Show the live panel rather than text.
    quiet : bool
        Say nothing but errors.
    debug : bool
        Run in this very process.
    python : str or None
        The command that starts Python for the job.
    setup : tuple of str
        Shell lines to run before Python.
    env : mapping
        Environment variables to set for the job.
    by_value : tuple of str
        Modules and packages whose source goes with the job.
    teardown : tuple of str
        Shell lines to run after Python.
    parallel : int or None
        At most so many tasks of an array at once, or packs of them.
    pack : int
        So many tasks of an array run one after another in one allocation, where there is such.
    ranks : int
        Processes that the job, or each task of an array, consists of.
    launcher : tuple of str or None
        Arguments for what starts the processes, where there is one; None if one process is
        started without.
    signal_seconds : int or None
        So many seconds before its time is over the job is told, to save what it has.
    maps : tuple of Mapped
        What each task of an array has for itself.
    product : bool
        There is a task for each combination of the elements of several, not one for each position.
    indices : tuple of int or None
        The indices of a plain array.
    after : tuple of str
        Jobs that have to have ended before, each by its id or the name that it is bound to; with
        ``any:`` before it however it ended, otherwise well.
    fresh : bool
        Send it also if the same cell with the same inputs is still alive, or has succeeded.
    reuse : bool or None
        Take the result of the same cell with the same inputs if it has succeeded; None for what
        the settings say.
    profiles : tuple of str
        Sets of options that the configuration has under these names.
    no_defaults : bool
        Do without the options that the configuration has for every job.
    """

    resources: Resources = Resources()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    bring: tuple[str, ...] | None = None
    bind: str | None = None
    wait: bool = False
    no_wait: bool = False
    cancel_on_interrupt: bool = False
    dry_run: bool = False
    panel: bool = True
    quiet: bool = False
    debug: bool = False
    python: str | None = None
    setup: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    by_value: tuple[str, ...] = ()
    teardown: tuple[str, ...] = ()
    parallel: int | None = None
    pack: int = 1
    ranks: int = 1
    launcher: tuple[str, ...] | None = None
    signal_seconds: int | None = None
    maps: tuple[Mapped, ...] = ()
    product: bool = False
    indices: tuple[int, ...] | None = None
    after: tuple[str, ...] = ()
    fresh: bool = False
    reuse: bool | None = None
    profiles: tuple[str, ...] = ()
    no_defaults: bool = False

    @property
    def is_array(self) -> bool:
        """It asks for more than one task."""
        return bool(self.maps) or self.indices is not None


@dataclass(frozen=True)
class Launch:
    """All that a backend needs to start a job whose folder is written.

    Attributes
    ----------
    id : str
        Our own id, known before anything is started.
    folder : Path
        The job's folder, complete.
    command : tuple of str
        What to run, as an argument list.
    resources : Resources
        What it may use.
    working_directory : Path
        Where to run it.
    log_out, log_err : Path
        Files that take the process's standard output and error; they exist and are to be
        appended to.
    exit_file : Path
        Takes the exit code of the command as one decimal number, written whole.
    setup : tuple of str
        Shell lines to run before the command.
    env : mapping
        Environment variables to set besides those that the job inherits.
    teardown : tuple of str
        Shell lines to run after the command.
    script : Path or None
        The file with the script to start; by default the one in the folder.
    count : int or None
        So many tasks, each of which runs the command: an array. None for a job by itself.
    parallel : int or None
        At most so many of them at once.
    part : int or None
        What the backend takes at once at most: a larger array is started in parts of this size.
    first : int
        The number of the first task of this part.
    pack : int
        What is called a task here are so many of the job's: the command is told which it is by
        `nbsubmit.core.packs.PACK_VARIABLE`, and leaves its exit code in ``packs/NUMBER``. Always 1
        for a backend that does not pack.
    ranks : int
        Processes that each job or task consists of, started together.
    launcher : tuple of str or None
        Arguments for what starts the processes of a job, where the scheduler has one; None if a
        single process is to be started without.
    signal_seconds : int or None
        So many seconds before its time is over a job is sent SIGUSR2.
    after, after_any : tuple of str
        Handles of this backend's jobs that have to have succeeded, or just ended, before.
    """

    id: str
    folder: Path
    command: tuple[str, ...]
    resources: Resources
    working_directory: Path
    log_out: Path
    log_err: Path
    exit_file: Path
    setup: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    teardown: tuple[str, ...] = ()
    script: Path | None = None
    count: int | None = None
    parallel: int | None = None
    part: int | None = None
    first: int = 0
    pack: int = 1
    ranks: int = 1
    launcher: tuple[str, ...] | None = None
    signal_seconds: int | None = None
    after: tuple[str, ...] = ()
    after_any: tuple[str, ...] = ()

    @property
    def block(self) -> int:
        """Which block of an array it is of: as many tasks as the backend takes at once at most."""
        return self.first // self.part if self.part else 0

    @property
    def start(self) -> int:
        """The number that its first task has in its block."""
        return self.first % self.part if self.part else 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        paths = {name: str(value) for name, value in vars(self).items() if isinstance(value, Path)}
        return {**asdict(self), **paths}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Launch:
        """Read what `to_json` gave."""
        given = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        tuples = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
        paths = {name: Path(given[name]) for name in _PATHS if given[name] is not None}
        return cls(**{**given, **tuples, **paths, "resources": Resources(**given["resources"])})

    def script_of(self, first: int) -> Path:
        """Return the file of the script that starts the part of an array with this first task."""
        return self.folder / (f"script-{first}.sh" if first else "script.sh")


_PATHS = ("folder", "working_directory", "log_out", "log_err", "exit_file", "script")
