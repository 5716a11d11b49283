"""What tasks of a pack run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbsubmit


def told(number: int) -> dict[str, Any]:
    """What a task can know of itself."""
    print(f"out of {number}")
    print(f"err of {number}", file=sys.stderr)
    here = nbsubmit.JobEnvironment()
    return {
        "number": number,
        "pid": os.getpid(),
        "parent": os.getppid(),
        "session": os.getsid(0),
        "task": os.environ["NBSUBMIT_TASK"],
        "pack": os.environ.get("NBSUBMIT_PACK"),
        "id": here.job_id,
        "array": [os.environ.get(f"SLURM_ARRAY_TASK_{name}") for name in ("ID", "COUNT", "MAX")],
        "chance": random.random(),
        "argv": sys.argv,
        "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "stdin": os.fstat(0).st_rdev,
    }


def end(how: str) -> str:
    """End in one of many ways."""
    if how == "exit":
        os._exit(3)
    elif how == "quietly":
        os._exit(0)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "terminate":
        os.kill(os.getpid(), signal.SIGTERM)
    elif how == "abort":
        os.abort()
    elif how == "raise":
        raise ValueError("raised")
    return how


def mark_and_wait(place: str, number: int) -> int:
    """Leave a mark and wait for a gate."""
    Path(place, f"began {number} {os.getpid()}").touch()
    while not Path(place, "gate").exists():
        time.sleep(0.02)
    return number


def runs(pid: str) -> bool:
    """Tell whether there is such a process that has not ended."""
    try:
        return ") Z " not in Path("/proc", pid, "stat").read_text()
    except FileNotFoundError:
        return False


_SLEEPS = {
    "plainly": "exec sleep 600 > /dev/null & echo $!",
    "in a session of its own": "setsid sleep 600 > /dev/null & echo $!",
    "as an orphan": "(setsid sh -c 'sleep 600 & echo $!; wait' &) | head -n 1",
}


def leave_a_child(place: str, number: int, how: str) -> int:
    """Leave a process behind, and say whether that of the task before is there still."""
    earlier = Path(place, f"child {number - 1}")
    left = earlier.exists() and runs(earlier.read_text().strip())
    pid = subprocess.run(["sh", "-c", _SLEEPS[how]], check=True, stdout=subprocess.PIPE, text=True)
    Path(place, f"child {number}").write_text(pid.stdout)
    return int(left)
