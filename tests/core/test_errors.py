"""Every error of ours: in the drawn tree, with words about it, and whole after a journey."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.core import errors
from nbsubmit.core.errors import CellSyntaxError, JobError, NbsubmitError, NotPicklable, Refused
from tests.way import Way


def subclasses(kind: type[NbsubmitError]) -> Iterator[type[NbsubmitError]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from subclasses(sub)


def all_errors() -> list[type[NbsubmitError]]:
    """Every error of the package, wherever it is defined."""
    for module in pkgutil.walk_packages(nbsubmit.__path__, "nbsubmit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: set[type[NbsubmitError]] = {NbsubmitError, *subclasses(NbsubmitError)}
    ours = [kind for kind in found if kind.__module__.startswith("nbsubmit.")]
    return sorted(ours, key=str)


ERRORS = all_errors()
IDS = [kind.__qualname__ for kind in ERRORS]

# What to make one of, where a message is not enough.
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "NotPicklable": ("conn is an open socket", ("conn", "log")),
    "LoadError": ("frame", "ModuleNotFoundError: no pandas here"),
}
OF_A_JOB = ("job 17 is LOST", "240102-030405-bcdf", Path("/a folder/ü"))


def made(kind: type[NbsubmitError]) -> NbsubmitError:
    default = OF_A_JOB if issubclass(kind, JobError) else ("what happened; what to do",)
    return kind(*ARGUMENTS.get(kind.__name__, default))


def test_there_are_errors_to_test() -> None:
    assert len(ERRORS) > 12


@pytest.mark.parametrize("kind", ERRORS, ids=IDS)
def test_an_error_is_the_same_after_a_journey(kind: type[NbsubmitError]) -> None:
    error = made(kind)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again) == vars(error)


@pytest.mark.parametrize("kind", ERRORS, ids=IDS)
def test_an_error_says_what_it_is_told_to(kind: type[NbsubmitError]) -> None:
    error = made(kind)
    assert str(error.args[0]) in str(error)


@pytest.mark.parametrize("kind", ERRORS, ids=IDS)
def test_an_error_has_words_about_it(kind: type[NbsubmitError]) -> None:
    words = kind.__dict__.get("__doc__")
    assert words is not None
    assert len(words.split()) > 3


def drawn(text: str) -> dict[str, str]:
    """The tree at the head of a module: each error's name and that of the one it stands below."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = re.match(r"([│├└─ ]*)([A-Z]\w+)(?:  |$)", line)
        if match is None:
            continue
        depth, name = len(match[1]), match[2]
        above = [(d, n) for d, n in above if d < depth]
        parents[name] = above[-1][1] if above else ""
        above.append((depth, name))
    return parents


HERE = [kind for kind in ERRORS if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", HERE, ids=[kind.__name__ for kind in HERE])
def test_an_error_stands_in_the_tree_where_its_base_says(kind: type[NbsubmitError]) -> None:
    assert errors.__doc__ is not None
    base = "" if kind is NbsubmitError else kind.__bases__[0].__name__
    assert drawn(errors.__doc__)[kind.__name__] == base


def test_the_tree_draws_nothing_that_does_not_exist() -> None:
    assert errors.__doc__ is not None
    assert set(drawn(errors.__doc__)) == {kind.__name__ for kind in HERE}


def test_the_facts_of_an_error_are_its_attributes() -> None:
    assert NotPicklable("text", ("a", "b")).names == ("a", "b")
    error = errors.JobLost("gone", "17", Path("/job"))
    assert (error.job_id, error.folder) == ("17", Path("/job"))
    assert errors.JobLost("gone").folder is None


def test_the_error_that_a_job_hands_out_can_be_sent_on(make_way: Callable[..., Way]) -> None:
    error = make_way("debug").run("1 / 0").exception()
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ZeroDivisionError)
    assert str(again) == str(error)


def test_the_shell_shows_the_message_and_no_traceback_of_ours() -> None:
    assert Refused("no such partition")._render_traceback_() == ["Refused: no such partition"]


def test_a_syntax_error_is_shown_as_the_shell_wrote_it() -> None:
    text = "  Cell In[1], line 2\n    x = = 1\nSyntaxError: invalid syntax"
    error = CellSyntaxError.named("SyntaxError", "invalid syntax", text)
    assert error._render_traceback_() == [text]
    assert (type(error).__name__, str(error)) == ("SyntaxError", "invalid syntax")
    assert isinstance(pickle.loads(pickle.dumps(error)), CellSyntaxError)


WITHOUT_A_RESULT = [
    errors.FailedJobError, errors.CellFailed, errors.JobCancelled, errors.JobTimedOut,
    errors.JobLost, errors.ResultUnreadable,
]  # fmt: skip


@pytest.mark.parametrize("kind", WITHOUT_A_RESULT, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("caught", [errors.UncompletedJobError, JobError, RuntimeError])
def test_a_job_without_a_result_is_caught_by_submitits_name_and_by_pythons(
    kind: type[JobError], caught: type[Exception]
) -> None:
    assert issubclass(kind, caught)


def test_only_a_function_that_raised_is_a_failed_job() -> None:
    failed = {kind for kind in ERRORS if issubclass(kind, errors.FailedJobError)}
    assert failed == {errors.FailedJobError, errors.CellFailed}


@pytest.mark.parametrize("kind", [errors.SubmitError, errors.BackendMissing, Refused])
def test_what_was_not_submitted_is_caught_by_submitits_name(kind: type[Exception]) -> None:
    with pytest.raises(errors.FailedSubmissionError, match="no such partition"):
        raise kind("no such partition")
    assert issubclass(kind, RuntimeError)
