"""What is said of a name that the cell missed: in real jobs, and of each kind of error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from nbsubmit.core.job import Job
from nbsubmit.core.result import CellError
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from nbsubmit.worker.missing import explain, note
from tests.way import Way

IN_A_BRANCH = "if use:\n    conn.acquire()"
LOCK = "conn was not sent: conn is a lock (read in line 2); make it inside the cell."


@pytest.fixture
def local(make_way: Callable[..., Way]) -> Way:
    return make_way("local")


def error_of(job: Job) -> CellError:
    assert job.state is JobState.FAILED
    result = job.found.result
    assert result is not None
    assert result.error is not None
    return result.error


# Real jobs


def test_a_value_left_out_is_explained_below_the_error_if_the_cell_misses_it(local: Way) -> None:
    job = local.run(IN_A_BRANCH, {"use": True, "conn": threading.Lock()})
    shown = error_of(job)
    assert "NameError" in shown.traceback[-2]
    assert shown.traceback[-1] == LOCK
    error = job.exception()
    assert isinstance(error, NameError)
    assert error.__notes__ == [LOCK]


def test_nothing_is_said_where_the_cell_does_not_come_to_read_it(local: Way) -> None:
    job = local.run(IN_A_BRANCH + "\nx = 1", {"use": False, "conn": threading.Lock()})
    assert job.names == {"x": 1}
    assert job.sent.left_out == {"conn": "conn is a lock (read in line 2); make it inside the cell"}


def test_what_a_handler_or_a_later_operand_reads_refuses_nothing(local: Way) -> None:
    cell = "try:\n    x = 1\nexcept OSError:\n    conn.acquire()\nx == 2 and conn.acquire()"
    assert local.run(cell, {"conn": threading.Lock()}).names == {"x": 1}


def test_what_a_function_of_the_cell_misses_is_explained(local: Way) -> None:
    cell = "def f():\n    return conn.acquire()\nf()"
    shown = error_of(local.run(cell, {"conn": threading.Lock()}))
    assert shown.traceback[-1].startswith("conn was not sent: conn is a lock")


def test_a_name_kept_back_by_the_user_is_explained(local: Way) -> None:
    options = CellOptions(exclude=("big",))
    job = local.run("y = len(big)", {"big": [1]}, options=options)
    assert error_of(job).traceback[-1] == (
        "big was not sent: --without says so. Send it, or make it inside the cell."
    )


def test_a_name_that_nobody_could_see_is_said_to_be_in_the_notebook(local: Way) -> None:
    job = local.run("y = eval(''.join(['hid', 'den']))", {"hidden": 1})
    assert error_of(job).traceback[-1] == (
        "hidden was not sent: it is in the notebook, but nothing in the cell shows that it is "
        "read. Name it:  --in hidden"
    )
    assert job.sent.warnings == (
        "cannot see all names that the cell reads (eval); name them with --in",
    )


def test_a_variable_that_a_query_misses_is_explained(local: Way) -> None:
    pd = pytest.importorskip("pandas")
    names = {"df": pd.DataFrame({"a": [1, 2]}), "query": "a > @limit", "limit": 1}
    shown = error_of(local.run("df.query(query)", names))
    assert shown.traceback[-1].endswith("Name it:  --in limit")


def test_a_name_that_the_notebook_does_not_have_either_fails_as_it_would_there(local: Way) -> None:
    shown = error_of(local.run("y = absent + 1"))
    assert shown.traceback[-1].endswith("NameError: name 'absent' is not defined")


def test_a_name_missed_through_the_namespace_itself_is_explained(local: Way) -> None:
    shown = error_of(local.run("globals()['conn']", {"conn": threading.Lock()}))
    assert shown.ename == "KeyError"
    assert shown.traceback[-1].startswith("conn was not sent: conn is a lock")


def test_other_errors_are_left_as_they_are(local: Way) -> None:
    job = local.run("x = {}\ndel conn\nx['conn']", {"conn": 1})
    assert "was not sent" not in "".join(error_of(job).traceback)
    assert not hasattr(job.exception(), "__notes__")


# Each kind of error

PAYLOAD = {
    "left_out": {"conn": "conn is a lock (read in line 2); make it inside the cell"},
    "excluded": ["big"],
    "others": ["there"],
}


def explained(error: BaseException, namespace: dict[str, Any] | None = None) -> list[str]:
    return explain(error, namespace or {}, PAYLOAD)


def raised(code: str) -> BaseException:
    with pytest.raises(BaseException) as caught:
        exec(code, {})
    return caught.value


@pytest.mark.parametrize(
    "code",
    [
        "conn",
        "try:\n    conn\nexcept NameError as error:\n    raise ValueError from error",
        "try:\n    conn\nexcept NameError:\n    raise ValueError",
        "raise NameError(\"name 'conn' is not defined\")",
        "raise NameError(\"local variable 'conn' is not defined\")",
        "{}['conn']",
    ],
)
def test_the_missed_name_is_found_in_an_error_and_behind_it(code: str) -> None:
    assert explained(raised(code)) == [LOCK]


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    conn\nexcept NameError:\n    raise ValueError from None",
        "def f():\n    conn\n    conn = 1\nf()",
        "{}[1]",
        "{}['there']",
        "raise NameError('conn')",
        "other",
    ],
)
def test_an_error_that_is_no_missed_name_of_ours_is_not_explained(code: str) -> None:
    assert explained(raised(code)) == []


def test_each_reason_has_words_of_its_own() -> None:
    assert [explained(raised(name))[0].split(",")[0] for name in ("big", "there")] == [
        "big was not sent: --without says so. Send it",
        "there was not sent: it is in the notebook",
    ]


def test_a_name_that_the_cell_has_by_now_is_not_missed() -> None:
    assert explained(raised("conn"), {"conn": 1}) == []


def test_every_missed_name_of_a_group_is_explained_once() -> None:
    errors = [NameError(name="conn"), NameError(name="conn"), NameError(name="big")]

    class Group(Exception):
        exceptions = tuple(errors)

    sentences = explained(Group())
    assert [sentence.split()[0] for sentence in sentences] == ["conn", "big"]


def test_an_error_that_is_its_own_cause_is_explained_once() -> None:
    error = NameError(name="conn")
    error.__cause__ = error
    assert explained(error) == [LOCK]


def test_notes_of_the_users_own_stay() -> None:
    error = NameError()
    error.__notes__ = ["mine"]
    note(error, ["ours"])
    note(error, [])
    assert error.__notes__ == ["mine", "ours"]
