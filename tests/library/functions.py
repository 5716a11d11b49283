"""Functions that jobs call, found on the node by their module's name."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
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


def fail_at(number: int, at: int) -> int:
    """Return the number, unless it is the one that fails."""
    if number == at:
        raise ValueError(f"not {number}")
    return number


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
    """Wait until a file is there, and return what is in it."""
    deadline = time.monotonic() + seconds
    while not Path(path).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.02)
    return Path(path).read_text()


def a_lock() -> Any:
    """Return what cannot be brought back."""
    return {"lock": threading.Lock()}


def fail_when(path: str) -> None:
    """Wait for a file and fail."""
    wait_for(path)
    raise ValueError("it fails")
