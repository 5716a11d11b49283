"""Slurm's programs hang, and the notebook does not.

Promise 5 of README.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.sandbox.sandbox import Sandbox
from tests.journeys.kernel import PATIENCE, Kernel, Ran
from tests.way import until

pytestmark = [pytest.mark.slurm, pytest.mark.kernel]

PROGRAMS = ("sbatch", "squeue", "sacct", "scancel", "scontrol")
# What nobody would call waiting; a program that hangs is waited for 20 seconds.
SOON = 10.0
NO_ANSWER = "slurm cannot be asked: squeue: no answer within 20 s"


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    """A folder of Slurm's programs, each of which hangs or fails while there is a file for that."""
    place = tmp_path / "bin"
    place.mkdir()
    for name in PROGRAMS:
        script = place / name
        script.write_text(
            f"#!/bin/sh\necho {name} >> {place}/calls\n"
            f"if [ -e {place}/{name}.hangs ]; then exec sleep 600; fi\n"
            f"if [ -e {place}/{name}.fails ]; then\n"
            f"  echo '{name}: error: Unable to contact slurm controller' >&2; exit 1\nfi\n"
            f'exec /usr/bin/{name} "$@"\n'
        )
        script.chmod(0o755)
    return place


def within(seconds: float, run: Callable[[], Ran]) -> Ran:
    """Run something, which is to take no longer than that."""
    before = time.monotonic()
    ran = run()
    assert time.monotonic() - before < seconds
    return ran


def test_a_hung_controller_slows_no_cell(
    on_slurm: Sandbox, start_kernel: Callable[..., Kernel], hanging: Path, tmp_path: Path
) -> None:
    kernel = start_kernel(PATH=f"{hanging}{os.pathsep}{os.environ['PATH']}")
    cell = "import os, time\nwhile not os.path.exists('gate'): time.sleep(0.05)\n"
    kernel.run(f"%%slurm --as runs\n{cell}y = 1")
    kernel.run("%%slurm --as waits --hold\nz = 1")
    for name in PROGRAMS:
        (hanging / f"{name}.hangs").touch()

    def troubled() -> Any:
        """Meanwhile the watcher asks, and gets no answer."""
        assert within(SOON, lambda: kernel.run("1 + 1")).result == "2"
        found = within(SOON, lambda: kernel.run("%jobs"))
        return found if NO_ANSWER in found.stdout else None

    listed = until(troubled, NO_ANSWER)
    assert "RUNNING" in listed.stdout
    assert "PENDING" in listed.stdout
    within(SOON, lambda: kernel.run("%jobs show"))
    assert within(SOON, lambda: kernel.run("waits.cancel()")).result == "True"
    (tmp_path / "gate").touch()
    assert within(SOON, lambda: kernel.run("y")).result == "1"
    for file in hanging.glob("*.hangs"):
        file.unlink()
    # What could not be told to Slurm is told once it answers.
    kernel.run("waits.wait(80)")
    assert kernel.run("str(waits.state)").result == "'CANCELLED'"


def test_a_new_kernel_sees_what_is_on_the_disk_while_all_of_slurm_hangs(
    on_slurm: Sandbox, start_kernel: Callable[..., Kernel], hanging: Path
) -> None:
    path = f"{hanging}{os.pathsep}{os.environ['PATH']}"
    kernel = start_kernel(PATH=path)
    kernel.run("%%slurm --wait\nx = 1")
    kernel.run("%%slurm --hold --as waits\ny = 1")
    known = kernel.run("print(waits.id)").stdout.strip()
    kernel.kill()
    for name in PROGRAMS:
        (hanging / f"{name}.hangs").touch()
    (hanging / "calls").unlink()
    # Another queue's folder, as on another login node: nothing is known from others.
    fresh = start_kernel(loads=False, PATH=path, NBSUBMIT_QUEUE=str(hanging / "queue"))
    within(SOON, lambda: fresh.run("%load_ext nbsubmit"))
    assert not (hanging / "calls").exists()

    def says_so() -> bool:  # of a job that is a moment old nobody is asked
        listed = within(SOON, lambda: fresh.run("%jobs list --all"))
        return "slurm has not answered yet" in listed.stdout

    until(says_so, "it is said")
    shown = within(SOON, lambda: fresh.run(f"%jobs show {known}"))
    assert "slurm has not answered yet" in shown.stdout
    within(SOON, lambda: fresh.run(f"%jobs attach {known}"))
    within(SOON, lambda: fresh.run(f"import nbsubmit\nfound = nbsubmit.attach({known!r})"))
    assert "slurm has not answered yet" in fresh.run("print(found.status)").stdout
    shown = within(SOON, lambda: fresh.run("print([str(job.state) for job in nbsubmit.jobs()])"))
    assert shown.stdout.strip() == "['COMPLETED', 'PENDING']"
    for file in hanging.glob("*.hangs"):
        file.unlink()


def test_sending_to_a_hung_controller_says_what_is_waited_for_and_can_be_interrupted(
    on_slurm: Sandbox, start_kernel: Callable[..., Kernel], hanging: Path
) -> None:
    kernel = start_kernel(PATH=f"{hanging}{os.pathsep}{os.environ['PATH']}")
    (hanging / "sbatch.hangs").touch()
    started = kernel.start("%%slurm\ny = 1")
    said = ""
    while "Slurm's sbatch has not answered yet" not in said:
        message = kernel.client.get_iopub_msg(timeout=PATIENCE)
        said += message["content"].get("text", "")
    kernel.interrupt()
    ran = within(SOON, lambda: kernel.finish(started))
    assert ran.status == "error"
    assert "KeyboardInterrupt" in ran.traceback
    (hanging / "sbatch.hangs").unlink()
    listed = kernel.run("%jobs list --all")
    assert "REFUSED" in listed.stdout
    assert "interrupted" in listed.stdout


def test_a_cancel_that_slurm_cannot_be_told_is_noted_in_a_line(
    on_slurm: Sandbox, start_kernel: Callable[..., Kernel], hanging: Path
) -> None:
    kernel = start_kernel(PATH=f"{hanging}{os.pathsep}{os.environ['PATH']}")
    kernel.run("%%slurm --hold --as job\ny = 1")
    (hanging / "scancel.fails").touch()
    said = kernel.run("%jobs cancel job").stdout
    assert "that it is to end is noted, and could not be said" in said
    assert "Unable to contact slurm controller" in said
    assert "being cancelled" in kernel.run("%jobs").stdout
    (hanging / "scancel.fails").unlink()
    assert "is being cancelled" in kernel.run("%jobs cancel job").stdout
    kernel.run("job.wait(60)")
    assert kernel.run("str(job.state)").result == "'CANCELLED'"
