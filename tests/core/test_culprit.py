"""Where inside a value the part is that cannot be pickled, said as Python reaches it."""

from __future__ import annotations

import collections
import contextvars
import dataclasses
import functools
import socket
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from nbsubmit.core import culprit

Define = Callable[..., dict[str, Any]]

HOME: dict[str, Any] = {"__name__": "__main__"}


def said(name: str, value: object) -> list[str]:
    return [str(part) for part in culprit.find(name, value, HOME)]


class Thing:
    """Has what it is given as attributes."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)

    def method(self) -> None:
        """Something to be bound."""


class Slotted:
    __slots__ = ("first", "second")


class MoreSlots(Slotted):
    __slots__ = "third"


class OddList(list[Any]):
    """A list with attributes."""


@dataclasses.dataclass
class Config:
    name: str
    handlers: dict[str, Any]


class Pair(NamedTuple):
    left: Any
    right: Any


def slotted(**parts: Any) -> Slotted:
    made = MoreSlots()
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def closing_over(part: Any) -> Callable[[], Any]:
    items = [part]
    return lambda: items


def cyclic(part: Any) -> Thing:
    made = Thing()
    made.me, made.part = [made], part  # type: ignore[attr-defined]
    return made


class HasState:
    def __init__(self, part: Any) -> None:
        self.part = part

    def __getstate__(self) -> dict[str, Any]:
        return {"under another name": self.part}


class Reduces:
    def __init__(self, part: Any) -> None:
        self.hidden = iter([part])

    def __reduce__(self) -> Any:
        return list, (list(self.hidden),)


# What is built around a lock → how the lock is reached.
PATHS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "itself": (lambda x: x, "v"),
    "dict": (lambda x: {"a": 1, "k": x}, "v['k']"),
    "list": (lambda x: [0, x], "v[1]"),
    "tuple": (lambda x: (0, (x,)), "v[1][0]"),
    "attribute": (lambda x: Thing(a=Thing(b=x)), "v.a.b"),
    "all of them": (lambda x: Thing(h={"h": [(0, Thing(s=x))]}), "v.h['h'][0][1].s"),
    "dataclass": (lambda x: Config("c", {"file": x}), "v.handlers['file']"),
    "named tuple": (lambda x: Pair(1, x), "v[1]"),
    "slot": (lambda x: slotted(first=1, second=x), "v.second"),
    "slot of a subclass": (lambda x: slotted(third=[x]), "v.third[0]"),
    "list with attributes": (lambda x: OddList([1, x]), "v[1]"),
    "closure": (closing_over, "v.<closure items>[0]"),
    "bound method": (lambda x: Thing(part=x).method, "v.__self__.part"),
    "class": (lambda x: type("Made", (), {"__module__": "__main__", "part": x}), "v.part"),
    "ordered dict": (lambda x: collections.OrderedDict(a=x), "v['a']"),
    "number as key": (lambda x: {3: x}, "v[3]"),
    "long key": (lambda x: {"k" * 99: x}, f"v['{'k' * 36}...]"),
    "own state": (HasState, "v.part"),
    "cycle": (cyclic, "v.part"),
}


@pytest.mark.parametrize("kind", PATHS)
def test_the_path_to_a_culprit_is_written_as_python(kind: str) -> None:
    build, path = PATHS[kind]
    assert said("v", build(threading.Lock())) == [f"{path} is a lock"]


ELEMENTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "set": (lambda x: {x}, "v (an element) is a lock"),
    "frozenset": (lambda x: [frozenset({x})], "v[0] (an element) is a lock"),
}


@pytest.mark.parametrize("kind", ELEMENTS)
def test_an_element_of_a_set_has_no_path_of_its_own(kind: str) -> None:
    build, text = ELEMENTS[kind]
    assert said("v", build(threading.Lock())) == [text]


def test_a_key_of_a_dict_can_be_the_culprit() -> None:
    lock = threading.Lock()
    (found,) = culprit.find("v", {lock: 1}, HOME)
    assert found.path.startswith("v.keys() (<unlocked _thread.lock")
    assert found.what == "a lock"


HIDDEN: dict[str, Callable[[Any], Any]] = {
    "deque": lambda x: collections.deque([x]),
    "partial": lambda x: functools.partial(print, x),
    "array of objects": lambda x: np.array([x], dtype=object),
    "reduces to something else": Reduces,
    "exception": lambda x: ValueError("text", x),
    "default factory": lambda x: collections.defaultdict(lambda: x),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_where_no_path_leads_to_it_the_one_that_holds_it_is_named(kind: str) -> None:
    found = culprit.find("v", {"k": HIDDEN[kind](threading.Lock())}, HOME)
    assert [(part.path.partition(".")[0], part.exact) for part in found] == [("v['k']", False)]
    assert str(found[0]).endswith(" holds something that is a lock")


def test_the_defaults_of_a_function_are_looked_into() -> None:
    lock, other = threading.Lock(), threading.RLock()

    def function(a: Any, b: Any = lock, *, c: Any = (other,)) -> None: ...

    assert sorted(said("f", function)) == [
        "f.__defaults__[0] is a lock",
        "f.__kwdefaults__['c'][0] is a lock",
    ]


def test_the_same_culprit_is_told_once_for_each_value_that_leads_to_it() -> None:
    lock = threading.Lock()
    assert said("v", [lock, lock]) == ["v[0] is a lock"]


def test_several_culprits_are_found_in_one_pass(tmp_path: Path) -> None:
    with closing(socket.socket()) as sock, (tmp_path / "f").open("w") as file:
        value = {"a": [threading.Lock(), 1, sock], "b": Thing(log=file), "c": "innocent"}
        assert said("cfg", value) == [
            "cfg['a'][0] is a lock",
            "cfg['a'][2] is an open socket",
            "cfg['b'].log is an open file (mode 'w')",
        ]


def test_of_very_many_culprits_a_few_are_enough() -> None:
    found = said("v", [threading.Lock() for _ in range(1000)])
    assert found == [f"v[{index}] is a lock" for index in range(5)]


def test_a_value_that_can_be_pickled_has_no_culprit(define: Define) -> None:
    home = define("class C:\n    def f(self): return 1\ndef g(): return C().f()\nv = [C(), g]")
    assert culprit.find("v", home["v"], home) == []


def test_a_function_of_the_notebook_is_not_blamed_for_what_it_only_mentions(
    define: Define,
) -> None:
    home = define("import threading\nlock = threading.Lock()\ndef f():\n    with lock: pass")
    assert culprit.find("f", home["f"], home) == []


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Things that are open, or wait, or run; closed when the test is over."""
    path = tmp_path / "file"
    path.write_bytes(b"")

    async def wait() -> None: ...

    coroutine = wait()
    with (
        path.open() as text,
        path.open("ab") as data,
        closing(socket.socket()) as sock,
        closing(sqlite3.connect(":memory:")) as database,
    ):
        yield {
            "text": text,
            "data": data,
            "sock": sock,
            "database": database,
            "coroutine": coroutine,
            "generator": (n for n in range(3)),
            "lock": threading.Lock(),
            "rlock": threading.RLock(),
            "frame": sys._getframe(),
            "weak": weakref.WeakMethod(_Method().method),
            "context": contextvars.copy_context(),
        }
    coroutine.close()


class _Method:
    def method(self) -> None: ...


WORDS = {
    "text": "an open file (mode 'r')",
    "data": "an open file (mode 'ab')",
    "sock": "an open socket",
    "database": "a connection to a database",
    "coroutine": "a coroutine",
    "generator": "a generator",
    "lock": "a lock",
    "rlock": "a lock",
    "frame": "a stack frame",
    "weak": "a weak reference to a method",
    "context": "a set of context variables",
}


@pytest.mark.parametrize("kind", WORDS)
def test_a_culprit_is_named_in_words_that_say_what_to_close(
    opened: dict[str, Any], kind: str
) -> None:
    assert said("v", {"k": opened[kind]}) == [f"v['k'] is {WORDS[kind]}"]


def test_an_object_that_refuses_by_itself_is_named_with_its_type() -> None:
    class Shy:
        def __reduce__(self) -> Any:
            raise ValueError("not me")

    (text,) = said("v", [Shy()])
    assert text.startswith("v[0] is of type ")
    assert text.endswith("Shy, which cannot be pickled")


def test_what_is_nested_too_deeply_is_said_to_be() -> None:
    value: list[Any] = []
    inner = value
    for _ in range(100_000):
        inner.append([])
        inner = inner[0]
    (found,) = culprit.find("tree", {"root": value}, HOME)
    assert found.path == "tree"
    assert found.what.startswith("nested too deeply to be pickled")


def test_a_property_that_raises_is_not_asked() -> None:
    class Touchy(Thing):
        @property
        def a(self) -> Any:
            raise AssertionError("asked")

    assert said("v", Touchy(z=threading.Lock())) == ["v.z is a lock"]
