"""Executors of the library over each backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nbsubmit
from nbsubmit.client import watching

Makes = Callable[..., nbsubmit.AutoExecutor]


@pytest.fixture
def quick_watcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that asks more often than users need."""
    monkeypatch.setenv("NBSUBMIT_BEAT_SECONDS", "1")
    monkeypatch.setenv("NBSUBMIT_POLL_SECONDS", "2")
    watching.watcher.cache_clear()
    yield
    watching.watcher.cache_clear()


@pytest.fixture
def make_executor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_watcher: None
) -> Iterator[Makes]:
    """Make an executor over a backend; what it leaves behind is cancelled."""
    made: list[nbsubmit.AutoExecutor] = []

    def make(cluster: str, folder: Path | str = "logs", **arguments: Any) -> nbsubmit.AutoExecutor:
        made.append(nbsubmit.AutoExecutor(folder, cluster=cluster, **arguments))
        return made[-1]

    monkeypatch.chdir(tmp_path)
    yield make
    for executor in made:
        for job in executor.jobs:
            job.cancel(check=False)
    for executor in made:
        for job in executor.jobs:
            job.wait(60)


@pytest.fixture
def executor(make_executor: Makes, backend_name: str) -> nbsubmit.AutoExecutor:
    """One over each backend in turn."""
    return make_executor(backend_name)


@pytest.fixture
def started_executor(make_executor: Makes, started_backend: str) -> nbsubmit.AutoExecutor:
    """One over each backend that starts processes."""
    return make_executor(started_backend)
