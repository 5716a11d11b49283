"""A state, its sentence and its suggestion are the same wherever they are shown."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys

import pytest

from nbsubmit.client import words
from nbsubmit.client.rows import row_of
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from nbsubmit.notebook import record
from tests.cluster.faults.site import PATIENCE, Site
from tests.way import until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]


def shown(site: Site, job: Job) -> dict[str, str]:
    """What is seen of a job: in the panel, in lists, and from a shell."""
    row = row_of(job)
    folder = ("--folder", str(site.store))
    seen = {
        "panel": html.unescape(re.sub("<[^>]*>", " ", record.title(row))),
        "%jobs": words.table([words.list_line(row)]),
        "%jobs show": words.details(row),
        "nbsubmit jobs": shell("jobs", *folder),
        "nbsubmit show": shell("show", job.id, *folder),
    }
    if job.state.ended:
        seen["exception"] = str(job.exception())
    return seen


def shell(*arguments: str) -> str:
    command = [sys.executable, "-m", "nbsubmit", *arguments]
    # Slurm is not asked about a job that is younger than that.
    environ = {**os.environ, "NBSUBMIT_POLL_SECONDS": "1"}
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.once
def test_a_job_that_waits_and_one_that_ended_are_shown_alike_everywhere(site: Site) -> None:
    held = site.send("y = 1", hold=None)
    first = site.send("1 / 0")
    never = site.send("y = 1", dependency=f"afterok:{first.handle}")
    until(lambda: held.status.advice, "it is known to be held", PATIENCE)
    never.wait(PATIENCE)
    assert never.state is JobState.CANCELLED
    killed = site.send("import os; os.kill(os.getpid(), 9)").wait(PATIENCE)
    for job in (held, never, killed):
        status = job.status
        for place, text in shown(site, job).items():
            for part in (status.state.value, status.reason, status.advice):
                assert part in text, (place, part, text)
    held.cancel()
