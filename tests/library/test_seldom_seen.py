"""Jobs that show signs of life seldom, for their settings say so, live all the same."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsubmit.client.job import Job
from nbsubmit.core import settle
from nbsubmit.core.awaited import look_once
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.state import JobState
from nbsubmit.notebook.standing import standing_of
from tests.backends import seen_in_a_job as seen
from tests.library.conftest import Makes
from tests.way import until

MINUTE = 60.0


@pytest.fixture
def job(
    make_executor: Makes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Job[bool]]:
    """One that runs and beats once in a quarter of an hour."""
    monkeypatch.setenv("NBSUBMIT_BEAT_SECONDS", str(15 * MINUTE))
    job = make_executor("local").submit(seen.wait_for, tmp_path / "go")
    until((tmp_path / "go.waits").exists, "it runs")
    yield job
    (tmp_path / "go").touch()


def last_seen(folder: JobFolder, minutes: float) -> None:
    """As if its last sign of life were so long ago."""
    then = time.time() - minutes * MINUTE
    os.utime(folder.beat_file, (then, then))


def test_it_is_silent_when_three_signs_are_missing(job: Job[bool]) -> None:
    last_seen(job.folder, 44)
    assert job.folder.silence() == 0
    last_seen(job.folder, 46)
    assert job.folder.silence() >= 46 * MINUTE


def test_news_tell_of_a_silence_that_means_something(job: Job[bool]) -> None:
    last_seen(job.folder, 14)
    standing = standing_of(job.folder)
    assert standing is not None
    assert (standing.state, standing.silent) == (JobState.RUNNING, 0)


def test_a_job_that_waits_for_it_does_not_take_it_for_lost(
    job: Job[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "GRACE_SECONDS", 0.0)
    last_seen(job.folder, 14)
    look_once(job)
    assert job.state is JobState.RUNNING
