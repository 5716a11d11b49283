"""What was kept of a job that failed, read back as an exception with frames."""

from __future__ import annotations

import json
import linecache
from collections.abc import Callable
from traceback import walk_tb
from types import FrameType
from typing import Any

import pytest

from nbsubmit.client.jobs import attach
from nbsubmit.client.rows import row_of
from nbsubmit.core.errors import OtherFormat, ResultUnreadable
from nbsubmit.core.job import Job
from nbsubmit.core.kept import NotHere
from nbsubmit.core.postmortem import NothingKept, PostMortem
from nbsubmit.core.spec import CellOptions
from tests.modules import OwnModules
from tests.way import Way

CELL = """
def use(model, *rest, by=2):
    twice = [model, model]
    return scale / by

use(net, 1, by=0)
"""


@pytest.fixture
def debug(make_way: Callable[..., Way]) -> Way:
    return make_way("debug")


def opened(job: Job, way: Way, space: dict[str, Any] | None = None) -> PostMortem:
    """Open what a job has left, as another process would."""
    space = {} if space is None else space
    return PostMortem(attach(job.id, way.store, watcher=way.watcher, home=space), space)


def frames(error: BaseException) -> list[FrameType]:
    return [frame for frame, _ in walk_tb(error.__traceback__)]


def places(error: BaseException) -> list[tuple[str, int]]:
    return [(frame.f_code.co_name, line) for frame, line in walk_tb(error.__traceback__)]


def test_the_frames_stand_where_they_stood_and_have_their_values(way: Way) -> None:
    job = way.run(CELL, {"net": {"w": 1}, "scale": 3})
    found = opened(job, way)
    assert isinstance(found.error, ZeroDivisionError)
    assert places(found.error) == [("<module>", 7), ("use", 5)]
    top, use = frames(found.error)
    assert [frame.f_lineno for frame in (top, use)] == [7, 5]
    assert use.f_locals["twice"] == [{"w": 1}, {"w": 1}]
    assert use.f_globals is top.f_locals is top.f_globals
    assert eval("scale * by + 1", use.f_globals, use.f_locals) == 1
    assert found.arguments[id(use)] == ("model", "by", "rest")


def test_what_is_one_object_in_several_frames_is_one(way: Way) -> None:
    found = opened(way.run(CELL, {"net": {"w": 1}, "scale": 3}), way)
    top, use = frames(found.error)
    first, second = use.f_locals["twice"]
    assert first is second is use.f_locals["model"] is top.f_locals["net"]


def test_the_namespace_is_as_the_cell_left_it(way: Way) -> None:
    cell = "import json as j\nseen.append(3)\nmade = seen\n_own = 5\ndel gone\n1 / 0"
    home = {"seen": [1], "gone": 2, "kept": "k"}
    space: dict[str, Any] = {}
    opened(way.run(cell, home), way, space)
    assert space["seen"] == [1, 3]
    assert space["made"] is space["seen"]
    assert (space["_own"], space["j"]) == (5, json)
    assert "gone" not in space
    assert home["seen"] == [1]


def test_what_was_changed_is_shown_changed_even_if_it_does_not_go_back(debug: Way) -> None:
    from nbsubmit.core.spec import CellOptions

    space: dict[str, Any] = {}
    cell = "seen.append(3)\nmade = 1\n1 / 0"
    opened(debug.run(cell, {"seen": [1]}, options=CellOptions(bring=("made",))), debug, space)
    assert space["seen"] == [1, 3]


def test_a_chain_of_errors_is_one_again(debug: Way) -> None:
    cell = "try:\n    [][1]\nexcept Exception as e:\n    try:\n        1 / 0\n    except:\n        "
    caused = opened(debug.run(f"{cell}raise KeyError('k') from e"), debug).error
    assert isinstance(caused.__cause__, IndexError)
    assert places(caused.__cause__) == [("<module>", 3)]
    error = opened(debug.run(f"{cell}raise KeyError('k')"), debug).error
    assert isinstance(error.__context__, ZeroDivisionError)
    assert not error.__suppress_context__
    assert isinstance(error.__context__.__context__, IndexError)


def test_an_error_that_cannot_be_rebuilt_keeps_its_name_and_its_words(debug: Way) -> None:
    cell = "import threading\ne = ValueError('words')\ne.lock = threading.Lock()\nraise e"
    error = opened(debug.run(cell), debug).error
    assert (type(error).__name__, str(error)) == ("ValueError", "words")
    assert places(error) == [("<module>", 5)]


def test_a_value_that_is_not_here_says_so_whatever_is_asked_of_it() -> None:
    value = NotHere("Net", "it holds 8 GB", "Net(4)")
    assert repr(value) == "<Net that is not here (it holds 8 GB): Net(4)>"
    with pytest.raises(AttributeError, match=r"this Net is not here \(it holds 8 GB\), nor is"):
        value.fit  # noqa: B018
    assert repr(NotHere("Net", "lost")) == "<Net that is not here (lost)>"


def test_a_value_whose_module_is_not_here_is_told_and_the_others_are_there(
    make_way: Callable[..., Way], own: OwnModules
) -> None:
    way = make_way("local")
    cell = (
        "from pathlib import Path\n_ = Path('of_node.py').write_text('class A: pass')\n"
        "import sys\nsys.path.insert(0, '.')\nimport of_node\n"
        "def f():\n    a, b = of_node.A(), 7\n    1 / 0\nf()"
    )
    job = way.run(cell)
    (way.store.parent / "of_node.py").unlink()
    _, f = frames(opened(job, way).error)
    assert f.f_locals["b"] == 7
    assert "ModuleNotFoundError: No module named 'of_node'" in repr(f.f_locals["a"])


def test_where_the_result_is_lost_the_frames_are_there_all_the_same(
    debug: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    job = debug.run("made = [1]\ndef f(a, b):\n    1 / 0\nf(made, 7)")
    job.folder.result_stream.unlink()
    _, f = frames(opened(job, debug).error)
    assert f.f_locals["b"] == 7
    assert "it is, or holds, made, which has not come back" in repr(f.f_locals["a"])
    assert "No such file" in capsys.readouterr().err


def test_lines_are_shown_as_they_were_for_a_while(debug: Way, own: OwnModules) -> None:
    file = own.path / "of_mine.py"
    file.write_text("def f():\n    1 / 0\n")
    job = debug.run("import of_mine\nof_mine.f()")
    file.write_text("# new\ndef f():\n    1 / 0\n")
    found = opened(job, debug)
    with found.lines_at_hand():
        assert linecache.getline(str(file), 2) == "    1 / 0\n"
        assert linecache.getline("<cell>", 3).strip() == "of_mine.f()"
    assert linecache.getline(str(file), 2) == "def f():\n"


def test_a_row_says_whether_there_is_something_to_debug(way: Way) -> None:
    assert row_of(way.run("1 / 0")).frames
    assert not row_of(way.run("x = 1")).frames


def test_another_python_is_told(debug: Way) -> None:
    job = debug.run("1 / 0")
    file = job.folder.kept_file
    file.write_text(json.dumps(json.loads(file.read_text()) | {"python": [3, 1]}))
    with pytest.raises(ResultUnreadable, match=r"ran under Python 3\.1, whose values"):
        opened(job, debug)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 0}))
    with pytest.raises(OtherFormat, match="what was kept of the job's error was written by"):
        opened(job, debug)


def test_it_is_said_why_there_are_no_frames(debug: Way) -> None:
    with pytest.raises(NothingKept, match="has not failed"):
        opened(debug.run("x = 1"), debug)
    job = debug.run("1 / 0")
    job.folder.kept_file.unlink()
    with pytest.raises(NothingKept, match="has left no frames: it failed before its cell ran"):
        opened(job, debug)
    job = debug.run(
        "import threading\nlock = threading.Lock()", options=CellOptions(bring=("lock",))
    )
    with pytest.raises(NothingKept, match=r"came to its end, and what failed is bringing .*lock"):
        opened(job, debug)
