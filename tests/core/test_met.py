"""What a pickler has met, asked about one object at a time."""

from __future__ import annotations

import io
from typing import Any

import pytest

from nbsubmit.core.met import Met
from nbsubmit.core.pickling import ValuePickler


class Thing:
    pass


def met(value: Any) -> Met:
    pickler = ValuePickler(io.BytesIO(), {})
    pickler.dump(value)
    return Met(pickler)


def circle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    "make",
    [
        list,
        dict,
        set,
        bytearray,
        Thing,
        circle,
        lambda: [1],
        lambda: {1: 2},
        lambda: {3},
        io.StringIO,
    ],
)
def test_an_object_is_known_by_its_identity(make: Any) -> None:
    inside, other = make(), make()
    found = met([0, {"deep": [inside]}])
    assert inside in found
    assert other not in found
    assert other not in found  # and asking has not made it known


def test_it_is_known_among_more_objects_than_fit_into_a_short_number() -> None:
    value = [[number] for number in range(1000)]
    found = met(value)
    assert all(part in found for part in value)
    assert [999] not in found


def test_what_cannot_be_pickled_is_not_asked_how_it_would_be() -> None:
    class Stubborn:
        def __reduce_ex__(self, protocol: Any) -> Any:
            raise AssertionError

    assert Stubborn() not in met([])


def test_nothing_is_known_of_no_pickler() -> None:
    assert [] not in Met()
    assert Met().parts() == {}


def test_the_parts_are_listed_by_the_numbers_that_they_have_where_they_are_loaded() -> None:
    value = ["text", [1], {"a": [2]}]
    parts = met(value).parts()
    assert parts[1] is value  # what every stream begins with comes before it
    ordered = [parts[number] for number in sorted(parts)]
    assert [part for part in ordered if part is value[1] or part is value[2]] == value[1:]
    assert not any(isinstance(part, str) for part in parts.values())
