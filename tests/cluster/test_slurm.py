"""What only Slurm does, on a real one."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.backends import registry
from nbsubmit.core.asking import Asked
from nbsubmit.core.errors import BackendMissing, JobError, Refused
from nbsubmit.core.job import Job
from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import CellOptions, Resources
from nbsubmit.core.state import JobState
from nbsubmit.core.watch import Watcher, poll_once
from nbsubmit.core.watched import Watched
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.way import PATIENCE, Way, until

pytestmark = pytest.mark.slurm

RUNS_ON = "import os, time\nprint(os.getpid(), flush=True)\nwhile True: time.sleep(0.1)"


@pytest.fixture
def slurm_way(make_way: Callable[..., Way], on_slurm: Sandbox) -> Way:
    """The way over the session's Slurm."""
    return make_way("slurm")


def queue(sandbox: Sandbox) -> str:
    """The names of all jobs that squeue shows."""
    return sandbox.call("squeue", "--noheader", "--format=%i %k")


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Count the calls of Slurm's programs, by programs of the same names that note and pass on."""
    log = tmp_path / "calls"
    log.touch()
    place = tmp_path / "bin"
    place.mkdir()
    for program in ("sbatch", "squeue", "sacct", "scancel", "scontrol"):
        real = shutil.which(program)
        script = place / program
        script.write_text(f'#!/bin/sh\necho {program} "$@" >> {log}\nexec {real} "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")

    def count(program: str) -> int:
        return sum(line.split()[0] == program for line in log.read_text().splitlines())

    return count


def test_a_job_that_ends_normally_costs_no_query(
    make_way: Callable[..., Way], on_slurm: Sandbox, calls: Callable[[str], int]
) -> None:
    way = make_way("slurm", poll_seconds=15.0)
    jobs = [way.send(f"import time\ntime.sleep(1)\ny = {n}") for n in range(3)]
    assert [job.wait(PATIENCE).names["y"] for job in jobs] == [0, 1, 2]
    assert calls("sbatch") == 3
    assert 1 <= calls("scontrol") <= 3  # is there a controller? One that has just said so is.
    assert calls("squeue") == 0
    assert calls("sacct") == 0


def test_a_hundred_live_jobs_cost_one_call_an_interval(
    on_slurm: Sandbox, calls: Callable[[str], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(poll_seconds=15.0)
    unwatched = Watcher(settings)
    monkeypatch.setattr(unwatched, "add", lambda job: None)
    backend = registry.get("slurm")
    jobs: list[Job] = []
    way = Way(backend, tmp_path / "store", unwatched, settings, jobs)
    for n in range(100):
        way.send(f"y = {n}", hold=None)
    watched = [Watched(job, since=0.0) for job in jobs]
    asked = Asked()
    before = calls("squeue")
    try:
        for second in range(61):
            poll_once(watched, backend, asked, settings, float(second))
        assert calls("squeue") - before == 4
        assert {job.state for job in jobs} == {JobState.PENDING}
        assert {job.status.reason for job in jobs} == {"it is held"}
    finally:
        subprocess.run(["scancel", *(job.handle for job in jobs)], check=True)
        # They were never watched, so the fixture must not wait for them.
        jobs.clear()


def test_a_refused_job_says_why_and_leaves_no_orphan(slurm_way: Way, on_slurm: Sandbox) -> None:
    with pytest.raises(Refused, match="invalid partition specified") as caught:
        slurm_way.send("y = 1", partition="nonesuch")
    folder = next((slurm_way.store / "jobs").iterdir())
    script = folder / "script.sh"
    assert str(script) in str(caught.value)
    assert "--partition=nonesuch" in script.read_text()
    assert folder.name not in queue(on_slurm)
    from nbsubmit.client.jobs import attach

    job = attach(folder.name, slurm_way.store)
    assert job.state is JobState.REFUSED
    assert "invalid partition" in job.status.reason


def test_a_job_is_cancelled_by_somebody_else(slurm_way: Way) -> None:
    job = slurm_way.send(RUNS_ON)
    until(lambda: job.stdout(), "the cell runs")
    subprocess.run(["scancel", job.handle], check=True)
    job.wait(30)
    assert job.state is JobState.CANCELLED
    assert "somebody cancelled it" in job.status.reason


def test_a_pending_job_says_why_it_waits_and_can_be_cancelled(slurm_way: Way) -> None:
    job = slurm_way.send("y = 1", hold=None)
    until(lambda: "held" in job.status.reason, "the reason is known")
    assert job.state is JobState.PENDING
    job.cancel()
    assert job.wait(30).status.reason == "cancelled from this notebook"


def test_a_dependency_that_cannot_be_met_ends_the_job(slurm_way: Way) -> None:
    first = slurm_way.run("1 / 0")
    second = slurm_way.send("y = 1", dependency=f"afterok:{first.handle}").wait(30)
    assert second.state is JobState.CANCELLED


def test_options_reach_slurm(slurm_way: Way, on_slurm: Sandbox) -> None:
    resources = Resources(name="named here", cpus=3, gpus="2", memory_mib=100, time_seconds=3600)
    job = slurm_way.send("y = 1", options=CellOptions(resources=resources), hold=None)
    shown = on_slurm.call("scontrol", "show", "job", job.handle)
    job.cancel()
    assert "JobName=named here" in shown
    assert "CPUs/Task=3" in shown
    assert "gres:gpu:2" in shown or "gres/gpu=2" in shown
    assert "TimeLimit=01:00:00" in shown
    assert f"Comment=nbsubmit:{job.id}" in shown


@pytest.mark.parametrize(
    "name", ["two words", "quote'\"s", "$HOME", "`id`", "$(id)", "a;b#c", "back\\slash", "ünï"]
)
def test_a_hostile_job_name_arrives_as_it_is(slurm_way: Way, on_slurm: Sandbox, name: str) -> None:
    options = CellOptions(resources=Resources(name=name))
    job = slurm_way.send("y = 1", options=options, hold=None)
    shown = on_slurm.call("squeue", "--noheader", "--format=%j", f"--jobs={job.handle}")
    job.cancel()
    assert shown.strip() == name


def test_a_job_has_the_gpus_it_asked_for(slurm_way: Way) -> None:
    options = CellOptions(resources=Resources(gpus="2"))
    job = slurm_way.run("import os\nv = os.environ['CUDA_VISIBLE_DEVICES']", options=options)
    assert job.exception() is None
    assert len(job.names["v"].split(",")) == 2


def test_a_job_runs_on_the_node_it_names(slurm_way: Way, on_slurm: Sandbox) -> None:
    job = slurm_way.run("import os\nv = os.environ['SLURMD_NODENAME']")
    assert job.status.node == job.names["v"]


def test_nothing_is_inherited_from_a_surrounding_job(
    slurm_way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setenv("SBATCH_PARTITION", "nonesuch")
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "1")
    job = slurm_way.run(
        "import os\nv = os.environ.get('SLURM_ARRAY_TASK_ID')\nj = os.environ['SLURM_JOB_ID']"
    )
    assert job.names == {"v": None, "j": job.handle}


def test_without_slurm_the_error_names_what_was_looked_for_and_the_way_on(
    make_way: Callable[..., Way], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendMissing, match=r"no sbatch on the PATH.*%%local"):
        make_way("slurm").send("y = 1")
    assert not (tmp_path / "store").exists()


def test_accounting_tells_who_cancelled_a_job(
    slurm_accounting: Sandbox, make_way: Callable[..., Way], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in slurm_accounting.environ.items():
        monkeypatch.setenv(name, value)
    job = make_way("slurm").send(RUNS_ON)
    until(lambda: job.stdout(), "the cell runs")
    subprocess.run(["scancel", job.handle], check=True)
    job.wait(30)
    assert job.state is JobState.CANCELLED
    assert f"cancelled by {getpass.getuser()}" in job.status.reason


def test_a_job_that_is_killed_for_its_memory_says_how_much_it_had_of_how_much(
    tmp_path: Path, make_way: Callable[..., Way], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A Slurm that looks at memory now and then, and calls such a job merely failed.
    strict = {"JobAcctGatherParams": "OverMemoryKill", "JobAcctGatherFrequency": "task=1"}
    with up(SandboxConfig(tmp_path / "slurm", extra_conf=strict), owner=os.getpid()) as sandbox:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)
        options = CellOptions(resources=Resources(memory_mib=300))
        job = make_way("slurm").run(
            "import time\nheld = []\n"
            "while True:\n    held.append(bytearray(1_200_000))\n    time.sleep(0.02)",
            options=options,
        )
    assert job.state is JobState.OUT_OF_MEMORY
    assert re.match(
        r"it ran out of memory: it had \d+ MB of 300 MB when that was last noted", job.status.reason
    )
    assert "--mem" in job.status.advice
    with pytest.raises(JobError, match="of 300 MB"):
        job.result()
