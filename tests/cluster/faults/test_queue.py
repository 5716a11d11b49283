"""What people and the scheduler do to a job from outside."""

from __future__ import annotations

import getpass
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbsubmit.core.errors import JobCancelled, JobLost
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from tests.cluster.faults.site import PATIENCE, WAITS, Site
from tests.way import until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]
S = JobState


@dataclass(frozen=True)
class Lost:
    """A job on a node that is gone, since when."""

    job: Job
    since: float


@pytest.fixture(scope="module", autouse=True)
def lost(site: Site) -> Iterator[Lost]:
    """It takes Slurm half a minute to miss a node, so that begins before the other tests."""
    cell = WAITS.replace("time.time()", "os.getpid(), time.time()")
    job = site.running(cell, no_requeue=None, nodelist="n3")
    pid = int(job.stdout().split()[2])
    since = time.time()
    site.sandbox.kill_node("n3")
    os.kill(pid, 19)  # the machine is gone, so nothing on it shows a sign of life
    try:
        yield Lost(job, since)
    finally:
        os.kill(pid, 9)
        site.sandbox.start_node("n3")
        until(lambda: site.sandbox.node_states()["n3"].startswith("idle"), "the node is back")


def test_a_job_that_is_held_says_so_and_runs_once_it_is_released(site: Site) -> None:
    job = site.send("y = 1", hold=None, exclude="n3")
    held = time.time()
    until(lambda: "held" in job.status.reason, "it is said")
    site.note("it is held", str(job.status), time.time() - held)
    assert job.status.reason == "it is held"
    assert job.status.advice == f"scontrol release {job.handle} lets it go on"
    site.call("scontrol", "release", job.handle)
    assert job.wait(PATIENCE).names == {"y": 1}


def test_a_job_that_an_admin_holds_says_so(site: Site) -> None:
    job = site.send("y = 1", begin="now+1hour")
    site.call("scontrol", "update", f"JobId={job.handle}", "Priority=0")
    until(lambda: "admin" in job.status.reason, "it is said")
    assert (job.state, job.status.reason) == (S.PENDING, "an admin holds it")
    job.cancel()


def test_a_job_that_is_suspended_is_not_given_up_and_goes_on(site: Site, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = site.running(names={"gate": str(gate)})
    since = time.time()
    site.call("scontrol", "suspend", job.handle)
    until(lambda: job.state is S.SUSPENDED, "it is told", PATIENCE)
    site.note("it is suspended", str(job.status), time.time() - since)
    assert job.status.reason == "it stands still for an admin or for another job"
    since = time.time()
    site.call("scontrol", "resume", job.handle)
    until(lambda: job.state is S.RUNNING, "it is told", PATIENCE)
    site.note("it is resumed", str(job.status), time.time() - since)
    gate.touch()
    assert job.wait(PATIENCE).names == {"x": 1, "y": 2}


def test_a_dependency_that_cannot_be_satisfied_ends_the_job(site: Site) -> None:
    first = site.send("1 / 0", exclude="n3")
    job = site.send("y = 1", dependency=f"afterok:{first.handle}", kill_on_invalid_dep="no")
    ends = site.send("y = 1", dependency=f"afterok:{first.handle}")
    first.wait(PATIENCE)
    failed = site.ended[first.id]
    site.measure("a dependency that can never be satisfied", ends, since=failed)
    assert ends.state is S.CANCELLED
    assert ends.status.reason == "a job that it waits for did not succeed, so it cannot run"
    assert ends.status.advice == ""
    # Where the user wants it to wait all the same it says what it waits for.
    until(lambda: "did not succeed" in job.status.reason, "it is said", PATIENCE)
    assert job.state is S.PENDING
    assert f"scancel {job.handle}" in job.status.advice
    job.cancel()


def test_a_job_is_cancelled_by_its_user(site: Site) -> None:
    job = site.running()
    since = time.time()
    job.cancel()
    site.measure("cancelled from the notebook", job, since)
    assert (job.state, job.status.reason) == (S.CANCELLED, "cancelled from this notebook")
    assert job.names == {"x": 1}
    with pytest.raises(JobCancelled, match="cancelled from this notebook"):
        job.result()


def test_a_job_is_cancelled_with_scancel(site: Site) -> None:
    job = site.running()
    since = time.time()
    site.call("scancel", job.handle)
    site.measure("cancelled by an admin, or with scancel", job, since)
    assert job.state is S.CANCELLED
    words = f"cancelled by {getpass.getuser()}" if site.accounting else "somebody cancelled it"
    assert re.match(words, job.status.reason)
    assert job.stdout().startswith("printed before")
    assert job.names == {"x": 1}


def test_a_job_is_cancelled_while_it_waits(site: Site) -> None:
    job = site.send("y = 1", begin="now+1hour")
    since = time.time()
    site.call("scancel", job.handle)
    site.measure("cancelled while it waits", job, since)
    assert job.state is S.CANCELLED
    mine = site.send("y = 1", begin="now+1hour")
    mine.cancel()
    assert mine.wait(PATIENCE).status.reason == "cancelled from this notebook"


def test_a_job_that_is_preempted_waits_and_runs_again(site: Site, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = site.running(names={"gate": str(gate)}, nodelist="n4", exclusive=None)
    since = time.time()
    urgent = site.send(WAITS, {"gate": str(gate)}, partition="urgent", exclusive=None)
    site.begun(urgent)
    until(lambda: job.state is S.PENDING, "it is told", PATIENCE)
    site.note("preempted, and queued again", str(job.status), time.time() - since)
    assert "run again (run 2)" in job.status.reason
    gate.touch()
    assert urgent.wait(PATIENCE).names == {"x": 1, "y": 2}
    assert job.wait(PATIENCE).names == {"x": 1, "y": 2}
    assert job.stdout().count("printed before") == 2


def test_a_job_that_is_preempted_and_may_not_run_again_says_so(site: Site, tmp_path: Path) -> None:
    job = site.running(nodelist="n4", exclusive=None, no_requeue=None)
    since = time.time()
    urgent = site.send("y = 1", partition="urgent", exclusive=None)
    site.measure("preempted, with --no-requeue", job, since)
    assert (job.state, job.status.reason) == (S.PREEMPTED, "it had to make room for another job")
    assert job.names == {"x": 1}
    with pytest.raises(JobLost, match="make room"):
        job.result()
    assert urgent.wait(PATIENCE).names == {"y": 1}


def test_a_job_whose_node_is_lost_says_so(site: Site, lost: Lost) -> None:
    job = site.measure("its node is lost", lost.job, lost.since)
    assert (job.state, job.status.reason) == (S.NODE_FAIL, "its node was lost")
    assert "send it again" in job.status.advice
    assert "n3" in job.status.node
    assert job.stdout().startswith("printed before")
