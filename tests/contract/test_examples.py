"""The examples in the docstrings of all that is public run, and show what they say."""

from __future__ import annotations

import contextlib
import doctest
import inspect
import io
import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbsubmit
from nbsubmit.sandbox.sandbox import Sandbox

PUBLIC = {
    **{name: getattr(nbsubmit, name) for name in nbsubmit.__all__ if name != "__version__"},
    **{f"helpers.{name}": getattr(nbsubmit.helpers, name) for name in nbsubmit.helpers.__all__},
}
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


@pytest.mark.parametrize("name", PUBLIC)
def test_its_example_runs_and_shows_what_it_says(name: str, place: Path, on_slurm: Sandbox) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    assert "Examples\n--------\n" in text, "there is none"
    test = doctest.DocTestParser().get_doctest(text, dict(KNOWN), name, None, None)
    assert test.examples, "none of it can be run"
    said = io.StringIO()
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=said.write)
    assert result.failed == 0, said.getvalue()


def of_public_classes() -> Iterator[tuple[str, Any]]:
    for name, value in PUBLIC.items():
        if inspect.isclass(value):
            for own, member in vars(value).items():
                if inspect.isfunction(member) and not own.startswith("_"):
                    yield f"{name}.{own}", member


@pytest.mark.parametrize(("name", "function"), [*of_public_classes()])
def test_each_parameter_of_a_public_method_is_told_of_or_plain_from_its_words(
    name: str, function: Any
) -> None:
    text = inspect.getdoc(function) or ""
    assert text, name
    names = [each for each in inspect.signature(function).parameters if each != "self"]
    if "Parameters\n----------" in text:
        for each in names:
            assert each in text, f"{name} says nothing of {each}"
