"""What several tests of the core begin with: definitions as a notebook has them, and a store."""

from __future__ import annotations

import itertools
import linecache
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.store import JobStore

Define = Callable[..., dict[str, Any]]

_numbers = itertools.count(1)


@pytest.fixture
def define() -> Define:
    """Run a cell as a notebook does: in a namespace called ``__main__``, with lines to show."""

    def run(source: str, namespace: dict[str, Any] | None = None) -> dict[str, Any]:
        home = {"__name__": "__main__"} if namespace is None else namespace
        file = f"<cell {next(_numbers)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec", dont_inherit=True), home)
        return home

    return run


@pytest.fixture
def loose_umask() -> Iterator[None]:
    """A umask under which whatever is made without care is writable by everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    """A job's folder, made and empty."""
    made = JobFolder(tmp_path / "240102-030405-bcdf")
    made.create()
    return made


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    """A store in which nothing is yet."""
    return JobStore(tmp_path / "store")
