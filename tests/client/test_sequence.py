"""What can be stopped and go on: calls in turn, and what is called again."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from nbsubmit import AutoExecutor
from nbsubmit.helpers import Checkpointable, FunctionSequence
from tests.way import PATIENCE


class Counter(Checkpointable):
    """Counts its calls."""

    def __init__(self, start: int) -> None:
        self.calls = start

    def __call__(self, step: int, *, times: int = 1) -> int:
        self.calls += step * times
        return self.calls


def add(a: int, b: int) -> int:
    return a + b


def test_what_is_called_again_is_the_same_with_the_same() -> None:
    counter = Counter(1)
    counter(2)
    again = counter.checkpoint(5, times=2)
    assert again.function is counter
    assert (again.args, again.kwargs) == ((5,), {"times": 2})
    assert pickle.loads(pickle.dumps(again)).result() == 13


def test_what_cannot_be_called_cannot_be_called_again() -> None:
    class Nothing(Checkpointable):
        """Has no __call__."""

    with pytest.raises(TypeError, match="Nothing needs a __call__"):
        Nothing()


def test_a_sequence_calls_in_turn_and_returns_all() -> None:
    sequence = FunctionSequence()
    sequence.add(add, 1, 2)
    sequence.add(add, 3, b=4)
    assert len(sequence) == 2
    assert [call.function for call in sequence] == [add, add]
    assert sequence() == [3, 7]


def test_a_sequence_goes_on_with_what_is_not_done() -> None:
    called: list[int] = []

    def first() -> int:
        called.append(1)
        return 1

    def second() -> int:
        called.append(2)
        if called.count(2) == 1:
            raise KeyboardInterrupt
        return 2

    sequence = FunctionSequence()
    sequence.add(first)
    sequence.add(second)
    with pytest.raises(KeyboardInterrupt):
        sequence()
    assert "1 of 2 done" in repr(sequence)
    assert sequence.checkpoint().result() == [1, 2]
    assert called == [1, 2, 2]


def test_what_is_done_stays_done_on_a_journey(capsys: pytest.CaptureFixture[str]) -> None:
    sequence = FunctionSequence(verbose=True)
    sequence.add(add, 1, 2)
    sequence.add(add, 3, 4)
    next(iter(sequence)).result()
    again = pickle.loads(pickle.dumps(sequence.checkpoint()))
    assert again.result() == [3, 7]
    assert capsys.readouterr().out == "call 2 of 2\n"


def test_a_sequence_and_an_object_are_jobs(tmp_path: Path, backend_name: str) -> None:
    executor = AutoExecutor(tmp_path, cluster=backend_name)
    sequence = FunctionSequence(verbose=True)
    sequence.add(add, 1, 2)
    sequence.add(Counter(1), 4)
    jobs = [executor.submit(sequence), executor.submit(Counter(2), 3)]
    assert [job.result(PATIENCE) for job in jobs] == [[3, 5], 5]
    assert "call 2 of 2" in jobs[0].stdout()
