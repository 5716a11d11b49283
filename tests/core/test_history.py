"""The shell's history in a cell: which results are found in its text, and what is said to stay."""

from __future__ import annotations

from typing import Any

import pytest

from nbsubmit.core.history import part
from nbsubmit.core.names import analyse

SHELLS: dict[str, Any] = {
    "In": ["", "a", "b"],
    "Out": {1: "one", 2: "two", 3: "three"},
    "_oh": {1: "one"},
    "_i": "b",
    "_i2": "b",
    "_": "three",
    "_2": "two",
}


def part_of(source: str, **names: Any) -> tuple[dict[Any, Any], dict[str, str]]:
    return part(analyse(source).reads, {**SHELLS, **names}, source)


@pytest.mark.parametrize(
    ("source", "results"),
    [
        ("Out[2]", {2: "two"}),
        ("Out[3], Out[1], Out[3]", {3: "three", 1: "one"}),
        ("def f(): return [Out[1].upper()]\nf()", {1: "one"}),
        ("Out[9]", {}),
        ("Out['x']", {}),
        ("x", {}),
        ("Out = {}\nOut[1]", {}),
    ],
)
def test_the_results_that_a_cell_names_go_and_no_others(
    source: str, results: dict[Any, Any]
) -> None:
    assert part_of(source) == (results, {})


@pytest.mark.parametrize("source", ["Out", "len(Out)", "Out[n]", "Out[1], Out.values()"])
def test_a_use_of_all_results_is_told(source: str) -> None:
    results, staying = part_of(source)
    assert results.keys() <= {1}
    assert staying == {"Out": "only results that the cell names, as in Out[3], are sent"}


def test_inputs_and_the_rest_of_the_history_stay_and_are_told() -> None:
    assert part_of("In[1], _i, _i2, _oh") == (
        {},
        {name: f"{name} is the notebook's own history" for name in ("In", "_i", "_i2", "_oh")},
    )


def test_single_results_are_values_as_any_other() -> None:
    assert part_of("_, _2") == ({}, {})


def test_a_value_of_the_users_own_by_that_name_is_no_history_to_look_into() -> None:
    results, staying = part_of("Out[1]", Out=[1, 2])
    assert results == {}
    assert list(staying) == ["Out"]
