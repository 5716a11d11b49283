"""Values of a failed cell: kept as far as that is cheap, shown where it is not, never a failure."""

from __future__ import annotations

import io
import pickle
import threading
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nbsubmit.core.home import at_home
from nbsubmit.core.kept import KeptValue, NotHere
from nbsubmit.worker import keeping
from nbsubmit.worker.keeping import MOST_BYTES, MOST_BYTES_OF_ONE, Keeper


def keeper(**known: Any) -> Keeper:
    return Keeper({}, {}, {id(value): name for name, value in known.items()})


def kept(value: Any) -> KeptValue:
    made = keeper()
    return made.values[made.keep(value)]


def again(made: Keeper, number: int) -> Any:
    value = made.values[number]
    with at_home({}):
        data = made.stream.getvalue()[value.start : value.start + value.size]
        unpickler = pickle.Unpickler(io.BytesIO(data))
        unpickler.load()  # what every stream begins with
        return unpickler.load()


SMALL: dict[str, Any] = {
    "a number": 7,
    "nothing": None,
    "text": "ä" * 100,
    "a list": [1, {"k": (2, 3)}],
    "a set": {1, 2},
    "an exception": KeyError("k"),
}


@pytest.mark.parametrize("what", SMALL)
def test_a_small_value_is_kept(what: str) -> None:
    made = keeper()
    value = again(made, made.keep(SMALL[what]))
    assert repr(value) == repr(SMALL[what])


def test_arrays_tables_and_tensors_are_kept() -> None:
    made = keeper()
    array, table, tensor = np.arange(9.0), pd.DataFrame({"a": [1, 2]}), torch.arange(4)
    numbers = [made.keep(value) for value in (array[::2], table, tensor)]
    assert again(made, numbers[0]).tolist() == [0, 2, 4, 6, 8]
    assert again(made, numbers[1]).equals(table)
    assert again(made, numbers[2]).tolist() == [0, 1, 2, 3]


def test_an_object_is_kept_once() -> None:
    made = keeper()
    value = [1, 2]
    assert made.keep(value) == made.keep(value)
    assert made.keep([1, 2]) != made.keep(value)
    assert len(made.values) == 2


def test_what_is_found_by_a_name_is_not_kept_again() -> None:
    large = np.zeros(10**6)
    made = keeper(large=large)
    value = made.values[made.keep({"its": large})]
    assert 0 < value.size < 200


LARGE: dict[str, Any] = {
    "text": "x" * (MOST_BYTES_OF_ONE + 1),
    "bytes": bytes(MOST_BYTES_OF_ONE + 1),
    "a list": list(range(2 * 10**6)),
    "an array": np.zeros(10**6),
    "a view that is not in one piece": np.zeros((2000, 2000))[::2, ::2],
    "a table": pd.DataFrame({"a": np.zeros(10**6)}),
    "a tensor": torch.zeros(2 * 10**6),
}


@pytest.mark.parametrize("what", LARGE)
def test_a_large_value_is_shown_and_not_copied(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_SECONDS", 600.0)
    kept("what is loaded for the first one")
    tracemalloc.start()
    try:
        value = kept(LARGE[what])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The text of a byte takes four characters.
    assert peak < 5 * MOST_BYTES_OF_ONE
    assert (value.size, value.start) == (0, 0)
    assert value.shown
    assert len(value.shown) < 1100
    assert "MB" in value.why_not


def test_all_together_are_kept_up_to_a_limit() -> None:
    made = keeper()
    for _ in range(40):
        made.keep(bytes(MOST_BYTES_OF_ONE - 1000))
    assert made.stream.tell() <= MOST_BYTES
    assert made.values[0].size
    assert not made.values[-1].size
    assert made.values[made.keep(7)].size


class Model:
    """Holds what cannot be kept beside what can."""

    def __init__(self) -> None:
        self.weights = torch.zeros(10**6)
        self.lock = threading.Lock()
        self.table = pd.DataFrame({"a": np.zeros(10**6)})
        self.rate = 0.1
        self.refuses = Stubborn()
        self.layers = [torch.nn.Linear(2, 2), {"deep": np.zeros(10**6)}]


def test_of_an_object_all_is_kept_that_can_be() -> None:
    made = keeper()
    number = made.keep(Model())
    model = again(made, number)
    assert model.rate == 0.1
    assert repr(model.layers[0]) == repr(torch.nn.Linear(2, 2))
    for part, why in (
        (model.weights, "<torch.Tensor that is not here (it holds 4 MB): tensor([0., 0., 0.,"),
        (model.lock, "<_thread.lock that is not here (PicklingError: cannot pickle a lock)"),
        (model.table, "<pandas.DataFrame that is not here (it holds 8 MB)"),
        (model.layers[1]["deep"], "<numpy.ndarray that is not here (it holds 8 MB)"),
        (model.refuses, "<tests.Stubborn that is not here (RuntimeError: never)"),
    ):
        assert isinstance(part, NotHere)
        assert repr(part).startswith(why)
    assert made.values[number].size < 5000
    assert made.values[number].shown.startswith("<tests.worker.test_keeping.Model")


def test_small_things_are_whole() -> None:
    made = keeper()
    assert made.values[made.keep([np.arange(3), KeyError(1), print, Model])].shown == ""


class Stubborn:
    """Refuses whatever is asked of it."""

    def __reduce__(self) -> Any:
        raise RuntimeError("never")

    def __repr__(self) -> str:
        raise RuntimeError("nor this")


def test_what_cannot_be_pickled_is_shown_with_the_reason() -> None:
    value = kept(threading.Lock())
    assert value.size == 0
    assert "lock" in value.why_not
    assert value.shown.startswith("<unlocked _thread.lock")


def test_what_cannot_even_be_shown_does_no_harm() -> None:
    value = kept(Stubborn())
    assert value.why_not == "RuntimeError: never"
    assert value.shown == "(its repr failed: RuntimeError)"


def test_what_a_failure_has_begun_to_write_is_not_there() -> None:
    made = keeper()
    shared = [1, 2]
    made.keep([shared, threading.Lock()])
    assert again(made, made.keep([shared, 3])) == [[1, 2], 3]


def test_when_time_is_up_the_rest_is_told_by_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_SECONDS", 0.0)
    value = kept([1, 2])
    assert value == KeptValue("list", why_not="there was no time to keep it")
