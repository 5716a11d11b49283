"""An object takes the content of a changed copy, so that all who refer to it see the change."""

from __future__ import annotations

import collections
import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression

from nbsubmit.core.revise import content_of, references, take_on


class Slotted:
    __slots__ = ("__hidden", "left", "right")

    def __init__(self) -> None:
        self.left, self.right, self.__hidden = 1, 2, 3

    def seen(self) -> list[Any]:
        return [getattr(self, "left", None), getattr(self, "right", None), self.__hidden]


@dataclass
class Point:
    x: int = 1
    tags: list[str] = field(default_factory=list)


class Fixed(int):
    """A number."""


class Shelf(dict[str, int]):
    owner = ""


def append(value: Any) -> None:
    value.append(4)


def fit(value: Any) -> None:
    value.fit(np.arange(6.0).reshape(3, 2), [1, 2, 3])


def give_owner(value: Any) -> None:
    value.owner, value["k"] = "me", 5


def take_right(value: Any) -> None:
    value.left = 9
    del value.right


CHANGES: dict[str, tuple[Any, Any, Any]] = {
    "a list": ([1, 2], append, list),
    "a dictionary": ({"a": 1}, lambda v: v.update(a=2, b=3), dict),
    "an ordered one": (
        collections.OrderedDict(a=1, b=2), lambda v: v.move_to_end("a"), lambda v: list(v.items()),
    ),
    "one with defaults": (collections.defaultdict(list), lambda v: v["x"].append(1), dict),
    "a counter": (collections.Counter("abc"), lambda v: v.update("ab"), dict),
    "a set": ({1}, lambda v: v.add(2), set),
    "a queue": (collections.deque([1, 2], maxlen=3), append, list),
    "bytes": (bytearray(b"ab"), lambda v: v.extend(b"c"), bytes),
    "an array": (np.zeros(3), lambda v: v.__setitem__(0, 5), lambda v: v.tolist()),
    "a matrix": (
        np.arange(2).view(np.matrix), lambda v: v.__setitem__((0, 0), 5), lambda v: v.tolist(),
    ),
    "a masked array": (
        np.ma.array([1, 2, 3], mask=[False, True, False]), lambda v: v.__setitem__(2, np.ma.masked),
        lambda v: (v.tolist(), v.data.tolist()),
    ),
    "one without a mask": (
        np.ma.array([1, 2]), lambda v: v.__setitem__(1, np.ma.masked), lambda v: v.tolist(),
    ),
    "a frame": (
        pd.DataFrame({"a": [1, 2]}), lambda v: v.insert(0, "b", [3, 4]),
        lambda v: v.to_dict("list"),
    ),
    "a column": (pd.Series([1, 2]), lambda v: v.__setitem__(0, 9), lambda v: v.tolist()),
    "a model": (LinearRegression(), fit, lambda v: np.round(getattr(v, 'coef_', 0), 9).tolist()),
    "a data class": (Point(), lambda v: v.tags.append("t"), lambda v: v.tags),
    "slots": (Slotted(), take_right, lambda v: v.seen()),
    "a dictionary of one's own": (Shelf(a=1), give_owner, lambda v: (dict(v), v.owner)),
    "a source of chance": (random.Random(1), lambda v: v.random(), lambda v: v.getstate()),
    "torch's": (torch.Generator(), lambda v: v.seed(), lambda v: v.get_state().tolist()),
    "numpy's": (
        np.random.default_rng(1), lambda v: v.random(), lambda v: v.bit_generator.state,
    ),
    "numpy's bits": (np.random.PCG64(1), lambda v: v.random_raw(), lambda v: v.state),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_an_object_takes_on_what_its_copy_became(what: str) -> None:
    original, change, content = CHANGES[what]
    old, new = copy.deepcopy(original), copy.deepcopy(original)
    change(new)
    assert content(old) != content(new)
    held = content_of(new)
    assert held is not None
    assert take_on(old, held) is old
    assert content(old) == content(new)


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(2, requires_grad=True) * 2, torch.eye(2).to_sparse(),
        torch.empty(2, device="meta"), torch.ones(2, dtype=torch.cfloat).conj(),
        (1,), frozenset({1}), iter([1]), ValueError(1), "text", 5, Fixed(1), len, int,
    ],
)  # fmt: skip
def test_what_cannot_take_on_another_content_is_known(value: Any) -> None:
    assert content_of(value) is None


@pytest.mark.parametrize("other", [np.zeros(4), np.zeros(3, dtype="i4"), np.zeros((3, 1))])
def test_an_array_that_has_become_another_kind_stands_in_its_place(other: Any) -> None:
    old = np.ones(3)
    content = content_of(other)
    assert content is not None
    assert np.shares_memory(take_on(old, content), other)
    assert old.sum() == 3


def test_views_of_a_masked_array_see_what_it_has_masked() -> None:
    old = np.ma.array(np.arange(4), mask=[False, True, False, False])
    new, view = copy.deepcopy(old), old[2:]
    new[2] = np.ma.masked
    take_on(old, cast(Any, content_of(new)))
    assert view.tolist() == [None, 3]


def test_an_object_that_refuses_its_content_is_as_it_was() -> None:
    class Picky:
        def __init__(self, limit: int) -> None:
            self.limit = limit

        def __setstate__(self, state: dict[str, int]) -> None:
            if state["limit"] > 5:
                raise ValueError("too much")
            self.__dict__.update(state)

    old, content = Picky(1), content_of(Picky(9))
    assert content is not None
    with pytest.raises(ValueError, match="too much"):
        take_on(old, content)
    assert old.limit == 1


def learn(tensor: torch.Tensor, value: float = 5.0) -> torch.Tensor:
    with torch.no_grad():
        tensor[:] = value
    tensor.grad = torch.full_like(tensor, 2)
    return tensor


@pytest.mark.parametrize("make", [torch.nn.Parameter, lambda t: t.requires_grad_()])
def test_all_who_hold_a_tensor_see_its_new_elements_and_its_gradient(
    make: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    old, new = make(torch.zeros(3)), learn(make(torch.zeros(3)))
    view, array = old.detach()[:2], old.detach().numpy()
    content = content_of(new)
    assert content is not None
    assert take_on(old, content) is old
    assert (view.tolist(), array.tolist()) == ([5, 5], [5, 5, 5])
    assert old.grad is not None
    assert old.grad.tolist() == [2, 2, 2]
    assert old.is_leaf
    (old * 3).sum().backward()


@pytest.mark.parametrize(
    "new",
    [torch.ones(4), torch.ones(3, dtype=torch.half), torch.ones(3, 2).T, torch.ones(1).expand(3)],
)
def test_a_tensor_that_has_become_another_kind_is_still_the_same_one(new: torch.Tensor) -> None:
    old = torch.zeros(3, requires_grad=True)
    content = content_of(new)
    assert content is not None
    assert take_on(old, content) is old
    assert torch.equal(old, new)
    assert (old.dtype, old.requires_grad) == (new.dtype, False)


def test_a_tensor_that_repeats_its_elements_takes_on_others() -> None:
    old = torch.zeros(1).expand(5)
    content = content_of(torch.arange(5.0))
    assert content is not None
    assert take_on(old, content).tolist() == [0, 1, 2, 3, 4]


def test_references_are_counted_as_people_count_them() -> None:
    holder = {"v": np.zeros(3)}
    assert references(holder, "v") == 1
    other = [holder["v"]]
    assert references(holder, "v") == 2
    other.clear()
    assert references(holder, "v") == 1
