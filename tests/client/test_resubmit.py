"""Calls that are sent once more: one, all of an array, and those alone that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.client.executor import Executor


def halves(n: int, mended: Path) -> float:
    if n % 2 and not mended.exists():
        raise ValueError(f"{n} is odd")
    return n / 2


@pytest.fixture
def executor(tmp_path: Path, backend_name: str) -> Executor:
    """An executor for each backend in turn."""
    kinds = {
        "debug": nbsubmit.DebugExecutor,
        "local": nbsubmit.LocalExecutor,
        "slurm": nbsubmit.SlurmExecutor,
    }
    return kinds[backend_name](tmp_path / "jobs")


def test_what_failed_of_an_array_is_sent_again_as_one_array(
    executor: Executor, tmp_path: Path
) -> None:
    mended = tmp_path / "mended"
    jobs = executor.map_array(halves, range(6), [mended] * 6).wait(60)
    assert [str(job.state) for job in jobs] == ["COMPLETED", "FAILED"] * 3
    mended.touch()
    again = jobs.rerun_failed()
    assert again.results(60) == [0, 0.5, 1, 1.5, 2, 2.5]
    assert again[0] is jobs[0]
    assert again[1] is not jobs[1]
    assert len({job.whole.id for job in again[1::2] if job.whole}) == 1
    assert again.rerun_failed() == again
    assert again[3].submission().args == (3, mended)


def test_one_call_and_one_of_an_array_are_sent_again(executor: Executor, tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    single = executor.submit(halves, 1, mended)
    array = executor.map_array(halves, [2, 3], [mended] * 2).wait(60)
    assert isinstance(single.exception(60), ValueError)
    mended.touch()
    assert single.resubmit().result(60) == 0.5
    assert array[1].resubmit().result(60) == 1.5
    assert array[1].resubmit().resubmit().result(60) == 1.5


def test_a_parameter_may_be_another_one(tmp_path: Path) -> None:
    executor = nbsubmit.LocalExecutor(tmp_path / "jobs")
    executor.update_parameters(timeout_min=3)
    job = executor.submit(halves, 2, tmp_path)
    assert job.resubmit(timeout_min=7).limits.seconds == 7 * 60
    assert job.resubmit().limits.seconds == 3 * 60
    with pytest.raises(Exception, match="nothing_like_it"):
        job.resubmit(nothing_like_it=1)
