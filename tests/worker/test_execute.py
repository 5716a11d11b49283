"""A cell run in a namespace as a notebook would: what is shown, what is bound, how it ends."""

from __future__ import annotations
import __future__

import asyncio
import builtins
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import pytest

from nbsubmit.core.cell import Cell
from nbsubmit.worker.execute import Outcome, ends_in_semicolon, execute

FILE = "<the cell>"


@dataclass
class Screen:
    """Shows values by keeping them."""

    shown: list[object] = field(default_factory=list)

    def show_result(self, value: object) -> None:
        self.shown.append(value)


@dataclass
class Run:
    """A cell that was run, and all that came of it."""

    outcome: Outcome
    names: dict[str, Any]
    shown: list[object]

    @property
    def value(self) -> object:
        return self.outcome.value

    @property
    def error(self) -> BaseException:
        assert self.outcome.error is not None
        return self.outcome.error


def run(source: str, names: dict[str, Any] | None = None, **cell: Any) -> Run:
    screen = Screen()
    home = {"__name__": "__main__", "__builtins__": builtins, **(names or {})}
    outcome = execute(Cell(source, source, FILE, **cell), home, screen)
    return Run(outcome, home, screen.shown)


def lines(error: BaseException) -> list[tuple[str, int | None]]:
    return [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]


# What is shown


# A cell's text → (what is shown, the value)
SHOWN: dict[str, tuple[list[object], object]] = {
    "": ([], None),
    "# nothing": ([], None),
    "x = 1": ([], None),
    "1 + 1": ([2], 2),
    "x = 1\nx + 1": ([2], 2),
    "1\n2": ([2], 2),
    "None": ([], None),
    "print": ([print], print),
    "0": ([0], 0),
    "x = 1\nx += 1": ([], None),
    "for i in range(3): i": ([], None),
    "if True: 5": ([], None),
    "def f(): return 1": ([], None),
    "(\n  1,\n  2,\n)": ([(1, 2)], (1, 2)),
    "'ü'\n\n# a remark": (["ü"], "ü"),
    # with a semicolon a value is a value and is not shown
    "1;": ([], 1),
    "1; # a remark": ([], 1),
    "1;\n\n": ([], 1),
    "1; 2": ([2], 2),
    "';'": ([";"], ";"),
}


@pytest.mark.parametrize("source", SHOWN)
def test_the_last_expression_is_shown_and_is_the_value(source: str) -> None:
    result = run(source)
    assert (result.shown, result.value) == SHOWN[source]
    assert result.outcome.error is None


# The shell's setting → what is shown of two cells.
SETTINGS: dict[str, tuple[list[object], list[object]]] = {
    # setting: ("1\nx = 2\nx", "x = 3")
    "last_expr": ([2], []),
    "last": ([2], []),
    "all": ([1, 2], []),
    "none": ([], []),
    "last_expr_or_assign": ([2], [3]),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_notebooks_setting_says_which_expressions_are_shown(setting: str) -> None:
    of_expressions, of_assignment = SETTINGS[setting]
    assert run("1\nx = 2\nx", interactivity=setting).shown == of_expressions
    assert run("x = 3", interactivity=setting).shown == of_assignment


def test_with_the_setting_last_the_expressions_inside_the_last_statement_are_shown() -> None:
    assert run("1\nif True:\n    5\n    6", interactivity="last").shown == [5, 6]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("x = 1", [1]),
        ("x = 1;", []),
        ("x: int = 2", [2]),
        ("x = 1\nx += 4", [5]),
        ("x = None", []),
        ("a, b = 1, 2", []),
        ("a = b = 3", []),
        ("d = {}\nd['k'] = 1", []),
    ],
)
def test_an_assignment_is_shown_where_the_notebook_shows_them(
    source: str, shown: list[object]
) -> None:
    result = run(source, interactivity="last_expr_or_assign")
    assert result.outcome.error is None
    assert result.shown == shown


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("x;", True),
        ("x;  # why", True),
        ("x;\n# why\n\n", True),
        ("def f():\n    pass;", True),
        ("x", False),
        ("x; y", False),
        ("';'", False),
        ("x # ;", False),
        ("", False),
        ("'''not closed;", False),
        ("x = (;", False),
    ],
)
def test_a_semicolon_counts_only_as_the_last_thing_in_the_cell(source: str, answer: bool) -> None:
    assert ends_in_semicolon(source) is answer


# What is bound


def test_names_are_read_from_and_bound_in_the_namespace() -> None:
    result = run("y = x + 1\ndel x\ndef f(): return y", {"x": 1})
    assert result.names["y"] == 2
    assert "x" not in result.names
    assert result.names["f"]() == 2


def test_a_function_of_the_cell_bears_the_cells_file_and_lines() -> None:
    f = run("\ndef f(): pass", first_line=10).names["f"]
    assert (f.__code__.co_filename, f.__code__.co_firstlineno) == (FILE, 11)
    assert f.__module__ == "__main__"


def test_imports_from_the_future_hold_as_they_do_in_the_notebook() -> None:
    source = "def f(x: missing): pass"
    flag = __future__.annotations.compiler_flag
    assert run(source, compile_flags=flag).names["f"].__annotations__ == {"x": "missing"}
    # This file's own import does not leak into the cell.
    assert isinstance(run(source).error, NameError)


# Await


def test_await_works_at_the_top_level() -> None:
    result = run("import asyncio\nx = await asyncio.sleep(0, 'slept')\nx")
    assert (result.names["x"], result.value) == ("slept", "slept")


@pytest.mark.parametrize(
    "source",
    [
        "async with thing() as x: pass\nx",
        "async for x in numbers(): pass\nx",
        "[x async for x in numbers()][-1]",
        "x = await numbers().__anext__()\nx;",
    ],
)
def test_every_form_of_it_works(source: str) -> None:
    head = (
        "import contextlib\n"
        "@contextlib.asynccontextmanager\nasync def thing(): yield 7\n"
        "async def numbers():\n    yield 7\n"
    )
    assert run(head + source).value == 7


def test_what_was_bound_before_an_await_that_fails_stays() -> None:
    result = run("x = 1\nawait missing\ny = 2")
    assert isinstance(result.error, NameError)
    assert (result.names["x"], "y" in result.names) == (1, False)
    assert lines(result.error)[0] == (FILE, 2)


def test_await_works_in_a_process_whose_own_loop_is_running() -> None:
    async def kernel() -> Run:
        return run("import asyncio\nawait asyncio.sleep(0, 'slept')")

    assert asyncio.run(kernel()).value == "slept"


# Errors


def test_an_error_begins_at_the_cells_own_line() -> None:
    error = run("x = 1\n\nx / 0").error
    assert isinstance(error, ZeroDivisionError)
    assert lines(error) == [(FILE, 3)]


def test_lines_are_counted_from_where_the_cell_begins_in_the_notebook() -> None:
    assert lines(run("x = 1\n1 / 0", first_line=2).error) == [(FILE, 3)]


def test_the_frames_below_the_cells_are_kept() -> None:
    error = run("def f():\n    import json\n    json.loads('{')\nf()").error
    shown = lines(error)
    assert shown[:2] == [(FILE, 4), (FILE, 3)]
    assert shown[2][0].endswith("__init__.py")


def test_an_error_that_was_caused_by_another_says_so() -> None:
    error = run("try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('x') from e").error
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert lines(error.__cause__) == [(FILE, 2)]
    assert lines(error) == [(FILE, 4)]


def test_what_is_no_python_is_an_error_with_its_line() -> None:
    error = run("x = 1\ny = = 2", first_line=2).error
    assert isinstance(error, SyntaxError)
    assert error.filename == FILE


def test_what_was_shown_and_bound_before_an_error_stays() -> None:
    result = run("x = 1\nx\n1 / 0", interactivity="all")
    assert result.shown == [1]
    assert result.names["x"] == 1


ENDINGS = {
    "raise SystemExit(3)": SystemExit,
    "import sys; sys.exit()": SystemExit,
    "exit_now()": SystemExit,
    "raise KeyboardInterrupt": KeyboardInterrupt,
    "raise GeneratorExit": GeneratorExit,
    "class Own(BaseException): pass\nraise Own": BaseException,
    "import asyncio\nraise asyncio.CancelledError": asyncio.CancelledError,
    "await_me = 1\nassert not await_me": AssertionError,
}


@pytest.mark.parametrize("source", ENDINGS)
def test_however_it_ends_it_is_an_outcome(source: str) -> None:
    def exit_now() -> None:
        raise SystemExit(1)

    result = run(source, {"exit_now": exit_now})
    assert isinstance(result.error, ENDINGS[source])
    assert result.outcome.signal == ""


def test_the_signal_that_ended_it_is_told() -> None:
    result = run("class Told(BaseException):\n    signal = 'SIGTERM'\nx = 1\nraise Told")
    assert result.outcome.signal == "SIGTERM"
    assert result.names["x"] == 1


def test_a_value_that_cannot_be_shown_ends_the_cell_with_its_own_error() -> None:
    class Dark:
        def show_result(self, value: object) -> None:
            raise ValueError("cannot be shown")

    outcome = execute(Cell("1", "1", FILE), {"__builtins__": builtins}, Dark())
    assert isinstance(outcome.error, ValueError)


# The stage


@pytest.mark.parametrize("source", ["input()", "input('your name? ')", "x = 1\nname = input()"])
def test_nobody_answers_and_the_error_says_what_to_do(source: str) -> None:
    error = run(source).error
    assert type(error).__name__ == "NoInput"
    assert "nobody to ask in a job. Ask before the cell is sent" in str(error)


@pytest.mark.parametrize("source", ["1", "1 / 0", "import sys\nsys.exit()", "await nothing"])
def test_the_process_is_afterwards_as_it_was(source: str) -> None:
    before = sys.displayhook, builtins.input, list(warnings.filters)
    run(source)
    assert (sys.displayhook, builtins.input, list(warnings.filters)) == before


def test_no_frame_of_ours_is_left_in_a_traceback() -> None:
    def frames(trace: TracebackType | None) -> list[str]:
        out = []
        while trace is not None:
            out.append(trace.tb_frame.f_code.co_filename)
            trace = trace.tb_next
        return out

    for source in ("1 / 0", "await missing", "f = lambda: 1 / 0\nf()", "raise SystemExit"):
        assert set(frames(run(source).error.__traceback__)) == {FILE}
