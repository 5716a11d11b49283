"""Whether what was sent is here still as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.capture import capture
from nbsubmit.core.handed import Handed
from nbsubmit.core.names import analyse

Define = Callable[..., dict[str, Any]]

SETUP = """
import numpy as np, pandas as pd, itertools
class Box:
    def __init__(self): self.items = []
class Restless:
    def __getstate__(self): return {"n": next(counter)}
    def __setstate__(self, state): pass
counter = itertools.count()
box, restless = Box(), Restless()
numbers = [1, 2]
array = np.zeros(300_000)
part = array[5:10]
frame = pd.DataFrame({"a": range(10_000)})
def f(): return numbers
"""
NAMES = ("box", "numbers", "array", "part", "frame", "f", "Box")


@pytest.fixture
def home(define: Define) -> dict[str, Any]:
    return define(SETUP)


def handed(home: dict[str, Any]) -> Handed:
    use = analyse(f"use({', '.join(NAMES)}, restless)")
    payload = capture(use, home, BlobStore(Path("/nonexistent")))
    return Handed(payload, home)


CHANGES = {
    "numbers": "numbers.append(3)",
    "box": "box.items.append(1)",
    "frame": "frame.loc[3, 'a'] = -1",
    "Box": "Box.limit = 5",
}


def test_what_was_not_touched_is_unchanged(home: dict[str, Any]) -> None:
    found = handed(home)
    assert [name for name in (*NAMES, "restless") if not found.is_unchanged(name)] == []


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_in_place_is_known_and_nothing_else(
    home: dict[str, Any], define: Define, name: str
) -> None:
    found = handed(home)
    define(CHANGES[name], home)
    assert [other for other in NAMES if not found.is_unchanged(other)] == [name]


def test_a_write_through_a_view_changes_both(home: dict[str, Any]) -> None:
    found = handed(home)
    home["part"][0] = 1
    assert not found.is_unchanged("array")
    assert not found.is_unchanged("part")
    assert found.is_unchanged("box")


def test_a_name_that_is_bound_anew_says_nothing_of_the_object(home: dict[str, Any]) -> None:
    found = handed(home)
    home["numbers"] = [9]
    assert found.is_unchanged("numbers")


def test_it_can_look_again(home: dict[str, Any]) -> None:
    found = handed(home)
    assert found.is_unchanged("numbers")
    home["numbers"].append(1)
    found.look_again()
    assert not found.is_unchanged("numbers")
