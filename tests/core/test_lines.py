"""The lines of code that lies in no file."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Iterator
from typing import Any

import pytest

from nbsubmit.core.lines import known, remember, remember_unknown

FILE = "<a cell>"
TEXT = "# a comment\ndef f():\n    return 1\n"


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    linecache.cache.pop(FILE, None)


def function() -> Any:
    home: dict[str, Any] = {}
    exec(compile(TEXT, FILE, "exec"), home)
    return home["f"]


def test_a_function_shows_its_lines_once_they_are_remembered() -> None:
    with pytest.raises(OSError, match="source code"):
        inspect.getsource(function())
    remember({FILE: TEXT})
    assert inspect.getsource(function()) == "def f():\n    return 1\n"
    assert known([FILE, "<nowhere>"]) == {FILE: TEXT}


def test_lines_stay_when_others_have_theirs_checked() -> None:
    remember({FILE: TEXT})
    linecache.checkcache()
    assert known([FILE]) == {FILE: TEXT}


def test_a_cell_that_is_sent_has_its_new_text_and_one_that_comes_back_the_text_that_is_there() -> (
    None
):
    remember({FILE: "old"})
    remember({FILE: "new"})
    remember_unknown({FILE: "older"})
    assert known([FILE]) == {FILE: "new"}


def test_what_is_not_known_here_is_taken_from_where_it_comes() -> None:
    remember_unknown({FILE: TEXT})
    assert known([FILE]) == {FILE: TEXT}
