"""Jobs that start after others and are sent again: after what the others were sent again as."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import nbsubmit
from nbsubmit.client.array import Array
from nbsubmit.core.errors import InputFailed
from nbsubmit.core.inputs import Input
from tests.library import functions
from tests.way import PATIENCE


class Files:
    """What `read_after` waits for, and what it reads."""

    def __init__(self) -> None:
        self.go, self.data = Path("go").absolute(), Path("data").absolute()
        self.both = (str(self.go), str(self.data))


@pytest.fixture
def files(started_executor: nbsubmit.AutoExecutor) -> Files:
    """In the executor's own folder."""
    return Files()


def folders(job: Any) -> list[str]:
    """The folders of what a job starts after."""
    return [Input.from_json(data).folder for data in job.spec["after"]]


def test_a_job_sent_again_starts_after_the_latest_run_of_its_input(
    started_executor: nbsubmit.AutoExecutor, files: Files
) -> None:
    first = started_executor.submit(functions.read_after, *files.both)
    second = started_executor.submit(functions.same, first)
    third = started_executor.submit(functions.add, 2, b=1, after=[second])
    files.go.touch()
    Array([first, second, third]).wait(PATIENCE)
    files.go.unlink()
    files.data.write_text("mended")
    again = [job.resubmit() for job in (first, second, third)]
    assert folders(again[1]) == [str(again[0].folder.path)]
    assert folders(again[2]) == [str(again[1].folder.path)]
    assert not again[1].done()
    files.go.touch()
    assert [job.result(PATIENCE) for job in again] == ["mended", "mended", 3]
    assert second.resubmit().result(PATIENCE) == "mended"
    assert again[1].resubmit().result(PATIENCE) == "mended"


def test_all_that_failed_is_sent_again_in_order(
    started_executor: nbsubmit.AutoExecutor, files: Files
) -> None:
    first = started_executor.submit(functions.read_after, *files.both)
    jobs = Array([first, started_executor.submit(functions.same, first)])
    files.go.touch()
    jobs.wait(PATIENCE)
    files.data.write_text("mended")
    assert jobs.rerun_failed().results(PATIENCE) == ["mended", "mended"]


def test_a_job_whose_input_was_not_sent_again_is_not_sent_and_says_what_to_do(
    started_executor: nbsubmit.AutoExecutor, files: Files
) -> None:
    first = started_executor.submit(functions.read_after, *files.both)
    second = started_executor.submit(functions.same, first)
    third = started_executor.submit(functions.same, second)
    files.go.touch()
    Array([first, second, third]).wait(PATIENCE)
    with pytest.raises(InputFailed) as error:
        second.resubmit()
    told = f"job {second.id} was not sent: its input, job {first.id}, is FAILED (FileNotFoundError"
    assert str(error.value).startswith(told)
    assert f"Send job {first.id} again first" in str(error.value)
    with pytest.raises(InputFailed, match=f"was not run, for job {first.id} is FAILED") as error:
        third.resubmit()
    assert f"Send job {second.id} again first" in str(error.value)
    again = first.resubmit()
    again.wait(PATIENCE)
    with pytest.raises(InputFailed, match=f"its input, job {again.id}, is FAILED"):
        second.resubmit()
    assert len(nbsubmit.jobs(started_executor.folder)) == 4


def test_of_an_array_the_task_that_was_sent_again_is_found_and_a_part_is_not_the_whole(
    started_executor: nbsubmit.AutoExecutor, files: Files
) -> None:
    there = Path("there").absolute()
    there.write_text("zero")
    paths = [str(there), str(files.data)]
    jobs = started_executor.map_array(functions.read_after, [str(files.go)] * 2, paths)
    whole: Any = jobs[0].whole
    of_one = started_executor.submit(functions.same, jobs[1])
    of_all = started_executor.submit(functions.same, whole)
    files.go.touch()
    Array([*jobs, of_one, of_all]).wait(PATIENCE)
    files.data.write_text("one")
    again = jobs.rerun_failed()
    assert of_one.resubmit().result(PATIENCE) == "one"
    assert again[1].result(PATIENCE) == "one"
    with pytest.raises(InputFailed, match=re.escape(f"job {jobs[1].id}, is FAILED")):
        of_all.resubmit()
    whole.resubmit()
    assert of_all.resubmit().result(PATIENCE) == ["zero", "one"]


def test_an_input_that_is_gone_is_said(
    started_executor: nbsubmit.AutoExecutor, files: Files
) -> None:
    files.go.touch()
    files.data.write_text("1")
    first = started_executor.submit(functions.read_after, *files.both)
    second = started_executor.submit(functions.same, first)
    assert second.result(PATIENCE) == "1"
    first.folder.path.rename("moved")
    with pytest.raises(nbsubmit.FailedSubmissionError, match=f"job {first.id}, was deleted"):
        second.resubmit()
