"""What a cell that is sent is taken to bring, so that others wait for it or follow it."""

from __future__ import annotations

import ast
import collections
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbsubmit.core.names import analyse
from nbsubmit.core.pending import brings, reached


class Model:
    """Learns."""

    def fit(self, data: object) -> None:
        """Learn."""


class Settings:
    """Does not."""

    def get(self) -> int:
        """Return something."""
        return 1


HERE: dict[str, Any] = {
    "np": np, "pd": pd, "n": 1, "text": "t", "items": [1], "table": {}, "seen": {1},
    "queue": collections.deque(), "array": np.arange(3), "df": pd.DataFrame({"a": [1]}),
    "model": Model(), "settings": Settings(), "_own": [1], "function": len, "t": (1,),
}  # fmt: skip


def brought(source: str, bring: Iterable[str] | None = None) -> set[str]:
    return set(brings(analyse(source), ast.parse(source), HERE, bring))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("x = n", {"x"}),
        ("def f(): pass", {"f"}),
        ("for i in items: last = i", {"i", "last"}),
        ("if n: x = 1", {"x"}),
        ("del items", {"items"}),
        ("n += 1", {"n"}),
        ("import numpy as np", set()),
        ("import json", {"json"}),
        ("import numpy as np\nnp = 3", {"np"}),
        ("_x = 1", set()),
        ("_own = 1", {"_own"}),
        ("print(n, text, t)", set()),
        ("items.append(1)", {"items"}),
        ("items.index(1)", set()),
        ("items[0] = 1", {"items"}),
        ("also = items\nalso.append(1)", {"also", "items"}),
        ("m = df.mean()", {"m"}),
        ("df['b'] = 1", {"df"}),
        ("df.loc[0, 'a'] = 1", {"df"}),
        ("v = df.loc[0]", {"v"}),
        ("df.drop(columns='a', inplace=True)", {"df"}),
        ("df.b = 1", {"df"}),
        ("array.sort()", {"array"}),
        ("s = array.sum()", {"s"}),
        ("array += 1", {"array"}),
        ("table['a'] = 1", {"table"}),
        ("v = table.get('a')", {"v"}),
        ("seen.add(2)", {"seen"}),
        ("queue.append(2)", {"queue"}),
        ("r = function(df, array, items, table)", {"r"}),
        ("function(model)", {"model"}),
        ("model.fit(df)", {"model"}),
        ("r = function(settings)", {"r"}),
        ("v = settings.get()", {"settings", "v"}),
    ],
)
def test_a_cell_brings_what_it_binds_and_what_it_changes_for_all_that_shows(
    source: str, names: set[str]
) -> None:
    assert brought(source) == names


def test_of_a_cell_that_says_what_it_brings_nothing_else_is_expected() -> None:
    assert brought("x = 1\ny = 2", ["x"]) == {"x"}
    assert brought("x = 1", []) == set()


def test_what_functions_of_the_notebook_read_is_reached_through_them() -> None:
    home: dict[str, Any] = {"__name__": "__main__"}
    functions = "def f():\n    return g()\ndef g():\n    return [x for _ in y]\n"
    exec(functions + "class C:\n    def m(self): return z", home)
    assert {"f", "g", "x", "y"} <= reached(["f"], home)
    assert "z" not in reached(["f"], home)
    assert "z" in reached(["C"], home)
