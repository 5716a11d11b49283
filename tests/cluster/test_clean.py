"""A job that Slurm has is not removed, whatever its folder and the queue seem to say."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.client.cleaning import Plan, cleaner
from nbsubmit.core.cleaning import Wish
from nbsubmit.core.job import Job
from nbsubmit.sandbox.sandbox import Sandbox
from tests.way import PATIENCE, Way, until

pytestmark = pytest.mark.slurm

RUNS = (
    "import time\nfrom pathlib import Path\nwhile not Path('go').exists(): time.sleep(0.1)\ny = 1"
)


@pytest.fixture
def slurm_way(make_way: Callable[..., Way], on_slurm: Sandbox) -> Way:
    """The way over the session's Slurm."""
    return make_way("slurm")


def cleaned(way: Way) -> Plan:
    """Remove all that may go."""
    here = cleaner(way.store)
    return here.remove(here.plan(Wish(keep=0)))


def named(way: Way, job: Job) -> str:
    """Why a job that is named stays."""
    return cleaner(way.store).plan(Wish(ids=frozenset({job.id}))).stays.get(job.id, "")


def test_what_waits_or_runs_stays_and_brings_its_result(slurm_way: Way, tmp_path: Path) -> None:
    waits, runs = slurm_way.send("y = 2", hold=None), slurm_way.send(RUNS)
    ended = slurm_way.run("y = 3")
    until(lambda: runs.folder.started_file.exists(), "it runs")
    until(
        lambda: [item.id for item in cleaned(slurm_way).going] == [ended.id], "its script is over"
    )
    assert cleaned(slurm_way).going == []
    assert named(slurm_way, waits) == "it is PENDING"
    assert named(slurm_way, runs) == "it is RUNNING"
    (tmp_path / "go").touch()
    subprocess.run(["scontrol", "release", waits.handle], check=True)
    assert runs.wait(PATIENCE).names["y"] == 1
    assert waits.wait(PATIENCE).names["y"] == 2


def test_a_job_whose_handle_nobody_noted_stays_for_slurm_knows_it(slurm_way: Way) -> None:
    job = slurm_way.send("y = 1", hold=None)
    handle = job.handle
    job.folder.handle_file.unlink()
    spec = job.folder.read_json(job.folder.spec_file) or {}
    job.folder.write_json(job.folder.spec_file, {**spec, "created": time.time() - 3600})
    assert cleaned(slurm_way).going == []
    assert named(slurm_way, job) == "it is PENDING"
    assert job.folder.handle() == handle


def test_a_job_stays_while_slurm_cannot_be_asked_for_it(
    slurm_way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = slurm_way.send("y = 1", hold=None)
    handle = job.folder.handle_file.read_bytes()
    job.folder.handle_file.unlink()
    spec = job.folder.read_json(job.folder.spec_file) or {}
    job.folder.write_json(job.folder.spec_file, {**spec, "created": time.time() - 3600})
    broken = tmp_path / "bin"
    broken.mkdir()
    for program in ("squeue", "sacct"):
        (broken / program).write_text(
            "#!/bin/sh\necho 'Unable to contact controller' >&2\nexit 1\n"
        )
        (broken / program).chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{broken}{os.pathsep}{os.environ['PATH']}")
        assert cleaned(slurm_way).going == []
        assert named(slurm_way, job) == "it is PENDING"
        assert not job.folder.end_file.exists()  # it is not taken for lost
    job.folder.handle_file.write_bytes(handle)
    assert named(slurm_way, job) == "it is PENDING"
