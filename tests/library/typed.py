"""What type checkers know of jobs: each line is checked by mypy, and none is ever run."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Iterator
from typing import Any

from typing_extensions import assert_type

import nbsubmit
from nbsubmit.client.array import Array


def halve(number: int, *, twice: bool = False) -> float:
    """Return half of it."""
    return number / (4 if twice else 2)


def one_job(executor: nbsubmit.AutoExecutor) -> None:
    """A job is of the type that its function returns."""
    job = executor.submit(halve, 3, twice=True)
    assert_type(job, nbsubmit.Job[float])
    assert_type(job.result(timeout=1), float)
    assert_type(job.results(), list[float])
    assert_type(job.exception(), BaseException | None)
    assert_type(job.done(), bool)
    assert_type(job.wait(), nbsubmit.Job[float])
    assert_type(job.task(0), nbsubmit.Job[float])
    assert_type(job.resubmit(), nbsubmit.Job[float])


def many(executor: nbsubmit.SlurmExecutor) -> None:
    """So are those of an array, and what comes of them."""
    jobs = executor.map_array(halve, range(3))
    assert_type(jobs, Array[float])
    assert_type(jobs[0], nbsubmit.Job[float])
    assert_type(jobs.results(), list[float])
    assert_type(executor.submit_array([lambda: "a"]), Array[str])
    assert_type(executor.map(halve, range(3), timeout=1), Iterator[float])


async def awaited(executor: nbsubmit.LocalExecutor) -> None:
    """Whoever awaits one has the same."""
    job = executor.submit(halve, 3)
    assert_type(await job, float)
    assert_type(await job.awaitable().result(), float)
    assert_type(await asyncio.wrap_future(job), Any)


def futures(jobs: list[nbsubmit.Job[float]]) -> None:
    """Functions for futures take jobs."""
    done, _ = concurrent.futures.wait(jobs)
    assert_type(done, set[concurrent.futures.Future[Any]])
    for job in concurrent.futures.as_completed(jobs):
        job.result()


def found() -> None:
    """Of what was found again nothing is known."""
    assert_type(nbsubmit.attach("4711"), nbsubmit.Job[Any])
    assert_type(nbsubmit.jobs(), list[nbsubmit.Job[Any]])
    assert_type(nbsubmit.LocalJob("logs", "4711").result(), Any)
    assert_type(nbsubmit.__version__, str)
