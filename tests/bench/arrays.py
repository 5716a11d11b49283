"""What a job array of ten thousand tasks costs its client, beside submitit in the same run.

``python -m tests.bench.arrays [tasks] [--rows]`` starts a sandbox that takes that many, and prints
for both: the time to submit, the files that are there before any task runs, the calls of Slurm's
programs in the first minute of waiting, the time to gather all results, and how much memory grows.
The array waits in the queue (``--hold``) while that is measured; then each task is run in a process
pool of this machine, as its script would, without the seconds that Slurm takes to start so many on
two processors.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import submitit

import nbsubmit
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.tasks import Shape, TaskFolder, TaskKey
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import up
from tests.bench.table import ROWS, Row, at_most, tell

WAIT_SECONDS = 60.0


def add(a: int, b: int) -> int:
    """Return the sum."""
    return a + b


def counted_programs(place: Path) -> Callable[[], int]:
    """Put programs before Slurm's that note each call, and return what counts them."""
    log, programs = place / "calls", place / "bin"
    log.touch()
    programs.mkdir()
    for name in ("sbatch", "squeue", "sacct", "scontrol", "scancel"):
        script = programs / name
        script.write_text(f'#!/bin/sh\necho {name} >> {log}\nexec {shutil.which(name)} "$@"\n')
        script.chmod(0o755)
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return lambda: len(log.read_text().splitlines())


def run_ours(folder: Path, indices: Sequence[int]) -> None:
    """Run some tasks of an array of ours, as their scripts would."""
    from nbsubmit.core.definitions.known import as_another_process
    from nbsubmit.worker.run import run

    job = JobFolder(folder)
    shape = Shape.of(job.spec)
    for index in indices:
        task = TaskFolder(job, TaskKey(index), shape)
        task.create()
        with task.log_out.open("ab") as out, task.log_err.open("ab") as err, as_another_process():
            run(task, stdout=out.fileno(), stderr=err.fileno())


def run_theirs(folder: Path, ids: Sequence[str]) -> None:
    """Run some tasks of an array of submitit's, as their scripts would."""
    from submitit.core.submission import process_job

    os.environ.update(SUBMITIT_EXECUTOR="slurm", SLURM_PROCID="0", SLURM_LOCALID="0")
    os.environ.update(SLURM_NTASKS="1", SLURM_JOB_NUM_NODES="1", SLURM_NODEID="0")
    for job_id in ids:
        array, _, index = job_id.partition("_")
        os.environ.update(SLURM_ARRAY_JOB_ID=array, SLURM_ARRAY_TASK_ID=index, SLURM_JOB_ID=array)
        process_job(folder)


def in_pool(run: Callable[[Path, Any], None], folder: Path, items: Sequence[Any]) -> None:
    """Run tasks in as many processes as there are processors."""
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        parts = [items[n::workers] for n in range(workers)]
        list(pool.map(run, [folder] * workers, parts))


def files_in(folder: Path) -> int:
    """How many files and folders are in there."""
    return sum(len(names) + len(folders) for _, folders, names in os.walk(folder))


def memory_mb() -> float:
    """The largest memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, module: Any, count: int, calls: Callable[[], int]) -> dict[str, float]:
    """Submit, wait, and gather with a module that has submitit's names."""
    folder = Path(name)
    executor = module.AutoExecutor(folder, cluster="slurm")
    executor.update_parameters(
        timeout_min=5, slurm_array_parallelism=256, slurm_additional_parameters={"hold": True}
    )
    before, memory = calls(), memory_mb()
    started = time.perf_counter()
    jobs = executor.map_array(add, range(count), range(count))
    found = {"submit, s": time.perf_counter() - started}
    found["files before the first task"] = files_in(folder)
    submits = calls() - before
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        done = sum(job.done() for job in jobs)
        assert done == 0
        time.sleep(1)
    found["calls to submit"] = submits
    found["calls in a minute of waiting"] = calls() - before - submits
    if name == "nbsubmit":
        in_pool(run_ours, jobs[0].folder.whole, range(count))
    else:
        in_pool(run_theirs, folder, [job.job_id for job in jobs])
    started = time.perf_counter()
    results = [job.result() for job in jobs]
    found["gather, s"] = time.perf_counter() - started
    assert results == [2 * n for n in range(count)]
    found["memory, MB more"] = memory_mb() - memory
    subprocess.run(["scancel", "--state=PENDING", "--me"], check=False)
    return found


def measured(count: int) -> dict[str, dict[str, float]]:
    """Measure both."""
    with tempfile.TemporaryDirectory() as place:
        conf = {"MaxArraySize": "100001", "MaxJobCount": "200000"}
        config = SandboxConfig(Path(place) / "sandbox", extra_conf=conf)
        with up(config, owner=os.getpid()) as sandbox:
            os.environ.update(sandbox.environ)
            os.environ.pop("NBSUBMIT_BACKEND", None)
            os.chdir(place)
            calls = counted_programs(Path(place))
            found: dict[str, dict[str, float]] = {}
            for name, module in (("nbsubmit", nbsubmit), ("submitit", submitit)):
                found[name] = measure(name, module, count, calls)
    return found


def rows(count: int) -> Iterator[Row]:
    """Measure both, for the table of all measures."""
    found = measured(count)
    ours, theirs = found["nbsubmit"], found["submitit"]
    array = f"an array of {count:,}"

    def row(what: str, key: str, unit: str, times: float) -> Row:
        met = ours[key] <= times * theirs[key]
        aim = f"at most {times:g} times"
        return Row(f"{array}: {what}", ours[key], unit, "submitit", theirs[key], aim, met)

    yield row("to submit", "submit, s", "s", 0.1)
    yield row("files before the first task", "files before the first task", "", 0.1)
    yield row("to gather", "gather, s", "s", 1)
    yield at_most(f"{array}: memory in the client", ours["memory, MB more"], "MB more", 100)


def main(count: int) -> None:
    """Measure both and print a table."""
    found = measured(count)
    print(f"{count} tasks" + "".join(f"{name:>14}" for name in found))
    for row in found["nbsubmit"]:
        print(f"{row:32}" + "".join(f"{values[row]:14.2f}" for values in found.values()))


if __name__ == "__main__":
    tasks = next((int(word) for word in sys.argv[1:] if word.isdecimal()), 10_000)
    if ROWS in sys.argv:
        tell(rows(tasks))
    else:
        main(tasks)
