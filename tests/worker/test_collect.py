"""What the cell left in its namespace → what goes back, found by comparing."""

from __future__ import annotations

import json
import math
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbsubmit.core.cell import Cell
from nbsubmit.core.contents import Contents, Entry
from nbsubmit.core.originals import Originals
from nbsubmit.core.result import EXCEPTION, VALUE
from nbsubmit.worker.collect import LARGEST_VALUE, Collection, collect
from nbsubmit.worker.execute import Outcome
from nbsubmit.worker.sent import Sent
from tests.shelf import Shelf


def run(
    source: str,
    sent: dict[str, Any] | None = None,
    *,
    outcome: Outcome | None = None,
    ignore: frozenset[str] = frozenset(),
    modules: dict[str, str] | None = None,
    plain: tuple[str, ...] = (),
    **cell: Any,
) -> Collection:
    """Run a cell in a namespace into which these values were sent; collect what goes back."""
    home: dict[str, Any] = {"__name__": "__main__", **(sent or {})}
    arrived = {n for n in home if n != "__name__" and n not in (modules or {})}
    entries = [Entry(n, "", 2 << 20, "", 0, plain=n in plain) for n in arrived]
    made = Cell(source, source, "<cell>", **cell)
    before = Sent.take(home, Contents(tuple(entries)), modules or {}, made)
    exec(compile(source, "<cell>", "exec", dont_inherit=True), home)
    del home["__builtins__"]
    return collect(made, home, before, outcome or Outcome(), ignore=set(ignore))


def names(collection: Collection) -> list[str]:
    return collection.values.names


def loaded(collection: Collection, path: Path, **home: Any) -> dict[str, Any]:
    """Load what goes back where these objects were sent from."""
    shelf = Shelf(path)
    originals = Originals(None, lambda: (home, {}), tuple(collection.changed))
    return shelf.get(shelf.put(collection.values), originals=originals)


# What was bound


def test_what_the_cell_binds_goes_back(tmp_path: Path) -> None:
    collection = run("y = x + 1\nz = [y]", {"x": 1})
    assert loaded(collection, tmp_path) == {"y": 2, "z": [2]}
    assert collection.changed == collection.deleted == []


def test_what_it_binds_anew_goes_back_though_it_was_sent() -> None:
    collection = run("x = 2", {"x": 1})
    assert names(collection) == ["x"]
    assert collection.changed == []


def test_functions_and_classes_of_the_cell_go_back(tmp_path: Path) -> None:
    collection = run("K = 2\ndef f(): return K\nclass C: v = 1\nc = C()")
    back = loaded(collection, tmp_path)
    assert type(back["c"]) is back["C"]
    back["f"].__globals__["K"] = 7
    assert back["f"]() == 7


@pytest.mark.parametrize(
    "name", ["_", "_x", "__x", "_12", "__x__", "In", "Out", "_i", "get_ipython"]
)
def test_hidden_names_and_the_shells_own_stay(name: str) -> None:
    assert names(run(f"{name} = 1\nx = 2")) == ["x"]


def test_a_hidden_name_that_the_notebook_has_is_bound_anew() -> None:
    assert names(run("_x = 2\n_y = 1", {"_x": 1})) == ["_x"]


def test_a_hidden_name_goes_back_with_a_function_that_needs_it() -> None:
    source = (
        "import math as _math\n_rate, _left = 2, 3\n"
        "def _scale(x): return _math.floor(x) * _rate\ndef public(x): return _scale(x)"
    )
    collection = run(source)
    assert sorted(names(collection)) == ["_rate", "_scale", "public"]
    assert collection.modules == {"_math": "math"}
    assert names(run(source, bring=("public",))) == ["public"]


def test_a_hidden_name_goes_back_when_it_is_asked_for() -> None:
    assert names(run("_x = 1\ny = 2", bring=("_x",))) == ["_x"]


def test_names_that_the_shell_made_stay() -> None:
    assert names(run("plt = 1\nx = 2", ignore=frozenset({"plt"}))) == ["x"]


def test_a_cell_that_binds_nothing_brings_nothing() -> None:
    collection = run("print", {"x": [1]})
    assert names(collection) == []
    assert collection == Collection(collection.values)


# What was changed in place

CHANGES: dict[str, tuple[Callable[[], Any], str]] = {
    "list": (lambda: [1], "x.append(2)"),
    "nested": (lambda: {"a": [{"b": 1}]}, "x['a'][0]['b'] = 2"),
    "array": (lambda: np.zeros(100_000), "x[-1] = 1"),
    "frame": (lambda: pd.DataFrame({"a": [1]}), "x.loc[0, 'a'] = 2"),
    "by an alias": (lambda: [1], "y = x\ny.append(2)\ndel y"),
    "tuple that holds it": (lambda: ([1],), "x[0].append(2)"),
    "until it cannot be pickled any more": (lambda: [1], "x.append(iter)\nx.append(x.append)"),
}
KEPT: dict[str, tuple[Callable[[], Any], str]] = {
    "list": (lambda: [1], "len(x)"),
    "sorted elsewhere": (lambda: [2, 1], "sorted(x)"),
    "changed and back": (lambda: [1], "x.append(2)\nx.pop()"),
    "array": (lambda: np.zeros(100_000), "x.sum(), x + 1, x[::2]"),
    "frame": (lambda: pd.DataFrame({"a": [1, 2]}), "x.mean(), x.a, repr(x), x.groupby('a').sum()"),
    "bound to itself": (lambda: [1], "x = x"),
    "number": (lambda: 7, "x + 1"),
    "text": (lambda: "text", "x.upper()"),
    "module": (lambda: math, "x.pi"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_value_that_was_changed_in_place_goes_back(kind: str) -> None:
    make, source = CHANGES[kind]
    collection = run(source, {"x": make(), "other": [1]})
    assert names(collection) == ["x"]
    assert collection.changed == ["x"]


@pytest.mark.parametrize("kind", KEPT)
def test_a_value_that_was_not_changed_stays(kind: str) -> None:
    make, source = KEPT[kind]
    collection = run(source, {"x": make()})
    assert names(collection) == []
    assert collection.changed == []
    assert collection.modules == {}


def defined(source: str) -> dict[str, Any]:
    home: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell 0>", "exec", dont_inherit=True), home)
    return home


OF_FUNCTIONS = {
    "what it closes over": (
        "def make():\n    n = 0\n    def x():\n        nonlocal n\n        n += 1\n    return x\n"
        "x = make()",
        "x()",
    ),
    "its attributes": ("def x(): x.calls = 1", "x.calls = 5"),
    "its default": ("def x(seen=[]): seen.append(1)", "x()"),
    "an attribute of a class": ("class x:\n    count = 0", "x.count += 1"),
}


@pytest.mark.parametrize("kind", OF_FUNCTIONS)
def test_what_a_function_or_class_keeps_to_itself_goes_back_when_it_was_changed(
    kind: str,
) -> None:
    before, source = OF_FUNCTIONS[kind]
    collection = run(source, {"x": defined(before)["x"]})
    assert names(collection) == ["x"]


USED: dict[str, tuple[str, str]] = {
    "a function": ("def x(a=(1,)): return a", "x(); x.__name__; repr(x); hash(x)"),
    "one that is often called": ("def x(n): return n * 2", "[x(n) for n in range(5000)]"),
    "one that closes over something": (
        "def make(k):\n    def x(): return k\n    return x\nx = make([1])",
        "x()",
    ),
    "a generator function": ("def x(): yield 1", "list(x())"),
    "one with a cache": (
        "import functools\n@functools.lru_cache\ndef x(n): return n",
        "x(1); x(1)",
    ),
    "a class": ("class x:\n    def f(self): return 1", "x().f(); x.f; repr(x)"),
    "a class that gets a child": ("class x:\n    pass", "type('Child', (x,), {})()"),
    "an abstract class": (
        "import abc\nclass x(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...",
        "isinstance(3, x); issubclass(int, x); type('C', (x,), {'f': len})()",
    ),
    "a dataclass": ("import dataclasses\n@dataclasses.dataclass\nclass x:\n    a: int = 1", "x(2)"),
    "an enumeration": ("import enum\nclass x(enum.Enum):\n    A = 1", "x.A; x(1); x['A']; list(x)"),
    "a named tuple": ("import typing\nclass x(typing.NamedTuple):\n    a: int = 1", "x(1).a"),
}


@pytest.mark.parametrize("kind", USED)
def test_a_function_or_class_that_was_only_used_stays(kind: str) -> None:
    before, source = USED[kind]
    assert names(run(source, {"x": defined(before)["x"]})) == []


def test_an_object_of_a_class_of_the_notebook_is_compared_too(tmp_path: Path) -> None:
    home = defined("class P:\n    def __init__(self): self.v = [1]\np, q = P(), P()")
    collection = run("p.v.append(2)\nlen(q.v)", {"P": home["P"], "p": home["p"], "q": home["q"]})
    assert (names(collection), collection.changed) == (["p"], ["p"])
    other = home["P"]()
    back = loaded(collection, tmp_path, p=other)["p"]
    assert back is other
    assert other.v == [1, 2]


def test_large_plain_data_are_compared_only_if_the_text_shows_that_they_may_be_changed() -> None:
    collection = run(
        "a.append(1)\nb.append(1)", {"a": [], "b": []}, watched=("a",), plain=("a", "b")
    )
    assert names(collection) == ["a"]


def test_an_object_that_is_changed_by_being_looked_at_goes_back() -> None:
    class Counter:
        seen = 0

        def __len__(self) -> int:
            self.seen += 1
            return 1

    collection = run("len(c)", {"c": Counter()}, watched=())
    assert collection.changed == ["c"]


def test_a_value_that_was_bound_anew_is_not_called_changed() -> None:
    collection = run("x.append(2)\nx = [3]", {"x": [1]})
    assert (names(collection), collection.changed) == (["x"], [])


def test_one_object_under_two_names_goes_back_as_one(tmp_path: Path) -> None:
    inner: list[int] = []
    collection = run("a.append(1)", {"a": inner, "b": inner})
    home: list[int] = []
    back = loaded(collection, tmp_path, a=home, b=home)
    assert collection.changed == ["a", "b"]
    assert back["a"] is back["b"] is home
    assert home == [1]


# Deleted, and modules


def test_a_name_that_was_sent_and_deleted_is_told() -> None:
    collection = run("del x\ny = 1\ndel y", {"x": 1, "z": 2})
    assert collection.deleted == ["x"]
    assert names(collection) == []


def test_a_module_goes_back_by_name() -> None:
    collection = run("import json\nimport xml.dom as dom\nimport os.path")
    assert collection.modules == {"json": "json", "dom": "xml.dom", "os": "os"}
    assert names(collection) == []


def test_a_module_that_was_sent_does_not_go_back() -> None:
    assert run("m.pi", {"m": math}, modules={"m": "math"}).modules == {}


def test_a_name_that_became_another_module_goes_back() -> None:
    assert run("import json as m", {"m": math}, modules={"m": "math"}).modules == {"m": "json"}


# What is asked for


def test_only_what_is_asked_for_goes_back() -> None:
    collection = run("a = 1\nb = 2\nimport json\ndel x", {"x": 1}, bring=("b",))
    assert names(collection) == ["b"]
    assert (collection.modules, collection.deleted, collection.complaint) == ({}, [], "")


def test_nothing_goes_back_when_nothing_is_asked_for() -> None:
    collection = run("a = 1\nx.append(1)", {"x": []}, bring=())
    assert names(collection) == []
    assert collection.complaint == ""


def test_what_is_asked_for_and_not_there_is_complained_about() -> None:
    collection = run("a = 1", bring=("a", "b", "c"))
    assert names(collection) == ["a"]
    assert collection.complaint == "--out asks for b, c, which the cell did not make"


def test_what_is_asked_for_and_was_not_changed_is_no_complaint() -> None:
    collection = run("pass", {"x": [1]}, bring=("x",))
    assert (names(collection), collection.complaint) == ([], "")


def test_what_is_asked_for_and_cannot_go_is_complained_about() -> None:
    source = "import threading\na = {'k': threading.Lock()}"
    assert run(source, bring=("a",)).complaint == "a['k'] is a lock"


# What has to stay


def test_what_cannot_be_pickled_stays_with_its_path_and_the_rest_goes(tmp_path: Path) -> None:
    collection = run(
        "from threading import Lock\n"
        "shared = [1]\nfirst = shared\nholder = {'log': [Lock()]}\nlast = shared\ndel Lock"
    )
    assert collection.unsent == {"holder": "holder['log'][0] is a lock"}
    back = loaded(collection, tmp_path)
    assert list(back) == ["shared", "first", "last"]
    assert back["first"] is back["last"]


def test_a_value_that_was_changed_so_that_it_cannot_go_is_not_called_changed() -> None:
    collection = run("import threading\nx.append(threading.Lock())\ndel threading", {"x": [1]})
    assert collection.unsent == {"x": "x[1] is a lock"}
    assert (names(collection), collection.changed) == ([], [])


def test_every_name_that_has_to_stay_is_told() -> None:
    collection = run("a = (n for n in [1])\nb = 1\nc = (n for n in [1])")
    assert collection.unsent == {
        "a": "a is a generator: bring list(a) instead",
        "c": "c is a generator: bring list(c) instead",
    }
    assert names(collection) == ["b"]


# The last value, and the error


def test_the_last_value_goes_back_beside_the_names(tmp_path: Path) -> None:
    shared = [1]
    collection = run("x = [1]", {"y": shared}, outcome=Outcome(value=[shared]))
    back = loaded(collection, tmp_path, y=shared)
    assert back[VALUE] == [[1]]
    assert list(back)[-1] == VALUE


def test_what_is_bound_to_an_object_that_was_sent_goes_back_by_name(tmp_path: Path) -> None:
    shared = [1]
    collection = run("x = y\nz = [y]", {"y": shared}, outcome=Outcome(value=shared))
    assert names(collection) == ["x", "z", VALUE]
    home: list[int] = [5]
    back = loaded(collection, tmp_path, y=home)
    assert back["x"] is back["z"][0] is back[VALUE] is home


def test_a_last_value_that_is_nothing_is_not_sent() -> None:
    assert names(run("pass", outcome=Outcome(value=None))) == []


def test_a_last_value_that_cannot_go_stays_with_the_reason() -> None:
    collection = run("x = 1", outcome=Outcome(value=[threading.Lock()]))
    assert collection.unsent == {VALUE: "the last expression[0] is a lock"}
    assert names(collection) == ["x"]


def test_a_very_large_last_value_stays_and_says_how_to_get_it() -> None:
    large = np.zeros(LARGEST_VALUE // 8 + 1)
    collection = run("x = 1", outcome=Outcome(value=large))
    assert collection.unsent == {VALUE: "it is 32 MB; give it a name to bring it back"}
    assert names(collection) == ["x"]


def test_a_very_large_last_value_that_has_a_name_goes(tmp_path: Path) -> None:
    large = np.zeros(LARGEST_VALUE // 8 + 1)
    collection = run("y = x['large']", {"x": {"large": large}}, outcome=Outcome(value=large))
    back = loaded(collection, tmp_path)
    assert list(back) == ["y", VALUE]
    assert back[VALUE] is back["y"]


def test_the_error_goes_back_last(tmp_path: Path) -> None:
    collection = run("x = 1", outcome=Outcome(error=ValueError("bad", 3)))
    back = loaded(collection, tmp_path)
    assert list(back) == ["x", EXCEPTION]
    assert back[EXCEPTION].args == ("bad", 3)


def test_an_error_that_cannot_go_is_no_loss_among_the_names() -> None:
    collection = run("x = 1", outcome=Outcome(error=ValueError(threading.Lock())))
    assert names(collection) == ["x"]
    assert collection.unsent == {}


def test_what_is_told_of_a_collection_is_plain_data() -> None:
    collection = run("import json\na = iter\nx.append(1)\ndel y", {"x": [], "y": 1})
    told = {"changed": collection.changed, "deleted": collection.deleted,
            "modules": collection.modules, "unsent": collection.unsent}  # fmt: skip
    assert json.loads(json.dumps(told)) == told
    assert told["changed"] == ["x"]


def test_a_class_is_not_changed_by_the_pickling_of_an_instance() -> None:
    """Its order in the sending must not matter either, so this sends the class first."""
    home = defined("class P:\n    def __init__(self): self.v = [1]\np = P()")
    assert run("p.v.append(2)", {"P": home["P"], "p": home["p"]}).changed == ["p"]
    home = defined("class P:\n    def __init__(self): self.v = [1]\np = P()")
    assert run("len(p.v)", {"p": home["p"], "P": home["P"]}, watched=("P", "p")).changed == []


def test_what_was_sent_is_held_for_an_address_is_given_out_again() -> None:
    class Part:
        pass

    part = Part()
    alive = weakref.ref(part)
    contents = Contents((Entry("x", "", 5, "", 0),))
    sent = Sent.take({"x": [1]}, contents, [], Cell("", "", "<cell>"), None, {3: part}.copy)
    del part
    assert alive() is not None
    assert sent.numbers == {id(alive()): 3}


# What refers to what was sent


class Once:
    """Can be sent and not be pickled in the job."""

    def __reduce__(self) -> Any:
        raise TypeError


def many() -> list[list[int]]:
    return [[number] for number in range(20_000)]


REFERRING: dict[str, tuple[dict[str, Any], str]] = {
    "a whole one": ({"x": [1]}, "y = {'deep': [x]}"),
    "a whole one that cannot be pickled": ({"x": Once()}, "y = {'deep': [x]}"),
    "in much": ({"x": [1]}, "y = {'deep': [x], 'more': [[n] for n in range(20_000)]}"),
    "much": ({"x": many()}, "y = {'deep': [x]}"),
    "as it is": ({"x": many()}, "y = x"),
}


@pytest.mark.parametrize("kind", REFERRING)
def test_a_result_refers_to_what_was_sent_wherever_that_is_in_it(kind: str, tmp_path: Path) -> None:
    sent, source = REFERRING[kind]
    collection = run(source, sent)
    y = loaded(collection, tmp_path, **sent)["y"]
    assert (y if kind == "as it is" else y["deep"][0]) is sent["x"]
    assert collection.unsent == {}
