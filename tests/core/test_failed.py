"""An exception that is what it was and a failed job's: caught by either name, and else the same."""

from __future__ import annotations

import abc
import asyncio
import builtins
import copy
import dataclasses
import functools
import gc
import json
import pickle
import subprocess
import sys
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.errors import (
    FailedJobError,
    JobError,
    JobLost,
    NbsubmitError,
    UncompletedJobError,
)
from nbsubmit.core.failed import failed_as
from tests.way import Way

FOLDER = Path("/a folder/ü")


class Plain(Exception):
    """Nothing of its own."""


class Picky(Exception):
    """Cannot be made from its args."""

    def __init__(self, code: int, *, why: str) -> None:
        super().__init__(f"{code} because {why}")
        self.code = code


class ManyToSuper(Exception):
    """Hands more up than ours take."""

    def __init__(self, code: int) -> None:
        super().__init__(code, "b", "c", "d", "e")


class Worded(Exception):
    """Has words of its own, made from those of its base."""

    def __str__(self) -> str:
        return f"<{super().__str__()}>"


class Slotted(Exception):
    """Keeps what it holds in slots."""

    __slots__ = ("code", "empty")
    code: int

    def __reduce__(self) -> Any:
        return _slotted, (self.code,)


def _slotted(code: int) -> Slotted:
    error = Slotted("slots")
    error.code = code
    return error


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """Lets nothing be set."""

    code: int


class Abstract(abc.ABC, Exception):
    """Has another metaclass."""


class OwnNew(Exception):
    """Is made in a way of its own."""

    def __new__(cls, *, code: int) -> OwnNew:
        made = super().__new__(cls, code)
        made.code = code
        return made

    code: int

    def __init__(self, *, code: int) -> None:
        super().__init__()


class OfAFile(FileNotFoundError):
    """Adds to a class of Python's that holds more than its args."""

    def __init__(self, path: str) -> None:
        super().__init__(2, "not there", path)
        self.path = path

    def __reduce__(self) -> Any:
        return OfAFile, (self.path,)


class Both(KeyError, OSError):
    """Two of Python's own in one."""


class OwnJobId(Exception):
    """Has an attribute by the name of one of ours."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id)
        self.job_id = job_id


class Broken(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise ValueError("no words")


def raised(source: str) -> BaseException:
    try:
        exec(source, {"subprocess": subprocess, "json": json, "sys": sys})
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


PYTHONS_OWN = {
    "of a key": "{}['k']",
    "of an index": "[][1]",
    "of a file": "open('/nowhere at all')",
    "of the system, without a file": "raise OSError(5, 'bad')",
    "of the system, with two files": "raise OSError(5, 'bad', 'a', None, 'b')",
    "of the system, only words": "raise OSError('words')",
    "of bytes": r"b'a\xff'.decode()",
    "of text": "'ü'.encode('ascii')",
    "of a module": "import nowhere_at_all",
    "of a name in a module": "from json import nowhere_at_all",
    "of a name": "nowhere_at_all",
    "of an attribute": "None.nowhere_at_all",
    "of syntax": "compile('x = = 1', 'file.py', 'exec')",
    "of numbers": "1 / 0",
    "of a value": "int('x')",
    "an end of a loop": "raise StopIteration(3)",
    "of a process": "subprocess.run(['false'], check=True)",
    "of JSON": "json.loads('{')",
    "an error of the run": "raise RuntimeError('a', 1)",
    "a deep one": "raise RecursionError('deep')",
    "the plainest": "raise Exception('a', 'b')",
    "without words": "raise ValueError",
}
OUR_OWN: dict[str, Callable[[], Exception]] = {
    "a plain one": lambda: Plain("words", 3),
    "one that its args do not make": lambda: Picky(3, why="so"),
    "one that hands more up than ours take": lambda: ManyToSuper(3),
    "one with words of its own": lambda: Worded("a", "b"),
    "one with slots": lambda: _slotted(3),
    "a frozen one": lambda: Frozen(3),
    "an abstract one": lambda: Abstract("words"),
    "one that is made in its own way": lambda: OwnNew(code=3),
    "one of a file": lambda: OfAFile("/nowhere"),
    "two in one": lambda: Both(2, "words"),
    "one that cannot be shown": lambda: Broken("x"),
    "one of ours": lambda: NbsubmitError("words"),
    "a lost job inside of a job": lambda: JobLost("lost", "7", FOLDER),
    "the base of ours": lambda: UncompletedJobError("words"),
    "one of a job": lambda: JobError("words"),
}
ERRORS: dict[str, Callable[[], BaseException]] = {
    **{name: functools.partial(raised, source) for name, source in PYTHONS_OWN.items()},
    **OUR_OWN,
}  # fmt: skip
GROUP: Any = getattr(builtins, "ExceptionGroup", None)  # since Python 3.11
if GROUP is not None:
    ERRORS["several"] = lambda: GROUP("some", [KeyError("k"), ValueError("v")])


@pytest.fixture(params=ERRORS)
def error(request: pytest.FixtureRequest) -> BaseException:
    return ERRORS[request.param]()


def text(error: BaseException) -> str:
    return "cannot be shown" if isinstance(error, Broken) else f"{error} {error!r}"


def facts(error: BaseException) -> dict[str, Any]:
    """What it holds, but for what only failed jobs have."""
    kind = type(error)
    names = {n for n in dir(kind) if n[0] != "_" and not callable(getattr(kind, n, None))}
    names |= set(vars(error)) - {"job_id", "folder"}
    return {name: getattr(error, name) for name in names if hasattr(error, name)}


def test_it_is_caught_by_either_name(error: BaseException) -> None:
    found = failed_as(error, "7", FOLDER)
    assert isinstance(found, FailedJobError)
    assert isinstance(found, type(error)) or type(error) in FailedJobError.__mro__
    with pytest.raises(FailedJobError):
        raise found


def test_it_looks_as_before(error: BaseException) -> None:
    found = failed_as(error, "7", FOLDER)
    assert text(found) == text(error)
    assert found.args == error.args
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        assert getattr(type(found), name) == getattr(type(error), name)


def test_it_holds_what_it_held(error: BaseException) -> None:
    assert facts(failed_as(error, "7", FOLDER)) == facts(error)


def test_it_says_of_which_job_it_is(error: BaseException) -> None:
    found: Any = failed_as(error, "7", FOLDER)
    told = ("", None) if type(error) in (JobError, UncompletedJobError) else ("7", FOLDER)
    assert (found.job_id, found.folder) == told


def test_it_can_be_sent_on_and_is_the_same(error: BaseException) -> None:
    found: Any = failed_as(error, "7", FOLDER)
    again = pickle.loads(pickle.dumps(found))
    assert type(again) is type(found)
    assert text(again) == text(found)
    assert repr(again.args) == repr(found.args)
    assert vars(again) == vars(found)
    assert (again.job_id, again.folder) == (found.job_id, found.folder)


def test_it_travels_to_a_job_and_back(error: BaseException, make_way: Callable[..., Way]) -> None:
    found: Any = failed_as(error, "7", FOLDER)
    job = make_way("debug").run("import copy; back = [copy.copy(error)]", {"error": found})
    again = job.names["back"][0]
    assert again is not found
    assert type(again) is type(found)
    assert text(again) == text(found)
    assert facts(again).keys() == facts(found).keys()
    assert (again.job_id, again.folder) == (found.job_id, found.folder)


def test_a_copy_is_the_same(error: BaseException) -> None:
    found = failed_as(error, "7", FOLDER)
    assert text(copy.copy(found)) == text(found)
    assert type(copy.copy(found)) is type(found)


def test_cause_context_notes_and_traceback_stay() -> None:
    error = raised("try:\n 1 / 0\nexcept ZeroDivisionError as e:\n raise KeyError('k') from e")
    error.__dict__["__notes__"] = ["a note"]
    found = failed_as(error)
    assert found.__cause__ is error.__cause__ is not None
    assert found.__context__ is error.__context__ is not None
    assert found.__suppress_context__
    assert found.__traceback__ is error.__traceback__ is not None
    assert found.__dict__["__notes__"] == ["a note"]
    assert traceback.format_exception(found) == traceback.format_exception(error)


def test_a_context_that_was_not_suppressed_is_not_now() -> None:
    error = raised("try:\n 1 / 0\nexcept ZeroDivisionError:\n raise KeyError('k')")
    found = failed_as(error)
    assert found.__context__ is error.__context__ is not None
    assert (found.__cause__, found.__suppress_context__) == (None, False)


def test_the_error_itself_stays_as_it_is() -> None:
    error = KeyError("k")
    assert failed_as(error, "7") is not error
    assert vars(error) == {}
    assert type(error) is KeyError


def test_an_attribute_of_its_own_wins_over_ours() -> None:
    found: Any = failed_as(OwnJobId(3), "7", FOLDER)
    assert (found.job_id, found.folder) == (3, FOLDER)


def test_one_of_its_class_can_be_made_as_before() -> None:
    made = type(failed_as(Picky(3, why="so")))(4, why="it is")  # type: ignore[call-arg]
    assert type(made) is Picky
    assert str(made) == "4 because it is"
    assert type(type(failed_as(KeyError("k")))("more")) is KeyError


def test_the_shell_may_be_told_how_to_show_it_and_else_shows_it_as_any() -> None:
    found: Any = failed_as(raised("compile('x = = 1', 'file.py', 'exec')"))
    assert not hasattr(found, "_render_traceback_")
    found._render_traceback_ = list
    assert found._render_traceback_() == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_no_except_exception_catches_is_left_alone(kind: type[BaseException]) -> None:
    error = kind("x")
    assert failed_as(error) is error


def test_a_failed_job_inside_of_a_job_is_one_already() -> None:
    inner = failed_as(KeyError("k"), "7", FOLDER)
    assert failed_as(inner, "8") is inner


class Meta(type):
    """Knows what is made of it."""

    known: list[str] = []  # noqa: RUF012

    def __init__(cls, name: str, bases: Any, namespace: Any) -> None:
        super().__init__(name, bases, namespace)
        Meta.known.append(name)


def test_a_class_that_is_not_made_by_python_alone_is_left_alone() -> None:
    kind = Meta("Known", (Exception,), {})
    error = kind("x")
    assert failed_as(error) is error
    assert Meta.known == ["Known"]


def test_a_class_that_counts_its_subclasses_does_not_count_ours() -> None:
    class Counting(Exception):
        known: list[type] = []  # noqa: RUF012

        def __init_subclass__(cls, *, code: int) -> None:
            cls.known.append(cls)

    assert isinstance(failed_as(Counting("x")), FailedJobError)
    assert Counting.known == []


def test_a_class_that_hides_what_it_holds_is_left_alone() -> None:
    held: dict[int, str] = {}

    class Hiding(Exception):
        def __str__(self) -> str:
            return held.get(id(self), "nothing")

    error = Hiding()
    held[id(error)] = "something"
    assert failed_as(error) is error


def test_two_of_one_class_are_of_one_class() -> None:
    first, second = failed_as(KeyError("a")), failed_as(KeyError("b"))
    assert type(first) is type(second)


def test_a_class_that_nobody_needs_is_not_kept() -> None:
    class Passing(Exception):
        pass

    gone = weakref.ref(Passing)
    assert isinstance(failed_as(Passing("x")), FailedJobError)
    del Passing
    gc.collect()
    assert gone() is None
