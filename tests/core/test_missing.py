"""What stands for a value that a task did not bring: shown as it is, an error when it is used."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

from nbsubmit.core.errors import ResultUnreadable
from nbsubmit.core.missing import Missing, fill
from tests.way import Way

TEXT = "task 3 failed: ValueError: bad"


@pytest.fixture
def missing() -> Missing:
    return Missing(TEXT, ValueError("bad"))


USES: dict[str, Callable[[Any], Any]] = {
    "attribute": lambda m: m.mean,
    "call": lambda m: m(),
    "truth": bool,
    "length": len,
    "loop": list,
    "item": lambda m: m[0],
    "in": lambda m: 1 in m,
    "plus": lambda m: m + 1,
    "added to": lambda m: 1 + m,
    "sum": lambda m: sum([1, m]),
    "times": lambda m: 2.0 * m,
    "equal": lambda m: m == 1,
    "less": lambda m: m < 1,
    "sorted": lambda m: sorted([m, 1]),
    "largest": lambda m: max([1, m]),
    "float": float,
    "index": lambda m: [1][m],
    "rounded": round,
    "formatted": lambda m: f"{m:.2f}",
    "floor": math.floor,
    "negative": operator.neg,
    "with": lambda m: m.__enter__(),
}


@pytest.mark.parametrize("use", USES)
def test_to_use_it_raises_the_error_of_the_task(missing: Missing, use: str) -> None:
    for _ in range(2):  # and again
        with pytest.raises(ValueError, match="bad"):
            USES[use](missing)


def test_numpy_and_pandas_touch_it(missing: Missing) -> None:
    import numpy as np
    import pandas as pd

    with pytest.raises(ValueError, match="bad"):
        np.mean([1.0, missing])
    with pytest.raises((ValueError, TypeError), match="bad"):  # pandas makes its own of it
        pd.Series([1.0, missing]).sum()


def test_it_can_be_shown_kept_and_told_apart(missing: Missing) -> None:
    assert repr([1, missing]) == f"[1, <{TEXT}>]"
    assert str(missing) == f"<{TEXT}>"
    shown, _ = DisplayFormatter().format([missing])
    assert shown["text/plain"] == f"[<{TEXT}>]"
    assert DisplayFormatter().format(missing)[0] == {"text/plain": f"<{TEXT}>"}
    assert len({missing, missing}) == 1
    assert isinstance(missing, Missing)
    assert not hasattr(missing, "__array__")


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_it_travels(missing: Missing, again: Callable[[Missing], Missing]) -> None:
    found = again(missing)
    assert repr(found) == f"<{TEXT}>"
    with pytest.raises(ValueError, match="bad"):
        bool(found)


def test_only_places_where_something_is_missing_are_filled(missing: Missing) -> None:
    values: list[Any] = [0, missing, 2, missing]
    fill(values, ["a", "b", "c", "d"], [1, 2])
    assert values[:3] == [0, "b", 2]
    assert values[3] is missing


def test_it_stands_for_a_last_expression_that_could_not_travel(
    make_way: Callable[..., Way],
) -> None:
    job = make_way("debug").run("import threading\nthreading.Lock()")
    assert isinstance(job.value, Missing)
    assert "the last expression is not here: the last expression is a lock" in repr(job.value)
    with pytest.raises(ResultUnreadable, match="is a lock"):
        job.value.acquire()
    assert make_way("debug").run("x = None\nx").value is None
