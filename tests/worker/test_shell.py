"""IPython in the worker: started late, in a namespace that the cell has already used."""

from __future__ import annotations

import builtins
import os
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsubmit.core.cell import Cell
from nbsubmit.worker.shell import Shell
from nbsubmit.worker.streams import Recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    events = tmp_path / "events"
    events.touch()
    descriptor = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    recorder = Recorder(events, descriptor, descriptor)
    yield recorder
    recorder.close()
    os.close(descriptor)


@pytest.fixture
def module() -> types.ModuleType:
    return types.ModuleType("__main__")


@pytest.fixture
def shell(module: types.ModuleType, recorder: Recorder) -> Iterator[Shell]:
    with Shell(Cell("", "", "<cell>"), module, recorder) as shell:
        yield shell


def test_names_that_the_cell_has_bound_are_left_alone_when_it_starts(
    module: types.ModuleType, recorder: Recorder
) -> None:
    mine = {"_": 5, "__": 6, "Out": {3: "three"}, "In": "mine", "quit": 7}
    module.__dict__.update(mine)
    with Shell(Cell("", "", "<cell>"), module, recorder) as shell:
        shell.start()
        assert {name: module.__dict__[name] for name in mine} == mine
        assert not shell.names & mine.keys()


def test_names_that_it_makes_itself_are_told(module: types.ModuleType, shell: Shell) -> None:
    module.__dict__["x"] = 1
    shell.start()
    assert {"In", "Out", "exit"} <= shell.names
    assert "x" not in shell.names


def test_who_lists_what_the_cell_has_bound(
    module: types.ModuleType, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    module.__dict__.update({"early": 1, "_hidden": 2})
    with Shell(Cell("", "", "<cell>"), module, recorder) as shell:
        started = shell.start()
        assert started is not None
        module.__dict__["late"] = 3
        started.run_line_magic("who", "")
        assert capsys.readouterr().out.split() == ["early", "late"]


def test_builtins_are_as_before_when_it_is_over(
    module: types.ModuleType, recorder: Recorder
) -> None:
    before = dict(vars(builtins))
    with Shell(Cell("", "", "<cell>"), module, recorder) as shell:
        shell.start()
    assert vars(builtins) == before
