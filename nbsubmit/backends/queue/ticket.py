"""What is needed to start a launch, which is only read when its turn has come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    script: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        paths = {name: str(getattr(self, name)) for name in ("folder", "log_out", "log_err")}
        return {**vars(self), **paths}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ticket:
        """Take the data back."""
        paths = {name: Path(data[name]) for name in ("folder", "log_out", "log_err")}
        return cls(**{**data, **paths, "command": tuple(data["command"])})

    def requeue_files(self, task: int) -> list[Path]:
        """Return the files by any of which a task asks for being run once more."""
        return [place / "requeue.json" for place in self._places(task)]

    def logs(self, task: int, rank: int) -> tuple[Path, Path]:
        """Return where a process's standard output and error go."""
        if not self.is_array and self.ranks == 1:
            return self.log_out, self.log_err
        name = self._number(task) + (f"_{rank}" if self.ranks > 1 else "")
        folder = self.folder / "logs"
        return folder / f"{name}.out", folder / f"{name}.err"

    def _number(self, task: int) -> str:
        """Return the number of a task in the whole array, in words; empty for a job by itself."""
        return str(self.first + task) if self.is_array else ""

    def _places(self, task: int) -> Iterator[Path]:
        number = self._number(task)
        yield self.folder / "tasks" / number if number else self.folder
        if self.ranks > 1:
            yield from (self.folder / "tasks" / f"{number}_{r}" for r in range(self.ranks))
