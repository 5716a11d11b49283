"""One value ↔ bytes: functions at home where they arrive, classes met again, content compared."""

from __future__ import annotations

import io
import pickle
import sys
import threading
import types
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbsubmit.core.definitions.known import UnknownClass, as_another_process, known_classes
from nbsubmit.core.fingerprint import fingerprint
from nbsubmit.core.home import at_home
from nbsubmit.core.pickling import ValuePickler

Define = Callable[..., dict[str, Any]]


def dumped(value: object, home: dict[str, Any], known: Mapping[type, str] | None = None) -> bytes:
    stream = io.BytesIO()
    ValuePickler(stream, home, known).dump(value)
    return stream.getvalue()


def loaded(data: bytes) -> Any:
    """Load the one value of a stream."""
    unpickler = pickle.Unpickler(io.BytesIO(data))
    unpickler.load()  # what every stream begins with
    return unpickler.load()


def travel(value: Any, home: dict[str, Any], there: dict[str, Any] | None = None) -> Any:
    """Send a value from one namespace into another."""
    data = dumped(value, home)
    with at_home({"__name__": "__main__"} if there is None else there):
        return loaded(data)


# Functions


def test_a_function_sees_the_names_of_the_namespace_it_arrives_in(define: Define) -> None:
    here = define("K = 1\ndef f(): return K")
    there = {"__name__": "__main__", "K": 99}
    f = travel(here["f"], here, there)
    assert f() == 99
    there["K"] = 100
    assert f() == 100
    assert f.__globals__ is there


def test_a_function_does_not_carry_the_values_of_the_names_it_mentions(define: Define) -> None:
    here = define("big = 'x' * 100_000\ndef f(): return len(big)")
    assert len(dumped(here["f"], here)) < 2_000


def test_the_names_that_functions_mention_are_told_with_who_mentions_them(define: Define) -> None:
    here = define(
        "def f(): return K + g()\n"
        "def g():\n"
        "    def inner(): return deep\n"
        "    return inner() + len([])\n"
        "def h():\n"
        "    global count\n"
        "    count = 1"
    )
    pickler = ValuePickler(io.BytesIO(), here)
    for name in "fgh":
        pickler.dump(here[name])
    mentioned = pickler.mentioned
    assert {n: mentioned[n] for n in ("K", "g", "deep", "count")} == {
        "K": "f", "g": "f", "deep": "g", "count": "h",
    }  # fmt: skip
    assert pickler.files == {here["f"].__code__.co_filename}


def test_a_global_counter_counts_in_the_new_namespace_alone(define: Define) -> None:
    here = define("count = 0\ndef bump():\n    global count\n    count += 1\n    return count")
    there = {"__name__": "__main__", "count": 40}
    bump = travel(here["bump"], here, there)
    assert [bump(), bump()] == [41, 42]
    assert (there["count"], here["count"]) == (42, 0)


def test_a_closure_keeps_what_it_closed_over(define: Define) -> None:
    here = define(
        "def make(step):\n"
        "    total = 0\n"
        "    def add():\n"
        "        nonlocal total\n"
        "        total += step\n"
        "        return total\n"
        "    return add\n"
        "add = make(5)\n"
        "add()"
    )
    add = travel(here["add"], here)
    assert [add(), add()] == [10, 15]
    assert here["add"]() == 10


def test_two_functions_that_share_a_variable_still_share_it(define: Define) -> None:
    here = define(
        "def make():\n"
        "    n = 0\n"
        "    def put(v):\n"
        "        nonlocal n\n"
        "        n = v\n"
        "    def get(): return n\n"
        "    return put, get\n"
        "pair = make()"
    )
    put, get = travel(here["pair"], here)
    put(7)
    assert get() == 7


def test_a_variable_that_is_closed_over_and_not_bound_yet_stays_unbound(define: Define) -> None:
    here = define(
        "def make():\n"
        "    def get(): return later\n"
        "    if False: later = 1\n"
        "    return get\n"
        "get = make()"
    )
    with pytest.raises(NameError):
        travel(here["get"], here)()


def test_defaults_attributes_and_words_travel_with_a_function(define: Define) -> None:
    here = define(
        "def f(a, b=[1], *, c='x', d) -> int:\n"
        "    'What f does.'\n"
        "    return (a, b, c, d)\n"
        "f.note = {'k': 1}"
    )
    f = travel(here["f"], here)
    assert f(1, d=2) == (1, [1], "x", 2)
    assert f.__defaults__ == ([1],)
    assert f.__kwdefaults__ == {"c": "x"}
    assert f.__annotations__ == {"return": int}
    assert (f.__doc__, f.__name__, f.__module__) == ("What f does.", "f", "__main__")
    assert f.note == {"k": 1}


def test_a_recursive_function_calls_itself_by_name(define: Define) -> None:
    here = define("def fact(n): return 1 if n < 2 else n * fact(n - 1)")
    there: dict[str, Any] = {"__name__": "__main__"}
    there["fact"] = travel(here["fact"], here, there)
    assert there["fact"](5) == 120


def test_a_function_that_closes_over_itself_is_one_function(define: Define) -> None:
    here = define(
        "def make():\n"
        "    def fact(n): return 1 if n < 2 else n * fact(n - 1)\n"
        "    return fact\n"
        "fact = make()"
    )
    fact = travel(here["fact"], here)
    assert fact(5) == 120
    assert fact.__closure__[0].cell_contents is fact


def test_functions_that_call_each_other_do(define: Define) -> None:
    here = define(
        "def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n > 0 and even(n - 1)"
    )
    there: dict[str, Any] = {"__name__": "__main__"}
    there |= travel({"even": here["even"], "odd": here["odd"]}, here, there)
    assert (there["even"](10), there["odd"](10)) == (True, False)


def test_a_lambda_a_generator_and_a_coroutine_function_work(define: Define) -> None:
    here = define(
        "K = 1\n"
        "double = lambda x: K * x\n"
        "def count():\n    yield from range(K)\n"
        "async def wait(): return K"
    )
    there: dict[str, Any] = {"__name__": "__main__", "K": 2}
    names = ("double", "count", "wait")
    double, count, wait = travel(tuple(here[n] for n in names), here, there)
    assert double(21) == 42
    assert list(count()) == [0, 1]
    with pytest.raises(StopIteration, match="2"):
        wait().send(None)


def test_a_decorated_function_keeps_its_wrapping(define: Define) -> None:
    here = define(
        "import functools\n"
        "def twice(f):\n"
        "    @functools.wraps(f)\n"
        "    def wrapper(*args): return 2 * f(*args) + K\n"
        "    return wrapper\n"
        "@twice\n"
        "def three(): return 3\n"
        "half = functools.partial(pow, 4)\n"
        "K = 0"
    )
    there: dict[str, Any] = {"__name__": "__main__", "K": 100}
    three, half = travel((here["three"], here["half"]), here, there)
    assert three() == 106
    assert three.__wrapped__() == 3
    assert half(2) == 16


def test_a_function_with_a_cache_travels(define: Define) -> None:
    here = define("import functools\n@functools.lru_cache\ndef square(x): return x * x")
    assert travel(here["square"], here)(4) == 16


def test_a_function_of_another_namespace_keeps_its_own_globals(define: Define) -> None:
    here, elsewhere = define("x = 1"), define("K = 'its own'\ndef f(): return K")
    there: dict[str, Any] = {"__name__": "__main__", "K": "not this one"}
    assert travel(elsewhere["f"], here, there)() == "its own"


def test_an_importable_function_goes_by_name(define: Define) -> None:
    here = define("from json import dumps")
    assert travel(here["dumps"], here) is here["dumps"]
    assert len(dumped(here["dumps"], here)) < 100


def test_the_same_function_twice_stays_one_function(define: Define) -> None:
    here = define("def f(): pass\npair = [f, f]")
    first, second = travel(here["pair"], here)
    assert first is second


def test_the_submodules_that_a_function_uses_are_imported_where_it_arrives(
    define: Define, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = define("import xml.dom.minidom\ndef f(): return xml.dom.minidom.parseString('<a/>')")
    data = dumped(here["f"], here)
    monkeypatch.delitem(sys.modules, "xml.dom.minidom")
    with at_home({"__name__": "__main__"}):
        loaded(data)
    assert "xml.dom.minidom" in sys.modules


# Classes


CLASS = """
K = 1
class Net:
    shared = []
    def __init__(self, width):
        self.width = width
    def area(self):
        return self.width * K
    @property
    def half(self): return self.width / 2
    @staticmethod
    def kind(): return 'net'
    @classmethod
    def make(cls): return cls(3)
net = Net(4)
"""


def test_a_class_of_the_notebook_works_in_another_process(define: Define) -> None:
    here = define(CLASS)
    data = dumped(here["net"], here)
    with as_another_process(), at_home({"__name__": "__main__", "K": 10}):
        net = loaded(data)
        assert type(net) is not here["Net"]
        assert (net.area(), net.half, net.kind()) == (40, 2.0, "net")
        assert type(net.make()) is type(net)


def test_an_instance_comes_home_as_one_of_the_notebooks_own_class(define: Define) -> None:
    here = define(CLASS)
    data = dumped(here["net"], here)
    with as_another_process():
        there: dict[str, Any] = {"__name__": "__main__", "K": 1}
        with at_home(there):
            net = loaded(data)
        sent = dict(known_classes())
        net.width = 9
        back = dumped(net, there, sent)
    with at_home(here):
        home = loaded(back)
    assert type(home) is here["Net"]
    assert home.width == 9


def test_a_class_that_the_other_side_has_is_not_rewritten_there(define: Define) -> None:
    here = define(CLASS)
    data = dumped(here["net"], here)
    with as_another_process():
        there: dict[str, Any] = {"__name__": "__main__", "K": 1}
        with at_home(there):
            net = loaded(data)
        type(net).area = lambda self: "changed on the node"
        back = dumped(net, there, dict(known_classes()))
    here["Net"].shared.append("since then")
    method = here["Net"].area
    with at_home(here):
        home = loaded(back)
    assert here["Net"].area is method
    assert here["Net"].shared == ["since then"]
    assert home.area() == 9 - 5


def test_a_class_that_is_known_travels_in_a_few_bytes(define: Define) -> None:
    here = define(CLASS)
    dumped(here["net"], here)
    assert len(dumped(here["net"], here)) > 500
    assert len(dumped(here["net"], here, dict(known_classes()))) < 200


def test_an_unknown_class_is_said_to_be(define: Define) -> None:
    here = define(CLASS)
    dumped(here["net"], here)
    data = dumped(here["net"], here, dict(known_classes()))
    with as_another_process(), at_home({}), pytest.raises(UnknownClass):
        loaded(data)


def test_another_process_ends_and_this_one_knows_its_classes_again(define: Define) -> None:
    here = define(CLASS)
    dumped(here["net"], here)
    before = dict(known_classes())
    assert here["Net"] in before
    seen = {}
    with suppress(ZeroDivisionError), as_another_process():
        seen = {"meanwhile": dict(known_classes())}
        raise ZeroDivisionError
    assert seen == {"meanwhile": {}}
    assert dict(known_classes()) == before


@pytest.mark.parametrize(
    "source",
    [
        "import enum\nclass C(enum.Enum):\n    A = 1\nv = C.A\nseen = lambda v: v.value",
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    a: int = 1\nv = C()\n"
        "seen = lambda v: (v.a, v == type(v)())",
        "import abc\nclass B(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\n"
        "class C(B):\n    def f(self): return super().__class__.__mro__[1].__name__\nv = C()\n"
        "seen = lambda v: v.f()",
        "import collections\nC = collections.namedtuple('C', 'a b')\nv = C(1, 2)\n"
        "seen = lambda v: v._asdict()",
        "class C:\n    __slots__ = ('a',)\nv = C()\nv.a = 5\nseen = lambda v: v.a",
    ],
    ids=["enum", "dataclass", "abstract", "namedtuple", "slots"],
)
def test_every_kind_of_class_keeps_its_ways(define: Define, source: str) -> None:
    here = define(source)
    data = dumped(here["v"], here)
    with as_another_process(), at_home({"__name__": "__main__"}):
        assert here["seen"](loaded(data)) == here["seen"](here["v"])


# Files


def test_an_open_text_file_is_refused_and_not_sent_as_its_text(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("text")
    with path.open() as file, pytest.raises(pickle.PicklingError, match="an open file"):
        dumped({"file": file}, {})


def test_the_standard_streams_go_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    data = dumped(sys.stdout, {})
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "stdout", "the one there")
        assert loaded(data) == "the one there"


# What changed


class Point:
    """Importable, with a dict."""

    def __init__(self, x: Any) -> None:
        self.x = x


class Slotted:
    """Importable, without."""

    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x


def _frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})


def _set_last(array: Any) -> None:
    array.flat[-1] += 1


def _put(frame: Any) -> None:
    frame.loc[0, "a"] = 100


def _rename(frame: Any) -> None:
    frame.columns = ["a", "c"]


CHANGES: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "list, appended": (lambda: [1, 2], lambda v: v.append(3)),
    "list, one item": (lambda: [1, 2], lambda v: v.__setitem__(0, 9)),
    "list, emptied": (lambda: [1, 2], lambda v: v.clear()),
    "list, order": (lambda: [1, 2], lambda v: v.reverse()),
    "dict, added": (lambda: {"a": 1}, lambda v: v.update(b=2)),
    "dict, a value": (lambda: {"a": 1}, lambda v: v.update(a=2)),
    "dict, removed": (lambda: {"a": 1, "b": 2}, lambda v: v.pop("a")),
    "dict, deep inside": (lambda: {"a": [{"b": [1]}]}, lambda v: v["a"][0]["b"].append(2)),
    "set": (lambda: {1, 2}, lambda v: v.add(3)),
    "deque": (lambda: deque([1]), lambda v: v.appendleft(0)),
    "ordered dict, order": (lambda: OrderedDict(a=1, b=2), lambda v: v.move_to_end("a")),
    "bytearray": (lambda: bytearray(10_000), lambda v: v.__setitem__(9_999, 1)),
    "attribute": (lambda: Point(1), lambda v: setattr(v, "x", 2)),
    "new attribute": (lambda: Point(1), lambda v: setattr(v, "y", 2)),
    "slot": (lambda: Slotted([1]), lambda v: v.x.append(2)),
    "tuple, what it holds": (lambda: ([1],), lambda v: v[0].append(2)),
    "type of a number": (lambda: [1], lambda v: v.__setitem__(0, 1.0)),
    "small array": (lambda: np.arange(3), _set_last),
    "large array": (lambda: np.zeros(100_000), _set_last),
    "array in Fortran's order": (lambda: np.asfortranarray(np.eye(200)), _set_last),
    "array of objects": (lambda: np.array([[1], "a"], dtype=object), lambda v: v[0].append(2)),
    "array, its shape": (lambda: np.zeros(100_000), lambda v: v.resize(1_000, 100)),
    "strided view": (lambda: np.zeros(100_000)[::2], lambda v: v.__setitem__(-1, 1)),
    "random generator": (lambda: np.random.default_rng(0), lambda v: v.random()),
    "frame, a cell": (_frame, _put),
    "frame, a column": (_frame, lambda v: v.insert(0, "c", 0)),
    "frame, a name": (_frame, _rename),
    "series": (lambda: pd.Series([1.0, 2.0]), lambda v: v.__setitem__(0, 5.0)),
    "cyclic": (lambda: _cyclic(), lambda v: v.append(1)),
}


def _cyclic() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("kind", CHANGES)
def test_a_fingerprint_changes_with_the_content_and_only_then(kind: str) -> None:
    make, change = CHANGES[kind]
    value = make()
    before = fingerprint(value, {})
    assert fingerprint(value, {}) == before
    change(value)
    assert fingerprint(value, {}) != before


@pytest.mark.parametrize("kind", CHANGES)
def test_a_fingerprint_may_be_compared_with_an_earlier_one(kind: str) -> None:
    make, change = CHANGES[kind]
    value = make()
    before = fingerprint(value, {})
    assert fingerprint(value, {}, like=before) == before
    change(value)
    assert fingerprint(value, {}, like=before) != before


def test_what_follows_a_change_is_not_looked_at() -> None:
    class Last:
        looks = 0

        def __getstate__(self) -> None:
            self.looks += 1

    last = Last()
    value = [0, *map(str, range(100_000)), last]
    before = fingerprint(value, {})
    value[0] = 1
    looks = last.looks
    assert fingerprint(value, {}, like=before) != before
    assert last.looks == looks


READS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "array": (lambda: np.zeros(100_000), lambda v: (v.sum(), v[::2], v.T, v.flags)),
    "frame": (_frame, lambda v: (v.describe(), v.a.mean(), v["b"].unique(), repr(v), v.T)),
    "frame, grouped": (_frame, lambda v: list(v.groupby("b"))),
    "frame, looked up": (lambda: _frame().set_index("b"), lambda v: v.loc["y"]),
    "dict": (lambda: {"a": [1]}, lambda v: (v.get("a"), list(v), repr(v), weakref)),
    "object": (lambda: Point([1]), lambda v: (v.x, hash(v), vars(v))),
    "weakly referenced": (lambda: Point(1), lambda v: weakref.ref(v)),
}


@pytest.mark.parametrize("kind", READS)
def test_reading_a_value_does_not_change_its_fingerprint(kind: str) -> None:
    make, read = READS[kind]
    value = make()
    before = fingerprint(value, {})
    kept = read(value)
    assert fingerprint(value, {}) == before
    del kept


def test_what_cannot_be_pickled_has_no_fingerprint() -> None:
    with pytest.raises(pickle.PicklingError):
        fingerprint((n for n in range(3)), {})


class StandIn:
    """Says that it is what it stands for, as proxies do."""

    def __init__(self, real: object) -> None:
        self.real = real

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["real"], name)

    def __reduce__(self) -> Any:
        return int, ()


def test_each_stand_in_is_asked_what_it_stands_for() -> None:
    made = types.ModuleType("made")
    number, module = loaded(dumped([StandIn(1), StandIn(made)], {}))
    assert (number, type(module), module.__name__) == (0, types.ModuleType, "made")


def test_what_asks_the_user_goes_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel:
        def __init__(self) -> None:
            self.socket = threading.Lock()

        def raw_input(self, prompt: str = "") -> str:
            return prompt

    monkeypatch.setattr("builtins.input", Kernel().raw_input)
    stream = dumped({"ask": input}, {})
    monkeypatch.undo()
    assert loaded(stream)["ask"] is input
