"""Addresses, and which stretches of memory overlap."""

from __future__ import annotations

import numpy as np
import pytest

from nbsubmit.core import memory
from nbsubmit.core.memory import Spans


def test_an_address_is_that_of_the_first_byte() -> None:
    data = bytearray(b"abcdef")
    whole, part = memoryview(data), memoryview(data)[2:4]
    assert memory.address(part) - memory.address(whole) == 2
    assert bytes(memory.at(memory.address(part), 2)) == b"cd"


def test_memory_that_may_not_be_written_to_has_an_address_too() -> None:
    array = np.arange(10.0)
    array.flags.writeable = False
    assert memory.address(array.data.cast("B")) == array.__array_interface__["data"][0]


def test_stretches_that_only_meet_stay_apart() -> None:
    found = memory.groups([(10, 20), (0, 10), (15, 30), (40, 50)])
    assert [(group.start, group.end) for group in found] == [(0, 10), (10, 30), (40, 50)]
    assert [group.members for group in found] == [[1], [0, 2], [3]]


@pytest.mark.parametrize(
    ("start", "end", "touches"),
    [
        (0, 10, False),
        (0, 11, True),
        (15, 16, True),
        (20, 30, False),
        (45, 60, True),
        (60, 70, False),
    ],
)
def test_spans_know_what_touches_them(start: int, end: int, touches: bool) -> None:
    assert Spans.of([(40, 50), (10, 20)]).touch(start, end) is touches


def test_spans_are_joined() -> None:
    assert list(Spans.of([(0, 5)]) | Spans.of([(3, 8), (20, 30)])) == [(0, 8), (20, 30)]
    assert not Spans()
