"""The queue's folder: the lock, the state, the tickets, and the ends of what is no longer there.

It is the user's alone, for a ticket holds an environment and is a command that will be run.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from nbsubmit.backends.queue.entries import Entry
from nbsubmit.backends.queue.processes import Process
from nbsubmit.backends.queue.ticket import Ticket
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import PRIVATE_FILE, PRIVATE_FOLDER, write_whole
from nbsubmit.core.trust import check_private, read_own

VARIABLE = "NBSUBMIT_QUEUE"
_KEPT_SECONDS = 60 * 24 * 3600

T = TypeVar("T")


@dataclass
class State:
    """All that waits or runs.

    Attributes
    ----------
    last : int
        The last place in the queue that was given away.
    daemon : Process or None
        The process that takes turns.
    entries : mapping
        Key → launch, in the order in which they came.
    """

    last: int = 0
    daemon: Process | None = None
    entries: dict[str, Entry] = field(default_factory=dict)

    def new_place(self) -> int:
        """Return the place at the end of the queue."""
        self.last += 1
        return self.last

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        entries = {key: entry.to_json() for key, entry in self.entries.items()}
        return {"last": self.last, "daemon": self.daemon, "entries": entries}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> State:
        """Take the data back."""
        daemon = Process(*data["daemon"]) if data["daemon"] else None
        entries = {key: Entry.from_json(entry) for key, entry in data["entries"].items()}
        return cls(data["last"], daemon, entries)


class QueueFolder:
    """The folder of one user on one machine.

    Parameters
    ----------
    path : Path, optional
        Where it is; by default where the environment says, or in the user's own folder, by the
        name of the machine, for machines often share that.
    """

    def __init__(self, path: Path | None = None) -> None:
        said = os.environ.get(VARIABLE)
        state_home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        usual = Path(state_home) / "nbsubmit" / f"queue-{platform.node()}"
        self.path = (path or Path(said or usual)).expanduser().absolute()
        self.state_file = self.path / "queue.json"
        self.daemon_log = self.path / "daemon.log"
        self._lock_file = self.path / "lock"
        self._tickets = self.path / "tickets"
        self._ends = self.path / "ends"
        self._written: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"QueueFolder({str(self.path)!r})"

    def prepare(self) -> None:
        """Make the folder if it is not there, and make sure that it is safe to use.

        Raises
        ------
        FolderError
            If somebody else could write to it.
        OSError
            If it cannot be made.
        """
        if not self._ends.is_dir():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.path, self._tickets, self._ends):
                folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        for folder in (self.path, self._tickets, self._ends):
            check_private(folder)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one who changes anything.

        The lock of a process that is killed is free again.
        """
        self.prepare()
        lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            # A child that another thread forks meanwhile has the file open too.
            fcntl.flock(lock, fcntl.LOCK_UN)
            os.close(lock)

    def read(self) -> State:
        """Return the state as it was written last; an empty one if it never was.

        Raises
        ------
        FolderError
            If it is not what was written, or not safe to read.
        """
        if not self.state_file.exists():
            return State()
        check_private(self.path)
        return self._parse(self.state_file, State.from_json)

    def write(self, state: State) -> None:
        """Write the state, whole."""
        self._write(self.state_file, state.to_json())
        self._written = self._signature()

    def has_changed(self) -> bool:
        """Tell whether somebody else has written the state since it was written here."""
        return self._signature() != self._written

    def _signature(self) -> tuple[int, int]:
        found = self.state_file.stat()
        return found.st_ino, found.st_mtime_ns

    def add_ticket(self, key: str, ticket: Ticket) -> None:
        """Keep what is needed to start a launch."""
        if ticket.script:
            own, text = self._tickets / f"{key}.sh", ticket.script.encode()
            write_whole(own, lambda out: out.write(text))
            ticket = replace(ticket, command=(*ticket.command[:-1], str(own)), script="")
        self._write(self._tickets / f"{key}.json", ticket.to_json())

    def ticket(self, key: str) -> Ticket:
        """Return what is needed to start a launch."""
        return self._parse(self._tickets / f"{key}.json", Ticket.from_json)

    def remove_ticket(self, key: str) -> None:
        """Forget what was needed to start a launch: its environment may hold secrets."""
        for kind in ("json", "sh"):
            (self._tickets / f"{key}.{kind}").unlink(missing_ok=True)

    def keep_ends(self, key: str, entry: Entry) -> None:
        """Keep the ends that only the queue knows, of a launch that is over."""
        if entry.ends or entry.stopped is not None:
            told = Entry(entry.order, entry.count, stopped=entry.stopped, ends=entry.ends)
            self._write(self._ends / f"{key}.json", told.to_json())

    def closed(self, key: str) -> Entry | None:
        """Return what is still known of a launch that is over."""
        try:
            return self._parse(self._ends / f"{key}.json", Entry.from_json)
        except FileNotFoundError:
            return None

    def sweep(self, state: State) -> None:
        """Remove what somebody who was killed left behind, and old ends; only under the lock."""
        for file in self._tickets.iterdir():
            if file.stem not in state.entries:
                file.unlink()
        for file in self._ends.iterdir():
            if time.time() - file.stat().st_mtime > _KEPT_SECONDS:
                file.unlink()
        for file in self.path.glob(f".{self.state_file.name}.*"):
            file.unlink()

    def tidy(self) -> None:
        """Remove what is of no use any more, if there is a queue on this machine.

        Raises
        ------
        FolderError
            If it is not safe to touch.
        OSError
            If it cannot be.
        """
        if self.path.is_dir():
            with self.lock():
                self.sweep(self.read())

    def _write(self, file: Path, data: dict[str, Any]) -> None:
        # On one line, which a shell reads, and without a character that cannot be encoded.
        text = json.dumps(data, separators=(",", ":"))
        write_whole(file, lambda out: out.write(text.encode()))

    def _parse(self, file: Path, parse: Callable[[dict[str, Any]], T]) -> T:
        try:
            return parse(json.loads(read_own(file)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FolderError(
                f"{file} is not what nbsubmit wrote there ({error!r}); if no job runs or waits, "
                f"delete {self.path}"
            ) from None
