"""A job whose time is over: a minute at least, so it is sent first and looked at late."""

from __future__ import annotations

import pytest

from nbsubmit.core.errors import JobTimedOut
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from tests.cluster.faults.site import PATIENCE, Site, told

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]


def test_its_time_limit(site: Site, overdue: Job) -> None:
    job = overdue.wait(PATIENCE)
    seen = job.folder.end_file.stat().st_mtime
    site.note("its time limit of a minute", str(job.status), seen - told(job) - 60)
    assert job.state is JobState.TIMEOUT
    assert job.status.reason == "it reached its time limit"
    assert job.status.advice == "send it again with a longer --time"
    assert job.stdout().startswith("printed before\n")
    assert job.names["x"] == 1
    with pytest.raises(JobTimedOut, match="longer --time"):
        job.result()
