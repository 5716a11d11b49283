"""The names a cell needs and a namespace → what goes, what stays, and why."""

from __future__ import annotations

import os.path
import re
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.capture import capture
from nbsubmit.core.errors import CaptureError, NotPicklable
from nbsubmit.core.names import analyse
from nbsubmit.core.payload import Payload

# What was sent before; nothing is read from it or written to it here.
NOWHERE = BlobStore(Path("/nonexistent"))

Define = Callable[..., dict[str, Any]]


def sent(cell: str, home: dict[str, Any], **options: Any) -> Payload:
    return capture(analyse(cell), home, NOWHERE, **options)


def names(payload: Payload) -> list[str]:
    return [entry.name for entry in payload.entries]


def why(payload: Payload) -> dict[str, str]:
    return {entry.name: entry.why for entry in payload.entries}


# What goes


def test_what_the_cell_reads_goes_and_nothing_else() -> None:
    payload = sent("y = x + 1", {"x": 1, "z": 2, "y": 3})
    assert names(payload) == ["x"]
    assert payload.left_out == []
    assert payload.missing == []


def test_names_go_in_the_order_in_which_the_cell_reads_them() -> None:
    payload = sent("b\na\nc", {"a": 1, "b": 2, "c": 3})
    assert why(payload) == {"b": "read in line 1", "a": "read in line 2", "c": "read in line 3"}


def test_a_line_is_counted_from_where_the_cell_begins_in_the_notebook() -> None:
    assert why(sent("\n\nx", {"x": 1}, first_line=2)) == {"x": "read in line 4"}


def test_a_name_that_the_cell_binds_before_reading_it_stays() -> None:
    assert names(sent("x = 1\nx + y", {"x": np.zeros(10**6), "y": 1})) == ["y"]


def test_a_name_that_the_cell_may_read_goes_if_it_can() -> None:
    assert names(sent("if flag: x = 1\nx", {"flag": 0, "x": 5})) == ["flag", "x"]


def test_a_value_says_its_type_and_size() -> None:
    payload = sent("a.sum()", {"a": np.zeros(1_000_000)})
    (entry,) = payload.entries
    assert entry.type == "numpy.ndarray"
    assert payload.size_bytes == entry.size_bytes > 8_000_000


def test_a_name_of_pythons_own_that_the_notebook_has_bound_itself_goes() -> None:
    assert names(sent("list(range(n))", {"list": [1], "n": 3})) == ["list", "n"]
    assert names(sent("list(range(n))", {"n": 3})) == ["n"]


def test_a_name_inside_a_query_string_goes(define: Define) -> None:
    home = define("import pandas as pd\ndf = pd.DataFrame({'a': [1]})\nlimit = 3\nother = 4")
    assert names(sent("df.query('a < @limit')", home)) == ["df", "limit"]


def test_where_names_are_made_from_text_every_name_in_a_string_goes_if_it_can() -> None:
    home = {"alpha": 1, "beta": threading.Lock(), "gamma": 3}
    payload = sent("eval('al' + 'pha')\nlook_up = ['alpha', 'beta']", home)
    assert why(payload) == {"alpha": "named in a string"}
    assert [item.name for item in payload.left_out] == ["beta"]


# Functions and what they need


CHAIN = """
import numpy as np
scale = 2
offset = 1
unused = 'not this'
def inner(x): return x * scale
def outer(x): return inner(x) + helper.shift(x)
class Helper:
    def shift(self, x): return np.add(x, offset)
helper = Helper()
"""


def test_what_a_function_needs_follows_and_what_that_needs_too(define: Define) -> None:
    payload = sent("y = outer(3)", define(CHAIN))
    assert why(payload) == {
        "outer": "read in line 1",
        "inner": "used by outer",
        "Helper": "part of what goes",
        "helper": "used by outer",
        "scale": "used by inner",
        "offset": "used by shift",
    }
    assert payload.modules == {"np": "numpy"}


def test_the_text_of_the_cells_that_functions_come_from_goes_too(define: Define) -> None:
    home = define("def f():\n    return 1")
    payload = sent("f()", home)
    assert payload.sources == {home["f"].__code__.co_filename: "def f():\n    return 1"}


def test_functions_that_need_each_other_go_once(define: Define) -> None:
    home = define("def even(n): return not n or odd(n-1)\ndef odd(n): return n and even(n-1)")
    assert names(sent("even(4)", home)) == ["even", "odd"]


def test_what_the_methods_of_an_instance_need_follows(define: Define) -> None:
    home = define("rate = 0.5\nclass Net:\n    def step(self): return rate\nnet = Net()")
    assert names(sent("net.step()", home)) == ["net", "rate", "Net"]


def test_what_the_bases_and_decorators_of_a_class_need_follows(define: Define) -> None:
    home = define(
        "a, b = 1, 2\n"
        "class Base:\n    def f(self): return a\n"
        "def deco(g): return lambda self: (g(self), b)\n"
        "class Child(Base):\n    @deco\n    def h(self): pass\n"
    )
    assert {"Child", "a", "b"} <= set(names(sent("Child()", home)))


def test_what_a_new_definition_would_read_follows_if_an_old_function_uses_it(
    define: Define,
) -> None:
    home = define("factor = 3\ndef old(x): return new(x)\ndef new(x): return x")
    payload = sent("def new(x): return x * factor\nold(2)", home)
    assert "factor" in names(payload)


def test_a_function_of_a_module_goes_by_name_alone(define: Define) -> None:
    payload = sent("join('a', 'b')", define("from os.path import join"))
    assert [(entry.name, entry.size_bytes < 100) for entry in payload.entries] == [("join", True)]
    assert payload.modules == {}


def test_a_name_that_only_a_function_mentions_and_nobody_has_is_not_missing(
    define: Define,
) -> None:
    home = define("def f():\n    try: return absent\n    except NameError: return 0")
    assert sent("f()", home).missing == []


# Modules


def test_a_module_goes_by_its_name() -> None:
    home = {"np": np, "path": os.path, "s": sys}
    payload = sent("np.zeros(path.getsize(s.argv[0]))", home)
    assert payload.modules == {"np": "numpy", "path": os.path.__name__, "s": "sys"}
    assert names(payload) == []


def test_a_module_that_was_made_by_hand_goes_by_value() -> None:
    made = types.ModuleType("made")
    made.x = 5  # type: ignore[attr-defined]
    payload = sent("made.x", {"made": made})
    assert names(payload) == ["made"]
    assert payload.modules == {}


def test_a_module_in_a_container_is_no_hindrance() -> None:
    assert names(sent("tools['np']", {"tools": {"np": np}})) == ["tools"]


# What refuses


def refusal(cell: str, home: dict[str, Any], **options: Any) -> NotPicklable:
    with pytest.raises(NotPicklable) as caught:
        sent(cell, home, **options)
    return caught.value


def test_a_value_that_is_surely_read_and_cannot_go_refuses_with_path_and_line() -> None:
    error = refusal("x = 1\ncfg['lock'].acquire()", {"cfg": {"lock": threading.Lock()}})
    assert str(error).splitlines() == [
        "cfg['lock'] is a lock, and cannot be sent to the job: make it inside the cell. "
        "cfg is read in line 2.",
        "Nothing was submitted. To send the cell without:  --without cfg",
    ]
    assert error.names == ("cfg",)


def test_every_value_that_cannot_go_is_named_at_once() -> None:
    lock = threading.Lock()
    error = refusal("a\nb\nc", {"a": lock, "b": 1, "c": [lock, (n for n in "x")]})
    assert error.names == ("a", "c")
    lines = str(error).splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "a is a lock",
        "c[0] is a lock",
        "c[1] is a generator",
        "Nothing was submitted. To send the cell without:  --without a",
    ]
    assert lines[-1].endswith("--without a,c")


def test_the_line_in_a_refusal_is_the_notebooks() -> None:
    generator = (n for n in "x")
    assert "g is read in line 5." in str(refusal("\n\ng", {"g": generator}, first_line=3))


def test_the_cure_in_a_refusal_cures() -> None:
    home = {"conn": threading.Lock(), "x": 1}
    cell = "conn.acquire()\ny = x"
    (cure,) = re.findall(r"--without (\S+)", str(refusal(cell, home)))
    assert names(sent(cell, home, exclude=cure.split(","))) == ["x"]


def test_a_value_that_is_only_maybe_read_stays_with_the_reason() -> None:
    home = {"flag": False, "lock": threading.Lock()}
    payload = sent("if flag:\n    lock = None\nprint(lock)", home)
    assert names(payload) == ["flag"]
    assert [(item.name, item.reason) for item in payload.left_out] == [
        ("lock", "lock is a lock (read in line 3); make it inside the cell")
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "if flag: lock",
        "try:\n    flag\nexcept OSError:\n    lock",
        "for item in flag: lock",
        "flag and lock",
        "def f(): return lock\nf()\nflag",
        "[lock for item in flag]",
    ],
)
def test_a_value_that_is_read_only_in_code_that_may_not_run_stays_with_the_reason(
    cell: str,
) -> None:
    payload = sent(cell, {"flag": [], "lock": threading.Lock()})
    assert names(payload) == ["flag"]
    assert [item.name for item in payload.left_out] == ["lock"]


def test_a_value_that_is_read_in_every_branch_is_surely_read() -> None:
    cell = "if flag: lock.acquire()\nelse: lock.release()"
    assert refusal(cell, {"flag": 0, "lock": threading.Lock()}).names == ("lock",)


def test_what_only_a_function_uses_stays_with_the_reason_and_the_rest_goes(
    define: Define,
) -> None:
    home = define(
        "import threading\nlock = threading.Lock()\nn = 3\ndef f():\n    with lock: return n"
    )
    payload = sent("f()", home)
    assert names(payload) == ["f", "n"]
    assert [(item.name, item.reason) for item in payload.left_out] == [
        ("lock", "lock is a lock (used by f); make it inside the cell")
    ]


def test_sharing_survives_that_a_value_has_to_stay(define: Define) -> None:
    home = define("import threading\nlock = threading.Lock()\ndef f(): return lock")
    shared = np.zeros(100_000)
    home |= {"a": [shared], "b": shared}
    payload = sent("f(); a; b", home)
    assert names(payload) == ["a", "b", "f"]
    assert [item.name for item in payload.left_out] == ["lock"]
    assert payload.size_bytes < 2 * shared.nbytes


# What is asked for


def test_a_name_may_be_asked_for_besides() -> None:
    payload = sent("x", {"x": 1, "extra": 2, "more": 3}, include=("extra",))
    assert why(payload) == {"x": "read in line 1", "extra": "asked for by --in"}


def test_a_star_asks_for_all_but_what_is_hidden() -> None:
    home = {"x": 1, "y": 2, "_hidden": 3, "__name__": "__main__", "In": [], "Out": {}}
    assert names(sent("1", home, include=("*",))) == ["x", "y"]


def test_with_a_star_what_cannot_go_stays_unless_the_cell_surely_reads_it() -> None:
    home = {"x": 1, "other": threading.Lock()}
    payload = sent("x", home, include=("*",))
    assert names(payload) == ["x"]
    assert [item.name for item in payload.left_out] == ["other"]
    assert refusal("other", home, include=("*",)).names == ("other",)


def test_a_name_that_is_asked_for_and_cannot_go_refuses() -> None:
    assert refusal("1", {"lock": threading.Lock()}, include=("lock",)).names == ("lock",)


def test_a_name_that_is_asked_for_and_does_not_exist_is_an_error() -> None:
    with pytest.raises(CaptureError, match="--in: there is no typo, other in the notebook"):
        sent("1", {"x": 1}, include=("typo", "x", "other"))


def test_a_name_that_is_not_wanted_stays_even_if_a_function_needs_it(define: Define) -> None:
    home = define("big = [1]\ndef f(): return big")
    payload = sent("f(); big", home, exclude=("big",))
    assert names(payload) == ["f"]
    assert payload.missing == []
    assert payload.left_out == []


def test_not_wanted_wins_over_wanted() -> None:
    assert names(sent("1", {"x": 1, "y": 2}, include=("*",), exclude=("y",))) == ["x"]


# What is not there, and what is nobody's business


def test_a_name_that_nobody_has_is_told_and_no_error() -> None:
    payload = sent("absent + x + len([])\nunknown", {"x": 1})
    assert payload.missing == ["absent", "unknown"]
    assert names(payload) == ["x"]


def test_a_name_that_the_cell_may_bind_first_is_not_called_missing() -> None:
    assert sent("if flag: y = 1\ny", {"flag": 1}).missing == []


SHELLS = ("In", "Out", "get_ipython", "exit", "quit", "_i", "_ii", "_i3", "_ih", "_oh", "_dh")


@pytest.mark.parametrize("name", SHELLS)
def test_the_shells_own_names_never_go_and_are_never_missing(name: str) -> None:
    home = {name: print, "x": 1}
    assert names(sent(f"x\n{name}", home)) == ["x"]
    assert names(sent(f"def f(): return {name}\nf()\nx", home, include=("x",))) == ["x"]


@pytest.mark.parametrize("name", ["open", "display"])
def test_a_value_of_the_users_own_goes_whatever_its_name(name: str) -> None:
    """A column of prices is called ``open`` now and then."""
    assert names(sent(f"{name}[0]", {name: [101.5, 99.0]})) == [name]


def test_the_last_results_go_when_the_cell_names_them() -> None:
    assert names(sent("_ + _12", {"_": 1, "_12": 2, "__": 3, "_11": 4})) == ["_", "_12"]


# Parts of what goes


def test_a_part_that_has_a_name_of_its_own_goes_by_it_too(define: Define) -> None:
    home = define("inner = [1]\nouter = {'in': inner}\nother = [1]\n_ = _12 = inner")
    payload = sent("use(outer)", home)
    assert why(payload) == {"outer": "read in line 1", "inner": "part of what goes"}
    assert payload.entries[1].size_bytes < 30


def test_a_part_whose_name_the_cell_binds_anew_or_that_is_not_wanted_stays(define: Define) -> None:
    home = define("inner = [1]\nouter = {'in': inner}")
    assert names(sent("use(outer)\ninner = 5", home)) == ["outer"]
    assert names(sent("use(outer)", home, exclude=["inner"])) == ["outer"]


def test_results_go_as_far_as_the_cell_names_them() -> None:
    home = {"Out": {1: "a", 2: np.zeros(10**6)}, "x": 1}
    payload = sent("y = Out[1] + str(x)", home, source="y = Out[1] + str(x)")
    assert why(payload) == {"Out": "read in line 1", "x": "read in line 1"}
    assert payload.names["Out"] == {1: "a"}
    assert payload.size_bytes < 100
    assert payload.left_out == []


def test_a_result_that_cannot_go_refuses_as_any_value_that_is_surely_read() -> None:
    home = {"Out": {3: threading.Lock()}}
    error = refusal("Out[3].acquire()", home, source="Out[3].acquire()")
    assert str(error).splitlines()[0] == (
        "Out[3] is a lock, and cannot be sent to the job: make it inside the cell. "
        "Out is read in line 1."
    )


def test_history_that_stays_is_told() -> None:
    payload = sent("In[1]", {"In": ["", "x"]}, source="In[1]")
    assert [(item.name, item.reason) for item in payload.left_out] == [
        ("In", "In is the notebook's own history")
    ]


# What is said, now or if the cell misses something


def test_the_names_that_do_not_go_are_noted_but_for_the_shells() -> None:
    home = {"x": 1, "y": 2, "big": 3, "np": np, "_12": 4, "_": 5, "In": [], "_own": 6}
    payload = sent("x + np.pi", home, exclude=("big", "typo"))
    assert payload.others == ["_own", "y"]
    assert payload.excluded == ["big"]


def test_a_cell_that_may_read_what_nobody_sees_is_told_so_unless_names_were_given() -> None:
    home = {"x": 1}
    assert sent("eval(x); globals()", home).warnings == [
        "cannot see all names that the cell reads (eval, globals); name them with --in"
    ]
    assert sent("eval(x)", home, include=("x",)).warnings == []
    assert sent("x", home).warnings == []


def test_names_in_the_strings_of_such_a_cell_go() -> None:
    payload = sent("globals()['x' + str(1)]", {"x": 1, "y": 2})
    assert why(payload) == {"x": "named in a string"}
