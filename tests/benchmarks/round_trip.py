"""How long a cell takes there and back, beside what Slurm and Python need for themselves.

``python -m tests.benchmarks.round_trip [rounds]`` starts a sandbox and prints, for each of four
ways taken in turn, the time from sending to having the result, and its ratio to bare Slurm:

* ``sbatch`` of a script that only touches a file;
* ``sbatch`` of a script that starts Python, imports cloudpickle and touches a file: the least
  that any worker can do;
* a cell through nbsubmit's Slurm backend, from text to value;
* a cell through nbsubmit's local backend.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nbsubmit.backends import registry
from nbsubmit.core.settings import Settings
from nbsubmit.core.watch import Watcher
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import up
from tests.way import Way, until


def bare(folder: Path, line: str) -> Callable[[], None]:
    """A job of Slurm's alone that runs a line and then touches a file."""

    def once() -> None:
        done = folder / f"done-{time.monotonic_ns()}"
        script = f"#!/bin/sh\n#SBATCH --output=/dev/null\n{line}\ntouch '{done}'\n"
        subprocess.run(["sbatch"], input=script, text=True, check=True, capture_output=True)
        until(done.exists, "the job ends")

    return once


def cell(way: Way) -> Callable[[], None]:
    """A cell through nbsubmit."""

    def once() -> None:
        assert way.run("y = x + 1", {"x": 1}).names == {"y": 2}

    return once


def main(rounds: int) -> None:
    """Take the ways in turn and print their times."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with up(SandboxConfig(folder / "sandbox"), owner=os.getpid()) as sandbox:
            os.environ.update(sandbox.environ)
            os.chdir(folder)
            settings = Settings()
            watcher = Watcher(settings)
            python = f"'{sys.executable}' -c 'import cloudpickle'"
            ways = {
                "bare Slurm": bare(folder, "true"),
                "Slurm and Python": bare(folder, python),
                "%%slurm": cell(Way(registry.get("slurm"), folder / "s", watcher, settings)),
                "%%local": cell(Way(registry.get("local"), folder / "l", watcher, settings)),
            }
            times: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(rounds):
                for name, once in ways.items():
                    start = time.perf_counter()
                    once()
                    times[name].append(time.perf_counter() - start)
    report(times)


def report(times: dict[str, list[float]]) -> None:
    """Print the least, the median and the most of each way, and the ratio of the medians."""
    base = statistics.median(times["bare Slurm"])
    print(f"{'':18}{'min':>8}{'median':>8}{'max':>8}   median / bare Slurm")
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"{name:18}{min(found):7.3f}s{middle:7.3f}s{max(found):7.3f}s{middle / base:10.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
