"""One value that cannot be rebuilt takes no other along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.shelf import Shelf, writer_of


class Picky(Exception):
    """Cannot be rebuilt: what it is built from is not enough for it."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(first)

    def __reduce__(self) -> tuple[type, tuple[int]]:
        return Picky, (1,)


class Fragile:
    """Cannot be given its state again."""

    def __getstate__(self) -> dict[str, int]:
        return {"x": 1}

    def __setstate__(self, state: dict[str, int]) -> None:
        raise RuntimeError("no state for me")


def through(values: dict[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    shelf = Shelf(path)
    return shelf.bundle(shelf.put(writer_of(values))).load_what_can_be({})


BAD = {
    "what __init__ refuses": Picky(1, 2),
    "what takes no state": Fragile(),
    "what is deep inside": {"a": [Picky(1, 2)]},
    "what is a key": {Picky(1, 2): 1},
    "what is in a set": {Picky(1, 2)},
    "many of them": [Picky(n, n) for n in range(5)],
}


@pytest.mark.parametrize("kind", BAD)
def test_the_values_before_and_after_it_arrive(tmp_path: Path, kind: str) -> None:
    array = np.arange(10_000.0)
    good = {"list": [1, {"b": 2}], "array": array, "text": "x" * 100}
    values, failed = through({"first": 1, "bad": BAD[kind], **good}, tmp_path)
    assert list(failed) == ["bad"]
    assert "Error" in failed["bad"]
    assert values.pop("array").tolist() == array.tolist()
    assert values == {"first": 1, "list": [1, {"b": 2}], "text": "x" * 100}


@pytest.mark.parametrize("bad", [Picky(1, 2), Fragile()])
def test_what_shares_it_is_not_brought_half(tmp_path: Path, bad: object) -> None:
    values, failed = through({"bad": bad, "holder": [bad], "other": [5]}, tmp_path)
    assert values == {"other": [5]}
    assert set(failed) == {"bad", "holder"}


def test_what_two_good_values_share_they_still_share(tmp_path: Path) -> None:
    shared = [1]
    values, _ = through({"a": [shared], "bad": Picky(1, 2), "b": [shared]}, tmp_path)
    assert values["a"][0] is values["b"][0]
