"""What is public is told of in full, and the examples run and show what they say."""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import math
import os
import re
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbsubmit
from nbsubmit.client.array import Array
from nbsubmit.client.awaitable import AsyncJobProxy
from nbsubmit.client.checkpoint import State
from nbsubmit.client.job import TaskedJob
from nbsubmit.client.paths import JobPaths
from nbsubmit.core.backend import Backend
from nbsubmit.core.job import Job as CellJob
from nbsubmit.core.tasked import TaskedJob as TaskedCellJob
from nbsubmit.sandbox.sandbox import Sandbox

PUBLIC = {
    **{name: getattr(nbsubmit, name) for name in nbsubmit.__all__ if name != "__version__"},
    **{f"helpers.{name}": getattr(nbsubmit.helpers, name) for name in nbsubmit.helpers.__all__},
}
# What a user is handed, or has to write.
MORE = (Array, AsyncJobProxy, Backend, CellJob, JobPaths, State, TaskedCellJob, TaskedJob)
OPTIONS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
KNOWN = {
    "contextlib": contextlib, "io": io, "math": math, "nbsubmit": nbsubmit, "os": os,
    "Path": Path, "subprocess": subprocess,
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for logs in tmp_path.glob("logs"):
        for job in nbsubmit.jobs(logs):
            job.wait(60)


def run_examples(text: str, name: str) -> None:
    test = doctest.DocTestParser().get_doctest(text, dict(KNOWN), name, None, None)
    assert test.examples, "none of it can be run"
    said = io.StringIO()
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=said.write)
    assert result.failed == 0, said.getvalue()


@pytest.mark.parametrize("name", PUBLIC)
def test_its_example_runs_and_shows_what_it_says(name: str, place: Path, on_slurm: Sandbox) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    assert "Examples" in sections(text), "there is none"
    run_examples(text, name)


def sections(text: str) -> dict[str, str]:
    """The sections of a docstring in numpy's style, by their titles."""
    parts = re.split(r"^(\w+)\n-{3,}\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def told_of(section: str) -> set[str]:
    """What a section tells of, by name."""
    heads = re.findall(r"^(\S[^:\n]*?)(?: :.*)?$", section, re.MULTILINE)
    return {name.strip("* ") for head in heads for name in head.split(",")}


def members_of(kind: type) -> Iterator[tuple[str, Any]]:
    """The public functions that each class in nbsubmit has of its own, by name."""
    for name, member in vars(kind).items():
        function = getattr(member, "__func__", member)
        if inspect.isfunction(function) and not name.startswith("_"):
            yield f"{kind.__module__}.{kind.__qualname__}.{name}", getattr(kind, name)


def all_functions() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in PUBLIC.items():
        if inspect.isfunction(value):
            found[name] = value
    for kind in {*MORE, *filter(inspect.isclass, PUBLIC.values())}:
        if "__init__" in vars(kind) and kind is not Backend:
            found[f"{kind.__module__}.{kind.__qualname__}"] = kind
        found |= dict(members_of(kind))
    return dict(sorted(found.items()))


FUNCTIONS = all_functions()
WITH_EXAMPLES = [
    name for name, each in FUNCTIONS.items()
    if not inspect.isclass(each) and name not in PUBLIC and ">>>" in (each.__doc__ or "")
]  # fmt: skip


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_example_of_a_method_runs_too(name: str, place: Path) -> None:
    run_examples(inspect.getdoc(FUNCTIONS[name]) or "", name)


@pytest.mark.parametrize("name", ["submit", "map_array", "submit_array", "batch", "AutoExecutor"])
def test_what_is_used_most_has_an_example(name: str) -> None:
    assert [each for each in (*WITH_EXAMPLES, *PUBLIC) if each.endswith(name)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_parameter_is_told_of_and_nothing_else(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    assert text
    names = set(inspect.signature(FUNCTIONS[name]).parameters) - {"self"}
    assert told_of(sections(text).get("Parameters", "")) == names


def raised_by(function: Any) -> set[str]:
    """The classes of the errors that a function, or what makes an object, raises by itself."""
    made = function.__init__ if inspect.isclass(function) else inspect.unwrap(function)
    tree = ast.parse(textwrap.dedent(inspect.getsource(made)))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    return {call.func.id for call in calls if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_error_that_it_raises_is_told_of(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    assert raised_by(FUNCTIONS[name]) <= told_of(sections(text).get("Raises", ""))
