"""An array of a thousand tasks through Slurm to all its results.

``python -m tests.bench.array_on_slurm [tasks]`` beside Slurm's own time for as many times ``true``,
and submitit, on a sandbox's Slurm that lets as many run at once as it has processors.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import submitit

import nbsubmit
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import up
from tests.bench.nothing import add
from tests.bench.table import Row, in_turn, tell, within

AT_ONCE = 256
# So many tasks run one after another in one allocation.
PACK = 50


def bare(count: int) -> None:
    """An array of ``true``, until Slurm knows of none of its tasks."""
    command = ["sbatch", "--parsable", "--output=/dev/null", f"--array=0-{count - 1}%{AT_ONCE}"]
    done = subprocess.run(
        command, input="#!/bin/sh\ntrue\n", text=True, check=True, capture_output=True
    )
    waiting = ["squeue", "--noheader", "--states=PENDING,RUNNING", f"--jobs={done.stdout.strip()}"]
    while subprocess.run(waiting, capture_output=True, check=False).stdout:
        time.sleep(0.1)


def mapped(module: Any, folder: Path, count: int, **parameters: Any) -> None:
    """An array of calls through a module with submitit's names."""
    executor = module.AutoExecutor(folder, cluster="slurm")
    executor.update_parameters(timeout_min=5, slurm_array_parallelism=AT_ONCE, **parameters)
    jobs = executor.map_array(add, range(count), range(count))
    assert [job.result() for job in jobs] == [2 * n for n in range(count)]


def rows(count: int) -> Iterator[Row]:
    """Measure all of them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        conf = {"MaxArraySize": "10001", "MaxJobCount": "20000"}
        with up(
            SandboxConfig(folder / "sandbox", accounting=True, extra_conf=conf), owner=os.getpid()
        ) as sandbox:
            os.environ.update(sandbox.environ)
            os.chdir(folder)
            found = in_turn(
                {
                    "bare": lambda: bare(count),
                    "ours": lambda: mapped(nbsubmit, folder / "ours", count),
                    "packed": lambda: mapped(nbsubmit, folder / "packed", count, pack=PACK),
                    "submitit": lambda: mapped(submitit, folder / "submitit", count),
                },
                1,
            )
    measure = f"an array of {count:,} on Slurm, all results"
    yield within(measure, found["ours"], "Slurm's own for `true`", found["bare"], 1.3)
    yield Row(measure, found["ours"], "s", "submitit", found["submitit"], "", met=True)
    packed = f"{measure}, {PACK} in an allocation"
    yield Row(packed, found["packed"], "s", "submitit", found["submitit"], "", met=True)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    tell(rows(*numbers or [1000]))
