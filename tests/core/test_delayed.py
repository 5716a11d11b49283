"""A call that is still to come: called once, and written to a file between."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path

import pytest

from nbsubmit.core.delayed import DelayedSubmission


def joined(*words: str, by: str = "-") -> str:
    return by.join(words)


def test_it_is_called_once_and_remembers() -> None:
    called: list[int] = []
    call = DelayedSubmission(called.append, 3)
    assert not call.done()
    assert call.result() is None
    assert call.result() is None
    assert call.done()
    assert called == [3]


def test_a_call_that_failed_is_not_done() -> None:
    call = DelayedSubmission(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        call.result()
    assert not call.done()


def test_whether_it_was_called_survives_a_journey() -> None:
    call = DelayedSubmission(joined, "a", "b", by="+")
    assert not pickle.loads(pickle.dumps(call)).done()
    call.result()
    again = pickle.loads(pickle.dumps(call))
    assert again.done()
    assert again.result() == "a+b"


def test_it_is_the_same_after_it_was_written_to_a_file(tmp_path: Path) -> None:
    call = DelayedSubmission(joined, "a", "b", by="+")
    call.set_timeout(5, max_num_timeout=2)
    file = tmp_path / "a call.pkl"
    call.dump(file)
    again = DelayedSubmission.load(str(file))
    assert (again.function, again.args, again.kwargs) == (joined, ("a", "b"), {"by": "+"})
    assert (again.timeout_min, again.max_num_timeout) == (5, 2)
    assert again.result() == "a+b"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_function_of_a_notebook_can_be_written_too(tmp_path: Path) -> None:
    DelayedSubmission(lambda x: x + 1, 2).dump(tmp_path / "f")
    assert DelayedSubmission.load(tmp_path / "f").result() == 3


def test_without_a_word_about_time_none_is_said() -> None:
    call = DelayedSubmission(joined)
    assert (call.timeout_min, call.max_num_timeout) == (None, None)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other"
    file.write_bytes(pickle.dumps([1]))
    with pytest.raises(TypeError, match="holds no DelayedSubmission but a list"):
        DelayedSubmission.load(file)
