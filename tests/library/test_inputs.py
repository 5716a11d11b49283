"""Jobs that start after others, and take their values."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.core.errors import InputFailed
from tests.library import functions
from tests.library.conftest import Makes
from tests.way import PATIENCE, Way, until


def test_a_job_as_an_argument_is_its_value_where_the_new_job_runs(
    executor: nbsubmit.AutoExecutor,
) -> None:
    first = executor.submit(functions.add, 1, 2)
    second = executor.submit(functions.add, first, b=first)
    assert second.result(PATIENCE) == 6


def test_the_job_of_a_cell_is_one_too(
    make_way: Callable[..., Way], started_executor: nbsubmit.AutoExecutor, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    cell = make_way("local").send(
        f"from tests.library import functions\nlen(functions.wait_for({str(go)!r}))"
    )
    job = started_executor.submit(functions.add, cell, b=1)
    later = started_executor.submit(functions.add, 1, after=cell)
    assert not later.done()
    go.write_text("gone")
    assert (job.result(PATIENCE), later.result(PATIENCE)) == (5, 1)
    kinds = (nbsubmit.LocalJob, nbsubmit.SlurmJob)
    assert [isinstance(cell, kind) for kind in kinds] == [True, False]


def test_jobs_in_lists_tuples_and_dicts_are_their_values_too(
    executor: nbsubmit.AutoExecutor,
) -> None:
    one = executor.submit(functions.add, 1, 2)
    two = executor.submit(functions.add, 2, 2)
    given = [one, (two, {"k": one, "n": 0}), "text"]
    assert executor.submit(functions.same, given).result(PATIENCE) == [
        3,
        (4, {"k": 3, "n": 0}),
        "text",
    ]
    assert given[0] is one
    array = executor.map_array(functions.add, [1, 2], [1, 1])
    assert executor.submit(functions.same, array).result(PATIENCE) == [2, 3]


def test_a_list_that_holds_itself_is_an_argument_as_any_other(
    executor: nbsubmit.AutoExecutor,
) -> None:
    given: list[object] = [executor.submit(functions.add, 1, 2)]
    endless: list[object] = []
    endless.append(endless)
    result = executor.submit(functions.same, [*given, endless]).result(PATIENCE)
    assert isinstance(result, list)
    assert result[0] == 3
    assert result[1][0] is result[1]


def test_a_job_of_a_batch_is_no_argument_inside_of_it(executor: nbsubmit.AutoExecutor) -> None:
    with contextlib.suppress(StopIteration), executor.batch():
        first = executor.submit(functions.add, 1, 2)
        with pytest.raises(RuntimeError, match="whose tasks do not wait for each other"):
            executor.submit(functions.add, first, 3)
        raise StopIteration  # nothing is sent
    with executor.batch(allow_implicit_submissions=True):
        first = executor.submit(functions.add, 1, 2)
        second = executor.submit(functions.same, [first])
    assert second.result(PATIENCE) == [3]


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


def test_what_a_failed_job_keeps_from_running_names_it_and_the_job_between(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    first = started_executor.submit(functions.fail_when, str(go))
    second = started_executor.submit(functions.add, 1, after=[first])
    third = started_executor.submit(functions.same, second)
    fourth = started_executor.submit(functions.same, third)
    go.write_text("now")
    why = "is FAILED (ValueError: it fails)"
    assert second.wait(PATIENCE).status.reason == f"not run: its input, job {first.id}, {why}"
    failed = f"job {first.id} {why}"
    for job, between in ((third, second), (fourth, third)):
        told = f"not run: its input, job {between.id}, was not run, for {failed}"
        assert job.wait(PATIENCE).status.reason == told
        assert isinstance(job.exception(), InputFailed)
    with pytest.raises(InputFailed, match=f"job {third.id}, was not run, for {re.escape(failed)}"):
        started_executor.submit(functions.same, third)


def test_what_follows_a_failed_array_and_an_array_that_follows_are_not_run(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    jobs = started_executor.map_array(functions.fail_when, [str(go)] * 2)
    assert jobs[0].whole is not None
    follow = [
        started_executor.submit(functions.add, 1, after=[jobs[0].whole]),
        started_executor.submit(functions.same, jobs[0]),
        *started_executor.map_array(functions.add, [1, 2], [jobs[0]] * 2),
    ]
    go.write_text("now")
    for job in follow:
        told = f"not run: its input, job {jobs[0].id}, is FAILED (ValueError: it fails)"
        assert job.wait(PATIENCE).status.reason == told
        assert isinstance(job.exception(), InputFailed)


def test_a_job_of_which_was_said_that_it_does_not_run_does_not_when_it_is_started_after_all(
    make_executor: Makes, on_slurm: object
) -> None:
    go, executor = Path("go").absolute(), make_executor("slurm")
    first = executor.submit(functions.fail_when, str(go))
    second = executor.submit(functions.add, 1, after=[first])
    go.write_text("now")
    folder = second.wait(PATIENCE).folder
    worker = [sys.executable, "-m", "nbsubmit.worker", str(folder.path)]
    assert subprocess.run(worker, check=False).returncode == 1
    assert folder.end_file.exists()
    assert not folder.result_file.exists()


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
