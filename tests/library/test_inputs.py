"""Jobs that start after others, and take their values."""

from __future__ import annotations

from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.core.inputs import InputFailed
from tests.library import functions
from tests.library.conftest import Makes
from tests.way import PATIENCE, until


def test_a_job_as_an_argument_is_its_value_where_the_new_job_runs(
    executor: nbsubmit.AutoExecutor,
) -> None:
    first = executor.submit(functions.add, 1, 2)
    second = executor.submit(functions.add, first, b=first)
    assert second.result(PATIENCE) == 6


def test_the_second_job_is_sent_at_once_and_waits(started_executor: nbsubmit.AutoExecutor) -> None:
    go = Path("go").absolute()
    first = started_executor.submit(functions.wait_for, str(go))
    second = started_executor.submit(functions.same, first)
    until(first.running, "the first runs")
    assert not second.done()
    go.write_text("value")
    assert second.result(PATIENCE) == "value"


def test_a_whole_array_and_one_of_its_tasks_are_arguments_too(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    jobs = started_executor.map_array(functions.add, [1, 2, 3], [1, 1, 1])
    one = started_executor.submit(functions.same, jobs[1])
    assert one.result(PATIENCE) == 3
    assert jobs[0].whole is not None
    every = started_executor.submit(functions.same, jobs[0].whole)
    assert every.result(PATIENCE) == [2, 3, 4]


def test_a_job_can_start_after_others_without_their_values(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    go, made = Path("go").absolute(), Path("made").absolute()
    first = started_executor.submit(functions.wait_for, str(go))
    second = started_executor.submit(made.write_text, "x", after=[first])
    until(first.running, "the first runs")
    assert not made.exists()
    go.write_text("now")
    assert second.result(PATIENCE) == 1


def test_a_job_whose_input_fails_is_not_run(started_executor: nbsubmit.AutoExecutor) -> None:
    go, made = Path("go").absolute(), Path("made").absolute()
    first = started_executor.submit(functions.fail_when, str(go))
    second = started_executor.submit(made.write_text, "x", after=[first])
    go.write_text("now")
    with pytest.raises(nbsubmit.UncompletedJobError):
        second.result(PATIENCE)
    assert not made.exists()
    with pytest.raises(InputFailed, match="nothing was submitted: its input"):
        started_executor.submit(functions.same, first)


def test_a_function_with_an_argument_named_after_gets_it(executor: nbsubmit.AutoExecutor) -> None:
    def of(after: int) -> int:
        return after

    assert executor.submit(of, after=3).result(PATIENCE) == 3


def test_jobs_are_values_in_arrays_and_batches_too(executor: nbsubmit.AutoExecutor) -> None:
    firsts = [executor.submit(functions.add, n) for n in (1, 2)]
    jobs = executor.map_array(functions.add, firsts, [10, 20])
    assert jobs.results(PATIENCE) == [11, 22]
    with executor.batch():
        batch = [executor.submit(functions.add, first, 5) for first in firsts]
    assert [job.result(PATIENCE) for job in batch] == [6, 7]


@pytest.mark.parametrize("wrong", ["4711", ["4711"]])
def test_what_is_no_job_cannot_be_started_after(
    make_executor: Makes, wrong: str | list[str]
) -> None:
    with pytest.raises(TypeError, match="is no job"):
        make_executor("debug").submit(functions.add, 1, after=wrong)
    with pytest.raises(TypeError, match="cannot be called"):
        make_executor("debug").submit(3)  # type: ignore[arg-type]
