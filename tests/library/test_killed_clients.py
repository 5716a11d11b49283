"""A client that is killed on the way: what runs can be found, and what was sent is not lost.

Promise 4 of README.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.core.errors import JobLost
from nbsubmit.sandbox.sandbox import Sandbox
from tests.way import PATIENCE, until

ROOT = Path(__file__).parents[2]

CLIENT = """
import nbsubmit
from tests.library import functions
executor = nbsubmit.AutoExecutor("logs", cluster={cluster!r})
{send}
"""
ONE = "executor.submit(functions.wait_for, {path!r})"
MANY = "executor.map_array(functions.wait_for, [{path!r}] * 3)"


def run_client(cluster: str, send: str, path: Path, before: str = "") -> int:
    code = before + CLIENT.format(cluster=cluster, send=send.format(path=str(path)))
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], env=environ, check=False).returncode


@pytest.fixture
def killing_sbatch(on_slurm: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An sbatch that submits, and kills who called it before it can hear of it."""
    place = tmp_path / "bin"
    place.mkdir()
    script = place / "sbatch"
    script.write_text(f'#!/bin/sh\n{shutil.which("sbatch")} "$@" > /dev/null\nkill -9 $PPID\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)


@pytest.mark.slurm
@pytest.mark.parametrize("send", [ONE, MANY], ids=["one job", "an array"])
def test_what_slurm_took_from_a_client_that_died_is_found_and_attached_to(
    killing_sbatch: None, tmp_path: Path, send: str
) -> None:
    go = tmp_path / "go"
    assert run_client("slurm", send, go) == -9
    (folder,) = Path("logs/.nbsubmit/jobs").iterdir()
    assert not (folder / "handle.json").exists()
    job = until(lambda: with_handle(folder.name), "the job is found in the queue")
    assert not job.done()
    go.write_text("went")
    assert job.result(PATIENCE) == ("went" if send == ONE else ["went"] * 3)


def with_handle(job_id: str) -> nbsubmit.Job[object] | None:
    job = nbsubmit.attach(job_id, "logs")
    return job if job.handle else None


@pytest.mark.slurm
def test_such_a_job_can_be_cancelled(killing_sbatch: None, tmp_path: Path) -> None:
    assert run_client("slurm", ONE, tmp_path / "never") == -9
    (folder,) = Path("logs/.nbsubmit/jobs").iterdir()
    job = until(lambda: with_handle(folder.name), "the job is found in the queue")
    job.cancel()
    assert job.wait(PATIENCE).state == "CANCELLED"


def test_a_client_that_died_before_it_could_start_a_job_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dies = (
        "import os, nbsubmit.core.submit as way\nway._start = lambda *a: os.kill(os.getpid(), 9)\n"
    )
    assert run_client("local", ONE, tmp_path / "never", dies) == -9
    (folder,) = Path("logs/.nbsubmit/jobs").iterdir()
    monkeypatch.setattr("nbsubmit.core.settle.LIMBO_SECONDS", 0.1)
    job = nbsubmit.attach(folder.name, "logs")
    with pytest.raises(JobLost, match="while it was handing it over"):
        job.result(PATIENCE)
