"""Functions that jobs call, found on the node by their module's name."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add(a: int, b: int = 0) -> int:
    """Return the sum."""
    return a + b


def same(value: Any) -> Any:
    """Return the argument."""
    return value


def talk(text: str) -> None:
    """Print to both streams."""
    print(f"{text} to out")
    print(f"{text} to err", file=sys.stderr)


def say_what_is_loaded() -> None:
    """Print the names of all modules, a line each."""
    print(*sys.modules, sep="\n")


def fail_at(number: int, at: int) -> int:
    """Return the number, unless it is the one that fails."""
    if number == at:
        raise ValueError(f"not {number}")
    return number


def raise_from(cause: Exception | None) -> None:
    """Raise an error from another one; from one that cannot be pickled if none is given."""
    raise ValueError("x") from (cause or KeyError(threading.Lock()))


def rank() -> tuple[int, int]:
    """Return this process's rank and how many there are."""
    import nbsubmit

    environment = nbsubmit.JobEnvironment()
    return environment.global_rank, environment.num_tasks


def end(how: str) -> None:
    """End the process in one of many ways."""
    if how == "exit":
        sys.exit(0)
    elif how == "exit 3":
        sys.exit(3)
    elif how == "interrupt":
        raise KeyboardInterrupt
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "abort":
        os.abort()


def wait_for(path: str, seconds: float = 60.0) -> str:
    """Wait until there is something in a file, and return it."""
    _wait_until(lambda: _is_there(path) and Path(path).read_text() != "", path, seconds)
    return Path(path).read_text()


def _is_there(path: str) -> bool:
    return Path(path).exists()


def _wait_until(happens: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def read_after(go: str, path: str) -> str:
    """Wait for one file, and return what is in another, which may not be there."""
    _wait_until(lambda: _is_there(go), go)
    return Path(path).read_text()


def mark_when(go: str, number: int, place: str) -> int:
    """Wait for a file, leave one of its own, and return the number."""
    _wait_until(lambda: _is_there(go), go)
    Path(place, f"{number} by {os.getpid()}").touch()
    return number


def a_lock() -> Any:
    """Return what cannot be brought back."""
    return {"lock": threading.Lock()}


def fail_when(path: str) -> None:
    """Wait for a file and fail."""
    _wait_until(lambda: _is_there(path), path)
    raise ValueError("it fails")
