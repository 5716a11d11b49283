"""Waiting for several jobs: as they end, or with a line now and then about how they go."""

from __future__ import annotations

import functools
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from nbsubmit.client.job import Job
from nbsubmit.core.state import JobState

R = TypeVar("R")

# For `monitor_jobs`: when it began, how many jobs there are, and by state the places of those in
# it, with those that are over under DONE.
States = Mapping[str, "set[int]"]
_DONE = "DONE"


def as_completed(
    jobs: Sequence[Job[R]], timeout: float | None = None, poll_frequency: float = 10
) -> Iterator[Job[R]]:
    """Yield each job as soon as it has ended.

    Parameters
    ----------
    jobs : sequence of Job
        The jobs.
    timeout : float, optional
        Seconds to wait for all of them at most; by default as long as it takes.
    poll_frequency : float
        Seconds after which the jobs are asked again at the latest, by default 10; one that is seen
        to end wakes whoever waits at once.

    Yields
    ------
    Job
        Each of them, in the order in which they end.

    Raises
    ------
    TimeoutError
        If not all of them have ended in time; they go on.

    Examples
    --------
    >>> jobs = nbsubmit.LocalExecutor("logs").map_array(abs, [-1, -2])
    >>> sorted(job.result() for job in nbsubmit.helpers.as_completed(jobs, timeout=60))
    [1, 2]
    """
    jobs = list(jobs)
    deadline = None if timeout is None else time.monotonic() + timeout
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    left = dict(enumerate(jobs))
    for number, job in left.items():
        job.add_done_callback(functools.partial(_put, ended, number))
    while left:
        if ended.empty():
            for job in left.values():
                job.done()  # has it looked at
        seconds = poll_frequency if deadline is None else deadline - time.monotonic()
        try:
            number = ended.get(timeout=max(min(seconds, poll_frequency), 0))
        except queue.Empty:
            if deadline is not None and time.monotonic() >= deadline:
                told = f"{len(left)} of {len(jobs)} jobs go on after {timeout:g} s"
                raise TimeoutError(told) from None
        else:
            yield left.pop(number)


def _put(ended: queue.SimpleQueue[int], number: int, _job: object) -> None:
    ended.put(number)


def monitor_jobs(
    jobs: Sequence[Job[Any]],
    poll_frequency: float = 30,
    test_mode: bool = False,
    custom_logging: Callable[[float, int, States], str] | None = None,
) -> None:
    """Print how jobs go until all have ended, and which have failed then.

    Parameters
    ----------
    jobs : sequence of Job
        The jobs.
    poll_frequency : float
        Seconds between two lines, by default 30; more lines cost the scheduler nothing.
    test_mode : bool
        Of no meaning here.
    custom_logging : callable, optional
        Makes the line: from when it began (seconds since the epoch), how many jobs there are, and
        by state, in capitals, the places of the jobs that are in it; ``DONE`` are those that have
        ended in whatever state. By default the time, and how many are in which state.

    Raises
    ------
    ValueError
        If `poll_frequency` is not more than 0.

    Examples
    --------
    >>> jobs = nbsubmit.DebugExecutor("logs").map_array(abs, [-1, -2])
    >>> nbsubmit.helpers.monitor_jobs(jobs)
    Monitoring 2 jobs: ...
    All 2 jobs have ended after 0 min, none has failed
    """
    if poll_frequency <= 0:
        raise ValueError(f"poll_frequency is {poll_frequency}, and has to be more than 0 seconds")
    if not jobs:
        print("There are no jobs to monitor", flush=True)
        return
    started, tell = time.time(), custom_logging or _line
    ids = sorted({job.job_id.partition("_")[0] for job in jobs})
    print(f"Monitoring {len(jobs)} jobs: {', '.join(ids)}", flush=True)
    while True:
        states = _states(jobs)
        if len(states[_DONE]) == len(jobs):
            break
        print(tell(started, len(jobs), states), flush=True)
        _wait_for_all(jobs, poll_frequency)
    failed = sorted(states[_DONE] - states.get(JobState.COMPLETED.value.upper(), set()))
    minutes = (time.time() - started) / 60
    told = f"those that failed: {', '.join(map(str, failed))}" if failed else "none has failed"
    print(f"All {len(jobs)} jobs have ended after {minutes:.0f} min, {told}", flush=True)


def _states(jobs: Sequence[Job[Any]]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {_DONE: set()}
    for number, job in enumerate(jobs):
        if job.done():
            found[_DONE].add(number)
        found.setdefault(str(job.state.value).upper(), set()).add(number)
    return found


def _line(_started: float, number: int, states: States) -> str:
    counts = (f"{len(s)} {state}" for state, s in sorted(states.items()) if state != _DONE)
    return f"{time.strftime('%H:%M:%S')}  {', '.join(counts)} of {number}"


def _wait_for_all(jobs: Sequence[Job[Any]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for job in jobs:
        try:
            job.wait(max(deadline - time.monotonic(), 0))
        except TimeoutError:
            return
