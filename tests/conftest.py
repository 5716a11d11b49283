"""Fixtures that every test may use: a clean environment, the backends, a real Slurm."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbsubmit.backends import registry
from nbsubmit.core import asking
from nbsubmit.core.job import Job
from nbsubmit.core.settings import Settings
from nbsubmit.core.watch import Watcher
from nbsubmit.sandbox.sandbox import Sandbox
from tests.modules import OwnModules
from tests.sandbox_fixture import slurm, slurm_accounting
from tests.way import Way

__all__ = ["slurm", "slurm_accounting"]

BACKENDS = ("debug", "local", "slurm")


@pytest.fixture(scope="session", autouse=True)
def session_queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A queue of local jobs for all tests that do not ask for one of their own.

    It has room for what a test leaves running, and is also that of servers that several tests use.
    """
    queue = tmp_path_factory.mktemp("queue") / "queue"
    variables = {
        "NBSUBMIT_QUEUE": str(queue),
        "NBSUBMIT_LOCAL_SLOTS": "64",
        "XDG_STATE_HOME": str(queue.with_name("state")),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables


@pytest.fixture(scope="session")
def nobodys_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a user's configuration files, in which there are none."""
    return tmp_path_factory.mktemp("config")


@pytest.fixture(autouse=True)
def clean_environ(
    monkeypatch: pytest.MonkeyPatch, session_queue: dict[str, str], nobodys_config: Path
) -> None:
    """No setting of the person who runs the tests, and no surrounding job, has a say."""
    for name in list(os.environ):
        if name.startswith(("NBSUBMIT_", "SLURM_", "SBATCH_")):
            monkeypatch.delenv(name)
    for name, value in session_queue.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NBSUBMIT_SITE_CONFIG", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nobodys_config))


@pytest.fixture
def on_slurm(slurm: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The session's Slurm, in the environment of this test."""
    for name, value in slurm.environ.items():
        monkeypatch.setenv(name, value)
    return slurm


@pytest.fixture(params=BACKENDS)
def backend_name(request: pytest.FixtureRequest) -> str:
    """Each backend in turn; Slurm is a real one."""
    name = str(request.param)
    if name == "slurm":
        request.getfixturevalue("on_slurm")
    return name


@pytest.fixture(params=["local", "slurm"])
def started_backend(request: pytest.FixtureRequest) -> str:
    """The backends that start a process."""
    if request.param == "slurm":
        request.getfixturevalue("on_slurm")
    return str(request.param)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnModules]:
    """A folder for modules of the user's own, first on the path."""
    modules = OwnModules(tmp_path / "lib")
    modules.path.mkdir()
    monkeypatch.syspath_prepend(str(modules.path))
    yield modules
    modules.forget()


def nobody_has_asked() -> None:
    """Have no test wait for the time that is polite after the question of another one."""
    asking.forget()
    for file in Path(os.environ["NBSUBMIT_QUEUE"]).glob("slurm-*"):
        file.unlink(missing_ok=True)


@pytest.fixture
def make_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Way]]:
    """Make a way from a cell's text to its job; what is still live at the end is cancelled."""
    jobs: list[Job] = []

    def make(backend_name: str, store: Path | None = None, **settings: float) -> Way:
        quick = Settings(beat_seconds=1.0, poll_seconds=2.0)
        chosen = Settings(**{**vars(quick), **settings})
        backend = registry.get(backend_name)
        return Way(backend, store or tmp_path / "store", Watcher(chosen), chosen, jobs)

    monkeypatch.chdir(tmp_path)
    nobody_has_asked()
    yield make
    nobody_has_asked()
    for job in jobs:
        job.cancel()
    for job in jobs:
        job.wait(60)


@pytest.fixture
def way(make_way: Callable[..., Way], backend_name: str) -> Way:
    """The way over each backend in turn."""
    return make_way(backend_name)
