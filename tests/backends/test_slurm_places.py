"""The place of a job in the queue, and how seldom it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.backends.slurm.places import SECONDS, Places

Program = Callable[[str, str], Path]

QUEUE = """\
a message of the day
10|main|500|Resources
11|main|400|Priority
12|main,debug|400|Priority
13|debug|900|Priority
14|main|900|JobHeldUser
15|main|900|Dependency
16_[1-20]|main|600|Priority
17|main|300|Priority
"""
AHEAD = {"10": 1, "11": 2, "12": 4, "13": 0, "17": 4}


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(program: Program, queue: str = QUEUE, private: str = "none") -> Path:
    program("scontrol", f"echo 'PrivateData             = {private}'")
    return program("squeue", f"cat <<'END'\n{queue}END")


@pytest.mark.parametrize("job_id", AHEAD)
def test_jobs_of_the_same_partition_with_more_priority_or_age_come_before(
    program: Program, job_id: str
) -> None:
    shown(program)
    assert Places().ahead_of([job_id]) == {job_id: AHEAD[job_id]}


def test_of_a_job_that_waits_for_something_else_no_place_is_known(program: Program) -> None:
    shown(program)
    assert Places().ahead_of(["14", "15", "99"]) == {}


def test_the_queue_is_looked_at_once_a_minute_for_all_jobs(program: Program) -> None:
    calls, clock = shown(program), Clock()
    places = Places(clock)
    assert places.ahead_of(["10", "11"]) == {"10": 1, "11": 2}
    clock.now = SECONDS - 1
    assert places.ahead_of(["10"]) == {"10": 1}
    assert len(calls.read_text().splitlines()) == 1
    clock.now = SECONDS
    assert places.ahead_of(["17"]) == {"17": 4}
    assert len(calls.read_text().splitlines()) == 2


def test_where_nothing_waits_nobody_is_asked(program: Program) -> None:
    calls = shown(program)
    assert Places().ahead_of([]) == {}
    assert calls.read_text() == ""


@pytest.mark.parametrize("private", ["jobs", "accounts,jobs,usage"])
def test_where_others_jobs_are_hidden_no_place_is_guessed(program: Program, private: str) -> None:
    calls = shown(program, private=private)
    assert Places().ahead_of(["17"]) == {}
    assert calls.read_text() == ""


def test_a_queue_that_cannot_be_read_is_not_asked_again_at_once(program: Program) -> None:
    shown(program)
    calls, clock = program("squeue", "exit 1"), Clock()
    places = Places(clock)
    assert places.ahead_of(["17"]) == places.ahead_of(["17"]) == {}
    assert len(calls.read_text().splitlines()) == 1
