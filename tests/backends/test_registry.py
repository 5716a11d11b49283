"""Backends by name, those of other packages among them, and the best there is here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.backends import registry
from nbsubmit.backends.debug import DebugBackend
from nbsubmit.backends.local import LocalBackend
from nbsubmit.backends.slurm.backend import SlurmBackend
from nbsubmit.core.backend import Backend
from nbsubmit.core.errors import BackendMissing

OURS = {"debug": DebugBackend, "local": LocalBackend, "slurm": SlurmBackend}

BACKEND = """
from nbsubmit.backends.local import LocalBackend
from nbsubmit.core.errors import BackendMissing

class Theirs(LocalBackend):
    name = "theirs"

class Away(LocalBackend):
    name = "away"
    def check(self):
        raise BackendMissing("the cloud is closed")

class Rude(LocalBackend):
    name = "rude"
    def check(self):
        raise KeyError("token")

class NoBackend:
    pass

def broken():
    raise ImportError("no cloud library here")
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install another package that brings backends, as pip would leave it."""
    place = tmp_path / "site"
    (place / "theirs-1.0.dist-info").mkdir(parents=True)
    (place / "theirs_backend.py").write_text(BACKEND)
    (place / "theirs-1.0.dist-info" / "METADATA").write_text("Name: theirs\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.delitem(sys.modules, "theirs_backend", raising=False)

    def points(**names: str) -> None:
        lines = [f"{name} = theirs_backend:{attribute}" for name, attribute in names.items()]
        text = "\n".join(["[nbsubmit.backends]", *lines, ""])
        (place / "theirs-1.0.dist-info" / "entry_points.txt").write_text(text)

    return points


def test_our_backends_are_there_under_their_names() -> None:
    assert registry.names() == sorted(OURS)


@pytest.mark.parametrize("name", OURS)
def test_a_backend_is_found_by_its_name_and_fulfils_the_contract(name: str) -> None:
    backend = registry.get(name)
    assert type(backend) is OURS[name]
    assert isinstance(backend, Backend)
    assert backend.name == name
    assert registry.get(name) is not backend


@pytest.mark.parametrize(
    ("name", "near"), [("slurn", "slurm"), ("locl", "local"), ("debugg", "debug")]
)
def test_a_name_that_is_nearly_one_is_answered_with_it(name: str, near: str) -> None:
    with pytest.raises(BackendMissing) as caught:
        registry.get(name)
    assert str(caught.value) == (
        f"there is no backend {name!r}, only debug, local, slurm; did you mean {near!r}?"
    )


@pytest.mark.parametrize("name", ["", "pbs", "nbsubmit.backends"])
def test_a_name_like_none_is_answered_with_all(name: str) -> None:
    with pytest.raises(BackendMissing, match=r"only debug, local, slurm$"):
        registry.get(name)


# Of other packages


def test_a_backend_of_another_package_is_found_by_its_name(install: Install) -> None:
    install(theirs="Theirs")
    assert registry.names() == ["debug", "local", "slurm", "theirs"]
    backend = registry.get("theirs")
    assert (type(backend).__module__, backend.name) == ("theirs_backend", "theirs")


def test_a_backend_that_is_installed_while_this_runs_is_found(install: Install) -> None:
    install()
    assert registry.get("local").name == "local"
    install(theirs="Theirs")
    assert registry.get("theirs").name == "theirs"


def test_a_backend_that_cannot_be_loaded_says_why(install: Install) -> None:
    install(theirs="broken", other="absent")
    with pytest.raises(BackendMissing, match="'theirs' cannot be loaded: no cloud library here"):
        registry.get("theirs")
    with pytest.raises(BackendMissing, match=r"'other' cannot be loaded: .*absent"):
        registry.get("other")


def test_what_is_not_a_backend_is_not_taken_for_one(install: Install) -> None:
    install(theirs="NoBackend")
    with pytest.raises(BackendMissing, match=r"theirs_backend:NoBackend is not a backend"):
        registry.get("theirs")


# The best


def test_without_slurm_the_best_is_a_process_here(only_path: Path) -> None:
    assert registry.best().name == "local"


def test_with_a_slurm_that_answers_the_best_is_slurm(
    program: Callable[[str, str], Path], install: Install
) -> None:
    install(theirs="Theirs")
    for name in ("sbatch", "squeue", "scancel"):
        program(name, "")
    program("scontrol", "echo 'Slurmctld(primary) at n0 is UP'")
    assert registry.best().name == "slurm"


def test_with_a_slurm_that_is_down_the_best_is_the_next(
    program: Callable[[str, str], Path],
) -> None:
    for name in ("sbatch", "squeue", "scancel"):
        program(name, "")
    program("scontrol", "echo 'Slurmctld(primary) at n0 is DOWN'")
    assert registry.best().name == "local"


def test_a_backend_of_another_package_comes_before_a_process_here(
    only_path: Path, install: Install
) -> None:
    install(theirs="Theirs", away="Away")
    assert registry.best().name == "theirs"


@pytest.mark.parametrize("attribute", ["Away", "NoBackend", "broken", "Rude"])
def test_a_backend_that_cannot_run_here_is_passed_over(
    only_path: Path, install: Install, attribute: str
) -> None:
    install(theirs=attribute)
    assert registry.best().name == "local"


def test_where_nothing_can_run_a_job_every_reason_is_told(
    only_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_backend: LocalBackend) -> None:
        raise BackendMissing("no processes on Sundays")

    install(away="Away")
    monkeypatch.setattr(LocalBackend, "check", refuse)
    with pytest.raises(BackendMissing) as caught:
        registry.best()
    for reason in ("there is no sbatch", "the cloud is closed", "no processes on Sundays"):
        assert reason in str(caught.value)
