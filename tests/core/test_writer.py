"""What a writer knows of what it has written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nbsubmit.core.fingerprint import fingerprint
from nbsubmit.core.writer import BundleWriter


class Point:
    pass


def written(**values: Any) -> BundleWriter:
    writer = BundleWriter({})
    for name, value in values.items():
        writer.add(name, value)
    return writer


PLAIN: dict[str, Any] = {
    "small": [1, "two", (3.0, None)],
    "longer than a piece": {str(number): [number] for number in range(20_000)},
    "texts longer than a piece": ["x" * 70_000, b"y" * 200_000, "x" * 65_500],
    "number": 2**100,
    "set": {1, 2, 3},
}


@pytest.mark.parametrize("kind", PLAIN)
def test_the_first_value_has_the_fingerprint_that_it_has_by_itself(kind: str) -> None:
    value = PLAIN[kind]
    writer = written(value=value, other=[value])
    assert writer.prints() == {"value": fingerprint(value, {})}


@pytest.mark.parametrize("value", [[Point()], [Point], [np.zeros(1000)], [np.zeros(2)]])
def test_what_is_pickled_otherwise_another_time_has_none(value: Any) -> None:
    assert written(value=value).prints() == {}


def test_what_was_added_is_met_and_what_is_added_later_too() -> None:
    first, second = [1], [2]
    writer = written(a=[first])
    assert first in writer.met()
    assert second not in writer.met()
    writer.add("b", [second])
    assert second in writer.met()
