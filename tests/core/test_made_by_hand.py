"""Modules that cannot be imported by their name travel with all that they hold."""

from __future__ import annotations

import fnmatch
import itertools
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core import culprit
from nbsubmit.core.definitions.known import as_another_process
from nbsubmit.core.fingerprint import fingerprint
from nbsubmit.core.writer import BundleWriter
from tests.core.conftest import Define
from tests.shelf import Shelf

TEXT = """
import json
count = 0
class Thing:
    def seen(self): return count
def bump(by=1):
    global count
    count += by
    return count
def text(): return json.dumps(count)
"""
ORDERS = list(itertools.permutations(["m", "bump", "Thing"]))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def made() -> types.ModuleType:
    module = types.ModuleType("made", "Made by hand.")
    exec(TEXT, module.__dict__)
    return module


def writer_of(values: dict[str, Any]) -> BundleWriter:
    writer = BundleWriter({"__name__": "__main__", **values})
    for name, value in values.items():
        writer.add(name, value)
    return writer


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_its_functions_and_classes_stay_bound_to_it_in_whatever_order_they_go(
    shelf: Shelf, made: types.ModuleType, order: tuple[str, ...]
) -> None:
    values = {"m": made, "bump": vars(made)["bump"], "Thing": vars(made)["Thing"]}
    contents = shelf.put(writer_of({name: values[name] for name in order}))
    with as_another_process():
        got = shelf.get(contents)
    assert got["bump"]() == 1
    assert got["m"].count == 1
    assert got["m"].bump is got["bump"]
    assert got["m"].Thing is got["Thing"]
    assert got["Thing"]().seen() == 1
    assert got["m"].text() == "1"
    assert (got["m"].__name__, got["m"].__doc__) == ("made", "Made by hand.")
    assert vars(made)["count"] == 0


def test_one_that_could_be_imported_in_the_notebook_can_be_imported_in_the_job(
    shelf: Shelf, made: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "made", made)
    writer = writer_of({"bump": vars(made)["bump"], "kind": vars(made)["Thing"]})
    assert "made" not in writer.modules
    contents = shelf.put(writer)
    monkeypatch.delitem(sys.modules, "made")
    with as_another_process():
        got = shelf.get(contents)
    assert got["bump"](5) == 5
    there = sys.modules["made"]
    assert there is not made
    assert vars(there)["count"] == got["kind"]().seen() == 5


def test_enums_and_cached_functions_of_it_go_with_it(
    shelf: Shelf, made: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    exec(
        "import enum, functools\n"
        "class Colour(enum.Enum): RED = 1\n"
        "@functools.lru_cache\n"
        "def cached(): return count",
        made.__dict__,
    )
    monkeypatch.setitem(sys.modules, "made", made)
    values = {"red": vars(made)["Colour"].RED, "cached": vars(made)["cached"]}
    contents = shelf.put(writer_of(values))
    monkeypatch.delitem(sys.modules, "made")
    with as_another_process():
        got = shelf.get(contents)
    assert got["red"].name == "RED"
    assert got["cached"]() == 0


def test_a_change_inside_of_it_is_noticed(made: types.ModuleType) -> None:
    home = {"__name__": "__main__", "m": made}
    before = fingerprint(made, home)
    assert fingerprint(made, home) == before
    vars(made)["bump"]()
    assert fingerprint(made, home) != before


def test_what_in_it_cannot_travel_is_named(made: types.ModuleType, define: Define) -> None:
    vars(made)["lock"] = threading.Lock()
    found = culprit.find("m", made, define("x = 1"))
    assert str(found[0]) == "m.lock is a lock"


def test_the_modules_of_what_is_looked_up_are_noted_with_the_first_name_that_needs_them() -> None:
    writer = writer_of({"path": Path("/"), "paths": [Path("/")], "f": pytest.raises})
    assert writer.modules["pathlib"] == "path"
    assert [name for name in writer.modules if name.startswith("_pytest")]
    assert writer.modules[pytest.raises.__module__] == "f"
    assert "fnmatch" in writer_of({"cached": fnmatch._compile_pattern}).modules  # type: ignore[attr-defined]


def test_what_goes_by_value_needs_no_module(define: Define) -> None:
    home = define("class A: ...\ndef f(): ...\na = A()")
    writer = writer_of({name: home[name] for name in ("A", "f", "a")})
    others = {name for name in writer.modules if not name.startswith("nbsubmit.")}
    assert others <= {"builtins", "cloudpickle.cloudpickle"}
