"""Slurm has begun its ids anew, so that a job's id is another one's.

All else that the cluster knew is lost with that, so it is the last that is looked at there.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from nbsubmit.client.jobs import attach
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from tests.cluster.faults.site import FAILS, PATIENCE, Site
from tests.way import until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]
S = JobState


def forget_all(site: Site, first: str) -> None:
    """Have Slurm lose what it knows, as where it is installed anew: ids begin with the first."""
    conf = site.sandbox.conf
    text, count = re.subn(r"(?m)^FirstJobId=.*$", f"FirstJobId={first}", conf.read_text())
    assert count == 1
    site.break_("squeue", FAILS)  # nobody sees how the jobs go
    site.sandbox.stop_controller()
    for file in (site.sandbox.folder / "state").iterdir():
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    conf.write_text(text)
    site.sandbox.start_controller()
    until(lambda: "idle" in " ".join(site.sandbox.node_states().values()), "it is back")


def shown(site: Site, handle: str) -> str:
    """The state of a job as Slurm shows it."""
    return site.call("squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={handle}")


def test_a_job_whose_id_is_another_ones_is_lost_and_the_other_is_left_alone(
    site: Site, tmp_path: Path
) -> None:
    ours: list[Job] = [site.send("y = 1", begin="now+1hour") for _ in range(3)]
    handles = [job.handle for job in ours]
    forget_all(site, handles[0])
    # A script of the user's, and two jobs of another notebook of theirs.
    script = site.call("sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 600").strip()
    elsewhere = tmp_path / "elsewhere"
    others = [site.running(store=elsewhere) for _ in range(2)]
    assert [script, *(job.handle for job in others)] == handles
    again = attach(ours[2].id, site.store)
    site.mend()
    since = time.time()
    again.cancel()
    ours[1].cancel()
    for job in (*ours, again):
        job.wait(PATIENCE)
        assert job.state is S.LOST, job.status
        assert job.status.reason == (
            f"its id {job.handle} is another job's now: it has ended, and left no result"
        )
    site.note("its id is another job's now", str(ours[0].status), site.ended[ours[0].id] - since)
    assert [shown(site, handle).strip() for handle in handles] == ["RUNNING"] * 3
    assert [job.state for job in others] == [S.RUNNING] * 2
