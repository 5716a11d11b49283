"""The frames that an error has gone through, as they are kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.kept import Kept
from nbsubmit.worker.frames import Surroundings, collect, keep


def failed(source: str, **home: Any) -> tuple[BaseException, dict[str, Any]]:
    """Run a cell that fails; return its error and its namespace."""
    space: dict[str, Any] = {"__name__": "__main__", **home}
    with pytest.raises(Exception) as caught:
        exec(compile(source, "<cell>", "exec", dont_inherit=True), space)
    trace = caught.value.__traceback__
    assert trace is not None
    return caught.value.with_traceback(trace.tb_next), space


def kept(source: str, at_home: tuple[str, ...] = (), **home: Any) -> Kept:
    error, space = failed(source, **home)
    return collect(error, Surroundings(space, {}, at_home))[0]


def test_each_frame_has_its_place_its_arguments_and_its_values() -> None:
    found = kept("def f(a, *rest, k=1, **more):\n    b = a\n    return b / 0\n\nf(2, 3, z=4)")
    top, f = found.errors[0].frames
    assert (top.file, top.name, top.line, top.values) == ("<cell>", "<module>", 5, None)
    assert (f.name, f.first_line, f.line, f.module) == ("f", 1, 3, "")
    assert f.arguments == ("a", "k", "rest", "more")
    assert f.values is not None
    assert set(f.values) == {"a", "rest", "k", "more", "b"}
    assert f.values["a"] == f.values["b"]


def test_names_that_are_at_home_are_not_kept_again() -> None:
    found = kept("made = [1]\n_own = 2\nimport json\n1 / 0", at_home=("sent",), sent=[1, 2])
    assert set(found.names) == {"made", "_own"}
    assert found.modules == {"json": "json"}


def test_an_error_comes_with_what_led_to_it() -> None:
    found = kept("try:\n    1 / 0\nexcept Exception as e:\n    raise KeyError('k') from e")
    assert [(e.type, e.is_cause) for e in found.errors] == [
        ("KeyError", False), ("ZeroDivisionError", True),
    ]  # fmt: skip
    found = kept("try:\n    1 / 0\nexcept Exception:\n    raise KeyError('k') from None")
    assert [e.type for e in found.errors] == ["KeyError"]


def test_errors_that_lead_to_each_other_come_to_an_end() -> None:
    found = kept(
        "a, b = ValueError('a'), ValueError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a"
    )
    assert [e.message for e in found.errors] == ["a", "b"]


def test_of_a_recursion_the_first_and_the_last_frames_are_kept() -> None:
    found = kept("def fall(n):\n    return fall(n + 1)\nfall(0)")
    frames = found.errors[0].frames
    assert len(frames) == 100
    assert frames[0].name == "<module>"
    assert found.errors[0].type == "RecursionError"
    assert len(json.dumps(found.to_json())) < 200_000


def test_the_lines_around_a_frame_are_kept_of_files_that_were_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "of_mine.py"
    file.write_text("# head\n" * 100 + "def f():\n    1 / 0\n" + "# tail\n" * 100)
    space: dict[str, Any] = {"__name__": "of_mine"}
    exec(compile(file.read_text(), str(file), "exec"), space)
    error, home = failed("f()", f=space["f"])
    found, _ = collect(error, Surroundings(home, {}, ("f",), texts=["<cell>"]))
    ((first, text),) = found.texts[str(file)]
    assert first == 101
    assert text.startswith("def f():\n    1 / 0\n# tail\n")
    assert text.count("\n") < 60
    assert found.errors[0].frames[-1].module == "of_mine"


def test_it_is_the_same_after_a_journey() -> None:
    found = kept("def f(a):\n    1 / 0\nf([1])")
    assert Kept.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_the_files_can_be_read_by_the_user_alone(folder: JobFolder) -> None:
    error, space = failed("x = 1\n1 / 0")
    keep(error, Surroundings(space, {}, ()), folder)
    for file in (folder.kept_file, folder.kept_values):
        assert file.stat().st_mode & 0o777 == 0o600


def test_where_nothing_can_be_written_nothing_is_said(
    folder: JobFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    error, space = failed("1 / 0")
    keep(error, Surroundings(space, {}, ()), JobFolder(folder.path / "gone"))
    assert capsys.readouterr() == ("", "")
    assert sys.exc_info() == (None, None, None)
