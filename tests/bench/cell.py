"""How long a cell takes there and back, beside what Slurm and Python need for themselves.

``python -m tests.bench.cell [--rows]`` starts a sandbox and a kernel, and takes in turn:

* ``sbatch`` of a script that starts Python, imports cloudpickle and touches a file, which is looked
  for every 5 ms: the least that any worker can do;
* a cell of a notebook through ``%%slurm --wait``, from being sent to its reply;
* a function through submitit's executor for Slurm;
* Python that imports cloudpickle, a cell through ``%%local --wait``, and submitit's local executor.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import submitit

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import up
from tests.bench.nothing import add
from tests.bench.table import Row, in_turn, tell, within
from tests.journeys.kernel import Kernel

ROUNDS = 15
THEIR_ROUNDS = 3
LOOK_SECONDS = 0.005
IMPORTS = [sys.executable, "-c", "import cloudpickle"]


def bare(folder: Path) -> Callable[[], None]:
    """A job of Slurm's alone that starts Python and then touches a file."""

    def once() -> None:
        done = folder / f"done-{time.monotonic_ns()}"
        line = f"'{sys.executable}' -c 'import cloudpickle'"
        script = f"#!/bin/sh\n#SBATCH --output=/dev/null\n{line}\ntouch '{done}'\n"
        subprocess.run(["sbatch"], input=script, text=True, check=True, capture_output=True)
        while not done.exists():
            time.sleep(LOOK_SECONDS)

    return once


def cell(kernel: Kernel, magic: str) -> Callable[[], float]:
    """A cell of a notebook, another one each time; from being sent until its value is there."""

    def once() -> float:
        number = time.monotonic_ns()
        kernel.run(f"x = {number}")
        begun = time.perf_counter()
        ran = kernel.run(f"%%{magic} --wait --quiet\ny = x + 1")
        assert ran.status == "ok", ran.traceback
        assert kernel.run("y - x").result == "1"
        return time.perf_counter() - begun

    return once


def theirs(executor: Any) -> Callable[[], None]:
    """A function through submitit."""

    def once() -> None:
        assert executor.submit(add, 1, 2).result() == 3

    return once


def rows() -> Iterator[Row]:
    """Measure all of them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with up(SandboxConfig(folder / "sandbox", accounting=True), owner=os.getpid()) as sandbox:
            os.environ.update(sandbox.environ)
            os.chdir(folder)
            kernel = Kernel(folder, {})
            try:
                kernel.run("%load_ext nbsubmit")
                ours = {
                    "floor": bare(folder),
                    "slurm": cell(kernel, "slurm"),
                    "python": lambda: subprocess.run(IMPORTS, check=True),
                    "local": cell(kernel, "local"),
                }
                found = in_turn(ours, ROUNDS)
                on_slurm = submitit.AutoExecutor(folder / "submitit", cluster="slurm")
                on_slurm.update_parameters(timeout_min=5)
                here = submitit.AutoExecutor(folder / "submitit", cluster="local")
                peers = in_turn({"slurm": theirs(on_slurm), "local": theirs(here)}, THEIR_ROUNDS)
            finally:
                kernel.close()
    slurm, local = "one cell on Slurm, sent to value", "one cell on this machine, sent to value"
    yield within(slurm, found["slurm"], "sbatch of Python", found["floor"], 1.3, more=0.15)
    yield within(slurm, found["slurm"], "submitit", peers["slurm"], 0.5)
    yield within(local, found["local"], "Python with cloudpickle", found["python"], 2)
    yield within(local, found["local"], "submitit", peers["local"], 0.1)


if __name__ == "__main__":
    tell(rows())
