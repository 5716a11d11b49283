"""Run a cell's Python in a namespace as a notebook would.

The last expression is shown, ``await`` works at the top level, and a traceback begins at the
cell's own line.
"""

from __future__ import annotations

import ast
import builtins
import contextvars
import inspect
import io
import sys
import tokenize
import types
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from nbsubmit.core.cell import Cell
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.home import Namespace
from nbsubmit.core.record import dataclass
from nbsubmit.worker.missing import behind

T = TypeVar("T")


class NoInput(NbsubmitError):
    """A job has nobody to ask."""

    # Where in the cell that was is worth knowing.
    _render_traceback_ = None  # type: ignore[assignment]


@dataclass
class Outcome:
    """How the cell ended.

    Attributes
    ----------
    value : object
        The last expression's value; None if there is none.
    error : BaseException or None
        What ended the cell early.
    signal : str
        The signal that did, if one did.
    """

    value: Any = None
    error: BaseException | None = None
    signal: str = ""


class Shows(Protocol):
    """What can show a value as the cell's result."""

    def show_result(self, value: object) -> None:
        """Show it."""


def execute(cell: Cell, namespace: Namespace, shell: Shows) -> Outcome:
    """Run the cell to its end, whatever that is."""
    outcome = Outcome()
    quiet = ends_in_semicolon(cell.source)

    def take(value: object) -> None:
        if value is not None:
            outcome.value = value
            if not quiet:
                shell.show_result(value)

    with _stage(take):
        try:
            codes = list(_compile(cell))
            if any(code.co_flags & inspect.CO_COROUTINE for code in codes):
                _run_loop(_run_async(codes, namespace))
            else:
                for code in codes:
                    exec(code, namespace)  # noqa: S102 - running the user's code is the purpose
        except BaseException as error:
            _hide_our_frames(error, cell.file_name)
            outcome.error = error
            outcome.signal = getattr(error, "signal", "")
    return outcome


def call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Outcome:
    """Call a function and see how that ends; a coroutine function is run to its end."""
    outcome = Outcome()
    with _stage(sys.displayhook):
        try:
            outcome.value = function(*args, **kwargs)
            if inspect.iscoroutine(outcome.value):
                outcome.value = _run_loop(outcome.value)
        except BaseException as error:
            for part in (error, *behind(error)):
                part.__traceback__ = _without_ours(part.__traceback__)
            outcome.error = error
            outcome.signal = getattr(error, "signal", "")
    return outcome


async def _run_async(codes: list[types.CodeType], namespace: Namespace) -> None:
    for code in codes:
        result = eval(code, namespace)  # noqa: S307
        if inspect.isawaitable(result):
            await result


def _run_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also inside a process whose own loop is running."""
    import asyncio  # 38 ms, and few cells await
    from concurrent.futures import ThreadPoolExecutor

    # Not inside an except clause: it would become the context of the cell's own error.
    if asyncio._get_running_loop() is None:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(contextvars.copy_context().run, asyncio.run, coroutine).result()


def _compile(cell: Cell) -> Iterator[types.CodeType]:
    tree = ast.parse(cell.source, cell.file_name)
    ast.increment_lineno(tree, cell.first_line - 1)
    flags = cell.compile_flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    silent, shown = _split(tree.body, cell.interactivity)
    for nodes, mode in ((silent, "exec"), (shown, "single")):
        if nodes:
            whole: Any = ast.Module(nodes, []) if mode == "exec" else ast.Interactive(nodes)
            yield compile(whole, cell.file_name, mode, flags=flags, dont_inherit=True)


def _split(body: list[ast.stmt], interactivity: str) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Part the statements into those that are just run and those whose value is shown."""
    if not body:
        return [], []
    if interactivity == "all":
        return [], body
    last = body[-1]
    if interactivity == "last":
        return body[:-1], [last]
    if interactivity == "last_expr_or_assign":
        name = _assigned(last)
        if name:
            shown = ast.Expr(ast.Name(name, ast.Load()))
            return body, [ast.fix_missing_locations(ast.copy_location(shown, last))]
    if interactivity != "none" and isinstance(last, ast.Expr):
        return body[:-1], [last]
    return body, []


def _assigned(node: ast.stmt) -> str:
    target: ast.expr | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        target = node.target
    return target.id if isinstance(target, ast.Name) else ""


def ends_in_semicolon(source: str) -> bool:
    """Tell whether the last thing in the source is a semicolon: then its value is not shown."""
    last = ""
    skipped = (
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT,
    )  # fmt: skip
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in skipped:
                last = token.string
    except (tokenize.TokenError, SyntaxError):
        return False
    return last == ";"


def _hide_our_frames(error: BaseException, file_name: str) -> None:
    """Leave out the frames before the cell's own, and what is nbsubmit's among the others."""
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename != file_name:
        first = first.tb_next
    # What is no Python has no frame of its own.
    if first is not None or isinstance(error, SyntaxError):
        error.__traceback__ = first
    for part in behind(error):
        part.__traceback__ = _without_ours(part.__traceback__)


def _without_ours(trace: types.TracebackType | None) -> types.TracebackType | None:
    entries = [entry for entry in _entries(trace) if not _is_ours(entry.tb_frame)]
    found: types.TracebackType | None = None
    for entry in reversed(entries):
        found = types.TracebackType(found, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return found


def _entries(trace: types.TracebackType | None) -> Iterator[types.TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _is_ours(frame: types.FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "nbsubmit"


@contextmanager
def _stage(displayhook: Any) -> Iterator[None]:
    """What a cell finds around itself: values are shown, and nobody answers."""
    kept_hook, kept_input = sys.displayhook, builtins.input
    sys.displayhook = displayhook
    builtins.input = _no_input
    try:
        yield
    finally:
        sys.displayhook, builtins.input = kept_hook, kept_input


def _no_input(prompt: object = "", /) -> str:
    raise NoInput(
        "input() has nobody to ask in a job. Ask before the cell is sent, and use the answer in it"
    )
