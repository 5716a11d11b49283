"""Classes of values that are quick to import."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from functools import cached_property
from typing import Any

import pytest

from nbsubmit.core import record


@record.dataclass(frozen=True)
class Point:
    """A value with all that a field can have."""

    x: int
    y: int = 0
    tags: list[str] = dataclasses.field(default_factory=list)

    @property
    def total(self) -> int:
        return self.x + self.y

    @cached_property
    def double(self) -> int:
        return 2 * self.total


@dataclasses.dataclass(frozen=True)
class Plain:
    """What the standard library makes of the same."""

    x: int
    y: int = 0
    tags: list[str] = dataclasses.field(default_factory=list)


@record.dataclass
class Counter:
    """One that may be changed, and that finishes itself."""

    number: int = 1

    def __post_init__(self) -> None:
        self.number += 1


@record.dataclass(frozen=True)
class Whole:
    """One of values that can be looked up."""

    number: int
    text: str


@record.dataclass(frozen=True)
class Near(Point):
    """One with a field more."""

    z: int = 3


GIVEN: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 2), {}),
    ((1, 2, ["a"]), {}),
    ((), {"x": 1}),
    ((1,), {"tags": ["b"]}),
    ((), {"tags": [], "y": 5, "x": 1}),
]


@pytest.mark.parametrize(("args", "more"), GIVEN)
def test_an_instance_holds_and_shows_what_the_standard_librarys_would(
    args: tuple[Any, ...], more: dict[str, Any]
) -> None:
    ours, theirs = Point(*args, **more), Plain(*args, **more)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours) == repr(theirs).replace("Plain", "Point")
    assert list(vars(ours)) == list(vars(theirs))


@pytest.mark.parametrize(
    ("args", "more"),
    [((), {}), ((), {"y": 1}), ((1, 2, [], 4), {}), ((1,), {"x": 1}), ((1,), {"w": 1})],
)
def test_what_the_standard_librarys_does_not_take_is_not_taken(
    args: tuple[Any, ...], more: dict[str, Any]
) -> None:
    for kind in (Plain, Point):
        with pytest.raises(TypeError):
            kind(*args, **more)


def test_values_are_equal_if_all_is_and_they_are_of_one_class() -> None:
    assert Point(1, 2) == Point(1, 2)
    assert Point(1, 2) != Point(1, 3)
    assert Point(1) != Near(1)
    others: list[object] = [(1, 0, []), Plain(1)]
    assert Point(1) not in others


def test_a_frozen_value_can_be_looked_up_and_another_cannot() -> None:
    assert {Whole(1, "a"): "found"}[Whole(1, "a")] == "found"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counter())


def test_a_frozen_value_cannot_be_changed() -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    assert point == Point(1)
    assert point.double == 2


def test_what_it_does_at_last_is_done_and_it_may_change() -> None:
    counter = Counter(4)
    counter.number += 1
    assert counter.number == 6


def test_each_instance_has_a_default_of_its_own() -> None:
    Point(1).tags.append("a")
    assert Point(1).tags == []


def test_a_class_that_is_made_of_another_has_its_fields_first() -> None:
    assert [field.name for field in dataclasses.fields(Near)] == ["x", "y", "tags", "z"]
    assert Near(1, 2, [], 4).z == 4


def test_it_can_be_copied_with_changes_pickled_and_matched() -> None:
    point = Point(1, 2, ["a"])
    assert dataclasses.replace(point, y=5) == Point(1, 5, ["a"])
    assert pickle.loads(pickle.dumps(point)) == copy.deepcopy(point) == point
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_a_class_of_which_many_are_made_goes_on_as_before() -> None:
    @record.dataclass(frozen=True)
    class Often:
        """One that is made by the hundreds."""

        x: int
        y: int = 0
        tags: list[str] = dataclasses.field(default_factory=list)

        def __post_init__(self) -> None:
            self.tags.append("finished")

    first = vars(Often)["__init__"]
    made = [Often(number, y=1) for number in range(500)]
    assert vars(Often)["__init__"] is not first
    assert [one.x for one in made] == list(range(500))
    assert made[0] == Often(0, 1)
    assert made[0] != Often(0, 2)
    assert made[0].tags == made[-1].tags == ["finished"]
    assert repr(made[2]).endswith("Often(x=2, y=1, tags=['finished'])")
    assert dataclasses.replace(made[3], y=5, tags=[]) == Often(3, 5)
    with pytest.raises(TypeError, match=r"Often\b.*'x'"):
        Often()  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        made[0].x = 2  # type: ignore[misc]


def test_what_a_class_defines_itself_stays() -> None:
    @record.dataclass(frozen=True)
    class Own:
        """One that shows itself as it likes."""

        a: int

        def __repr__(self) -> str:
            return "own"

    assert repr(Own(1)) == "own"


def test_a_frozen_class_that_compares_itself_can_be_looked_up_all_the_same() -> None:
    @record.dataclass(frozen=True)
    class Own:
        """One that is equal by its number alone, as far as anybody asks."""

        a: int
        b: str = ""

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and other.a == self.a

    assert {Own(1): "found"}[Own(1)] == "found"


def test_a_class_made_of_a_frozen_one_may_have_what_is_no_field() -> None:
    class More(Whole):
        """One that notes something."""

        def __init__(self) -> None:
            super().__init__(1, "a")
            self.noted = 2

    more = More()
    more.noted += 1
    del more.noted
    with pytest.raises(dataclasses.FrozenInstanceError):
        more.number = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "options",
    [{"repr": False}, {"compare": False}, {"init": False}, {"kw_only": True}, {"hash": False}],
)
def test_an_option_of_a_field_that_would_not_be_heeded_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Odd: of a field's options"):
        record.dataclass(
            type("Odd", (), {"__annotations__": {"a": int}, "a": dataclasses.field(**options)})
        )


COMPILED = """
import cloudpickle, dataclasses, sys
compiled = []
sys.addaudithook(lambda event, args: compiled.append(str(args)) if event == "compile" else None)

@dataclasses.dataclass
class One:
    a: int

assert any("__create_fn__" in text for text in compiled), "nothing can be seen"
compiled.clear()
import nbsubmit.worker.process
print([text for text in compiled if "__create_fn__" in text])
"""


def test_the_worker_compiles_no_class() -> None:
    command = [sys.executable, "-c", COMPILED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
