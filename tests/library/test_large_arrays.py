"""An array that is larger than the site takes at once is sent in parts, and stays one list."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.core.errors import SubmitError
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.library import functions
from tests.library.conftest import Makes
from tests.way import PATIENCE, until

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def small_arrays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A Slurm that takes arrays of four at most, and no index above three."""
    folder = tmp_path_factory.mktemp("small_arrays")
    config = SandboxConfig(folder, extra_conf={"MaxArraySize": "5"})
    with up(config, owner=os.getpid()) as sandbox:
        yield sandbox


@pytest.fixture
def executor(
    make_executor: Makes, small_arrays: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> nbsubmit.AutoExecutor:
    """An executor on it."""
    for name, value in small_arrays.environ.items():
        monkeypatch.setenv(name, value)
    return make_executor("slurm")


def test_all_tasks_run_each_with_its_own_arguments(executor: nbsubmit.AutoExecutor) -> None:
    jobs = executor.map_array(functions.add, range(10), [100] * 10)
    assert jobs.results(PATIENCE) == [100 + n for n in range(10)]
    arrays = [job.job_id.partition("_")[0] for job in jobs]
    assert [arrays.count(array) for array in dict.fromkeys(arrays)] == [4, 4, 2]
    assert [int(job.job_id.partition("_")[2]) for job in jobs] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_each_knows_its_id_and_has_its_own_log(executor: nbsubmit.AutoExecutor) -> None:
    jobs = executor.map_array(own_id, range(6))
    assert jobs.results(PATIENCE) == [job.job_id for job in jobs]
    assert [job.stdout() for job in jobs] == [f"this is {n}\n" for n in range(6)]
    again = pickle.loads(pickle.dumps(jobs[5]))
    assert again.result(PATIENCE) == jobs[5].job_id
    found = nbsubmit.attach(jobs[5].job_id, "logs")
    assert found.result(PATIENCE) == jobs[5].job_id


def test_they_are_cancelled_together_and_alone(executor: nbsubmit.AutoExecutor) -> None:
    go = Path("go").absolute()
    jobs = executor.map_array(functions.wait_for, [str(go)] + ["/no/such/file"] * 5)
    until(lambda: all(job.running() for job in jobs), "all run")
    jobs[5].cancel()
    assert jobs[5].wait(PATIENCE).state == "CANCELLED"
    assert not jobs[4].is_over
    go.write_text("went")
    assert jobs[0].result(PATIENCE) == "went"
    jobs.cancel()
    assert [job.state for job in jobs.wait(PATIENCE)] == ["COMPLETED"] + ["CANCELLED"] * 5


def test_of_one_that_is_given_up_halfway_nothing_runs_even_if_slurm_cannot_be_told(
    executor: nbsubmit.AutoExecutor,
    small_arrays: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    unreached = "echo 'Unable to contact slurm controller' >&2; exit 1"
    first = f'if mkdir {tmp_path}/taken; then exec {shutil.which("sbatch")} --hold "$@"; fi'
    lines = {"sbatch": f"{first} 2>/dev/null\n{unreached}", "scancel": unreached}
    for name, line in lines.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(programs), prepend=os.pathsep)
        with pytest.raises(SubmitError, match="could not be submitted"):
            executor.map_array(touch, [str(tmp_path / f"ran{n}") for n in range(6)])
    assert "could not be cancelled" in caplog.text
    states = {job.id: job.status for job in nbsubmit.jobs("logs")}
    assert [str(status).partition(" ")[0] for status in states.values()] == ["REFUSED"]
    (array,) = set(small_arrays.call("squeue", "--noheader", "--format=%F").split())
    small_arrays.call("scontrol", "release", array)
    queued = ("squeue", "--noheader", "--states=PENDING,RUNNING,COMPLETING", f"--jobs={array}")
    until(lambda: not small_arrays.call(*queued).strip(), "its tasks have ended")
    assert not list(tmp_path.glob("ran*"))


def touch(path: str) -> None:
    """Leave a sign of having run."""
    Path(path).touch()


def own_id(number: int) -> str:
    """Print the number and return the job's id."""
    print("this is", number)
    return nbsubmit.JobEnvironment().job_id
