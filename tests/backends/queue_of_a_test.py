"""A queue of its own for a test, and jobs that are shell lines which note when they ran."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbsubmit.backends.local import LocalBackend
from nbsubmit.backends.queue import processes
from nbsubmit.backends.queue.ending import end
from nbsubmit.backends.queue.place import QueueFolder
from nbsubmit.backends.queue.processes import Process
from nbsubmit.backends.queue.turn import runs
from nbsubmit.core.backend import Report
from nbsubmit.core.spec import Launch, Resources
from nbsubmit.core.state import JobState
from tests.way import until


@dataclass
class Queue:
    """Sends shell lines as jobs through the local backend."""

    path: Path
    backend: LocalBackend = field(default_factory=LocalBackend)
    sent: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> Path:
        """Where jobs write lines."""
        return self.path / "notes"

    def lines(self) -> list[str]:
        """What jobs have written, in order."""
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def launch(self, name: str, line: str, **what: Any) -> Launch:
        """A job whose folder is written; ``note WORD`` in its line writes a line."""
        folder = self.path / "jobs" / name
        folder.mkdir(parents=True, mode=0o700)
        for log in ("log.out", "log.err"):
            (folder / log).touch(0o600)
        note = f'note() {{ echo "$*" >> {shlex.quote(str(self.notes))}; }}\n'
        options = {key: what.pop(key) for key in list(what) if key in _OPTIONS}
        launch = Launch(
            id=name,
            folder=folder,
            command=("/bin/sh", "-c", note + line),
            resources=Resources(**options),
            working_directory=what.pop("working_directory", self.path),
            log_out=folder / "log.out",
            log_err=folder / "log.err",
            exit_file=folder / "exit",
            **what,
        )
        (folder / "script.sh").write_text(self.backend.script(launch))
        return launch

    def send(self, name: str, line: str, **what: Any) -> str:
        """Send a job and return its handle."""
        handle = self.backend.start(self.launch(name, line, **what))
        self.sent[name] = handle
        return handle

    def report(self, handle: str) -> Report:
        """What is reported of one job now."""
        return self.backend.poll([handle])[handle]

    def state(self, handle: str) -> JobState | None:
        """The state of one job now."""
        return self.report(handle).state

    def wait_for(self, *lines: str) -> None:
        """Wait until jobs have written all of these."""
        until(lambda: set(lines) <= set(self.lines()), f"{lines}, only {self.lines()}")

    def wait_for_end(self) -> None:
        """Look now and then until nothing waits or runs."""
        until(self.is_empty, "the queue is empty")

    def is_empty(self) -> bool:
        """Tell whether nothing waits or runs."""
        self.backend.poll([])
        return not self.folder.read().entries

    def exit_code(self, name: str, key: str = "") -> str:
        """The exit code that a job, or a task or process of it, has left."""
        folder = self.path / "jobs" / name
        file = folder / "tasks" / key / "exit" if key else folder / "exit"
        return str(until(lambda: file.exists() and file.read_text(), f"{file} is there"))

    def open_gate(self) -> None:
        """Let go on what waits in `gated`."""
        (self.path / "gate").touch()

    @property
    def folder(self) -> QueueFolder:
        """The queue's own folder."""
        return QueueFolder(self.path / "queue")

    def daemon(self) -> Process:
        """The process that takes turns."""
        found = until(lambda: self.folder.read().daemon, "a process takes turns")
        assert isinstance(found, Process)
        return found

    def end(self) -> None:
        """End all that is left of it."""
        state = self.folder.read()
        for key in list(state.entries):
            self.backend.stop(key)
        left = [process for run in runs(state) for process in run.processes]
        if state.daemon is not None:
            left.append(state.daemon)
        end(left)
        processes.reap()


_OPTIONS = ("cpus", "gpus", "time_seconds", "extra")
# Runs until the test opens the gate, and says when it starts and ends.
GATED = "note start {0}; while [ ! -e gate ]; do sleep 0.02; done; note end {0}"


def gated(name: str) -> str:
    """A line that runs until the gate is open."""
    return GATED.format(name)


@contextmanager
def client(code: str) -> Iterator[subprocess.Popen[str]]:
    """Start another Python that may use the queue of this test; it is killed in the end."""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as one:
        try:
            yield one
        finally:
            one.kill()


def most_at_once(lines: list[str]) -> int:
    """How many jobs ran at the same time, by their notes of start and end."""
    running = most = 0
    for line in lines:
        running += {"start": 1, "end": -1}.get(line.split()[0], 0)
        most = max(most, running)
    return most


def described(launch: Launch) -> str:
    """Python that makes the launch again, for another process."""
    paths = {k: str(v) for k, v in vars(launch).items() if isinstance(v, Path)}
    return (
        "import json; from pathlib import Path; from nbsubmit.core.spec import Launch, Resources\n"
        f"paths = {{k: Path(v) for k, v in json.loads({json.dumps(json.dumps(paths))}).items()}}\n"
        f"launch = Launch(id={launch.id!r}, command={launch.command!r}, resources=Resources(), "
        f"**paths)\n"
    )
