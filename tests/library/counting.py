"""What jobs run that are interrupted: they count until a gate opens, and note where they began."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import nbsubmit
from nbsubmit.core.delayed import DelayedSubmission


class Place:
    """Where a test and its jobs leave each other word."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, text: object) -> None:
        """Add a line."""
        with (self.path / "notes").open("a") as file:
            file.write(f"{text}\n")

    def lines(self) -> list[str]:
        """All lines."""
        file = self.path / "notes"
        return file.read_text().splitlines() if file.exists() else []

    def open_gate(self) -> None:
        """Let those go on who wait."""
        (self.path / "gate").touch()

    @property
    def is_open(self) -> bool:
        """Tell whether they may."""
        return (self.path / "gate").exists()


def wait(place: Place, name: str = "") -> str:
    """Not checkpointable: it begins from the start each time."""
    place.note(f"from the start {name}".strip())
    while not place.is_open:
        time.sleep(0.02)
    return f"done {name}".strip()


class Counting:
    """Goes on from where it was."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.done = 0

    def __call__(self, name: str = "") -> int:
        self.place.note(f"from {self.done} {name}".strip())
        while not self.place.is_open:
            self.done += 1
            time.sleep(0.02)
        return self.done

    def checkpoint(self, *args: Any, **kwargs: Any) -> DelayedSubmission:
        return DelayedSubmission(self, *args, **kwargs)


class Preferring(Counting):
    """Has submitit's method, too."""

    def checkpoint(self, *args: Any, **kwargs: Any) -> DelayedSubmission:
        raise AssertionError("the other one is preferred")

    def __submitit_checkpoint__(self, *args: Any, **kwargs: Any) -> DelayedSubmission:
        return DelayedSubmission(self, *args, **kwargs)


class Ending(Counting):
    """Does not want to be run again."""

    def checkpoint(self, *args: Any, **kwargs: Any) -> Any:
        return None


class Unsaved(Counting):
    """Holds what cannot be pickled, from the second step on."""

    def __call__(self, name: str = "") -> int:
        self.lock = threading.Lock()
        return super().__call__(name)


class Ranks(Counting):
    """Says who it is, too."""

    def __call__(self, name: str = "") -> int:
        rank = int(os.environ.get("NBSUBMIT_RANK") or os.environ.get("SLURM_PROCID") or 0)
        self.done += 100 * (self.done == 0 and rank == 0)
        return super().__call__(f"rank {rank}") and rank


def in_c(place: Place) -> str:
    """Its main thread takes no notice of a signal until the gate is open."""
    library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    waiting = Path(f"/proc/self/task/{os.getpid()}/syscall")

    def unlock() -> None:
        # Before it waits for this very lock, Python would still see to a signal.
        while hex(ctypes.addressof(mutex)) not in waiting.read_text().split():
            time.sleep(0.02)
        place.note("in C")
        while not place.is_open:
            time.sleep(0.02)
        library.pthread_mutex_unlock(mutex)

    library.pthread_mutex_lock(mutex)
    threading.Thread(target=unlock, daemon=True).start()
    library.pthread_mutex_lock(mutex)
    return "done"


def catches_all(place: Place) -> str:
    """Code that lets nothing out."""
    place.note("begins")
    while not place.is_open:
        try:
            time.sleep(0.02)
        except BaseException:
            continue
    return "caught"


def ends_a_child() -> list[int | None]:
    """The exit codes of children that are told to end by either signal."""
    codes = []
    for number in (signal.SIGTERM, signal.SIGUSR2):
        context = multiprocessing.get_context("fork")
        child = context.Process(target=time.sleep, args=(300,))
        child.start()
        assert child.pid is not None
        os.kill(child.pid, number)
        child.join(30)
        codes.append(child.exitcode)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_stuck)
    child.start()
    child.terminate()
    child.join(30)
    return [*codes, child.exitcode]


def one_is_stuck(place: Place) -> int:
    """The second of two processes waits, the first time, in code that is not Python's."""
    rank = int(os.environ["NBSUBMIT_RANK"])
    is_first_run = not place.is_open
    if rank == 1 and is_first_run:
        library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
        place.note("stuck")
        library.pthread_mutex_lock(mutex)
        library.pthread_mutex_lock(mutex)
    while is_first_run:
        time.sleep(0.02)
    return rank


class Disturbs:
    """Its arrival in the job is the moment at which the job is sent a signal, once."""

    def __init__(self, place: Place, number: int) -> None:
        self.place, self.number = place, number

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self.place.lines():
            self.place.note("disturbed")
            os.kill(os.getpid(), self.number)

    def __call__(self) -> str:
        self.place.note("runs")
        return "done"

    def checkpoint(self) -> DelayedSubmission:
        self.place.note("saved")
        return DelayedSubmission(self)


def _stuck() -> None:
    """A child whose main thread never comes back to Python."""
    sum(range(10**12))


def with_state(place: Place) -> int:
    """Has no checkpoint of its own, and keeps a state."""
    state = nbsubmit.checkpoint(done=0)
    place.note(f"from {state.done}")
    while not place.is_open:
        state.done += 1
        time.sleep(0.02)
    return int(state.done)
