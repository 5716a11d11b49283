"""The comparison sees what differs, and takes for the same what is."""

from __future__ import annotations

import collections
import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cells.compare import differences
from tests.cells.describer import Describer
from tests.cells.harness import Left
from tests.cells.notebook import NotebookCell
from tests.cells.outputs import outputs
from tests.cells.relations import same_objects, shared_memory


def text(value: Any) -> str:
    return Describer({}).text(value)


ROW = [0, 0]
PAIRS: list[tuple[Any, Any]] = [
    ([1, 2], (1, 2)),
    ([], {}),
    ({1}, frozenset({1})),
    (1, 1.0),
    (1, True),
    ([ROW, ROW], [[0, 0], [0, 0]]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (collections.defaultdict(list), collections.defaultdict(None)),
    (collections.deque([1], maxlen=2), collections.deque([1])),
    (np.zeros(3), np.zeros(3, np.float32)),
    (np.zeros(4), np.zeros((2, 2))),
    (np.random.default_rng(1), np.random.default_rng(2)),
    (pd.Series([1, 2]), pd.Series([1, 2], name="n")),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, index=[5])),
    (iter([1, 2]), iter([2])),
    (ValueError("a"), ValueError("b")),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_what_differs_is_told_apart(one: Any, other: Any) -> None:
    assert text(one) != text(other)


@pytest.mark.parametrize("value", [value for pair in PAIRS for value in pair])
def test_a_copy_is_the_same(value: Any) -> None:
    assert text(pickle.loads(pickle.dumps(value))) == text(value) == text(copy.deepcopy(value))


def test_looking_does_not_advance_an_iterator() -> None:
    numbers = iter([1, 2])
    text(numbers)
    assert list(numbers) == [1, 2]


def test_names_of_one_object_and_views_of_one_array_are_found() -> None:
    table = np.zeros((2, 2))
    names = {"a": table, "b": table, "column": table[:, 0], "copy": table.copy()}
    assert same_objects(names) == [["a", "b"]]
    assert shared_memory(names) == ["a ~ column", "b ~ column"]


def left(**values: str) -> Left:
    namespace = {"values": values, "handles": [], "files": {}}
    return Left([], {**namespace, "same object": [], "shared memory": []})


def test_a_difference_is_told_of_the_cell_that_made_it_and_not_again() -> None:
    cells = [NotebookCell(n, f"cell {n}", "x = 1") for n in (1, 2, 3)]
    plain = [left(x="1"), left(x="2"), left(x="2")]
    jobs = [left(x="1"), left(x="1"), left(x="1")]
    ((number, found),) = differences(cells, plain, jobs).items()
    assert number == 2
    assert found.startswith("cell 2, cell 2\n")
    assert "plain: 2\n      job:   1" in found


def test_streams_are_joined_and_stay_between_the_displays() -> None:
    def stream(name: str, said: str) -> dict[str, Any]:
        return {"msg_type": "stream", "content": {"name": name, "text": said}}

    shown = {"data": {"text/plain": "<a at 0x7f3a10b2>"}, "metadata": {}}
    messages = [
        stream("stderr", "late"),
        stream("stdout", "one "),
        stream("stdout", "two"),
        {"msg_type": "display_data", "content": shown},
        stream("stdout", "three"),
    ]
    assert outputs(messages) == [
        "stdout: one two",
        "stderr: late",
        "display_data: text/plain: <a at 0x…>\nmetadata: {}",
        "stdout: three",
    ]
