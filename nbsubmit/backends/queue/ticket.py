"""What is needed to start a launch, which is only read when its turn has come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PATHS = ("folder", "log_out", "log_err", "exit_file")


@dataclass(frozen=True)
class Ticket:
    """All that a launch is started with.

    Attributes
    ----------
    folder : Path
        The job's folder.
    command : tuple of str
        The shell and the script.
    working_directory : str
        Where to run it.
    env : mapping
        The whole environment.
    log_out, log_err : Path
        The logs of a single process.
    is_array : bool
        It has tasks, whether or not there is more than one.
    first : int
        The number that its first task has in the whole array.
    ranks : int
        Processes that each task consists of.
    exit_file : Path or None
        Where a single process's exit code goes.
    worker : tuple of str
        The worker's command, if all that the script does is to run it.
    script : str
        What is in the script, until the queue has a file of its own of it: by the time that its
        turn comes somebody else may have put another folder in the place of the job's.
    """

    folder: Path
    command: tuple[str, ...]
    working_directory: str
    env: Mapping[str, str]
    log_out: Path
    log_err: Path
    is_array: bool = False
    first: int = 0
    ranks: int = 1
    exit_file: Path | None = None
    worker: tuple[str, ...] = ()
    script: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        paths = {name: str(path) for name in _PATHS if (path := getattr(self, name)) is not None}
        return {**vars(self), **paths}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ticket:
        """Take the data back."""
        paths = {name: Path(data[name]) for name in _PATHS if data.get(name) is not None}
        words = {name: tuple(data.get(name, ())) for name in ("command", "worker")}
        return cls(**{**data, **paths, **words})

    def requeue_files(self, task: int) -> list[Path]:
        """Return the files by any of which a task asks for being run once more."""
        return [place / "requeue.json" for place in self._places(task)]

    def exit(self, task: int, rank: int) -> Path | None:
        """Return where a process's exit code goes, as its script would find out."""
        key = self._key(task, rank)
        return self.folder / "tasks" / key / "exit" if key else self.exit_file

    def logs(self, task: int, rank: int) -> tuple[Path, Path]:
        """Return where a process's standard output and error go."""
        key = self._key(task, rank)
        if not key:
            return self.log_out, self.log_err
        folder = self.folder / "logs"
        return folder / f"{key}.out", folder / f"{key}.err"

    def _key(self, task: int, rank: int) -> str:
        """Return the key of a process among others; empty for one that is alone."""
        return self._number(task) + (f"_{rank}" if self.ranks > 1 else "")

    def _number(self, task: int) -> str:
        """Return the number of a task in the whole array, in words; empty for a job by itself."""
        return str(self.first + task) if self.is_array else ""

    def _places(self, task: int) -> Iterator[Path]:
        number = self._number(task)
        yield self.folder / "tasks" / number if number else self.folder
        if self.ranks > 1:
            yield from (self.folder / "tasks" / f"{number}_{r}" for r in range(self.ranks))
