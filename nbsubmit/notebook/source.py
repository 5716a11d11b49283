"""The cell as the shell has it → the cell as it travels."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterable
from types import FrameType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core.cell import Cell
from nbsubmit.core.errors import CellSyntaxError

_FUTURE_FLAGS = 0x1FF0000


def read_cell(shell: InteractiveShell, magic: str, line: str, body: str) -> Cell:
    """Return the cell below a magic's line, as Python.

    Raises
    ------
    CellSyntaxError
        With the message that the shell itself would show.
    """
    text, first_line = _whole_text(shell, magic, line, body)
    file_name = _file_name(shell, text)
    source, stripped = _as_python(shell, body, file_name, first_line, text)
    return Cell(
        source=source,
        text=text,
        file_name=file_name,
        first_line=first_line + stripped,
        execution_count=_number(shell, file_name),
        compile_flags=shell.compile.flags & _FUTURE_FLAGS,
        interactivity=shell.ast_node_interactivity,
        traceback_mode=shell.InteractiveTB.mode,
        colors=shell.colors,
        figure_formats=_figure_formats(),
    )


def _figure_formats() -> tuple[str, ...]:
    """Return the formats in which figures are shown, where somebody has chosen them."""
    module = sys.modules.get("matplotlib_inline.config")
    if module is None or not module.InlineBackend.initialized():
        return ()
    return tuple(sorted(module.InlineBackend.instance().figure_formats))


def _whole_text(shell: InteractiveShell, magic: str, line: str, body: str) -> tuple[str, int]:
    """Return the cell with its magic line made a comment, and the line at which the body begins.

    With the comment in its place, the text is Python, and the lines have the numbers that the
    notebook shows.
    """
    raw = _raw_input(shell)
    start = raw.rfind(body.rstrip("\n")) if body.strip() else -1
    head = raw[:start] if start > 0 else ""
    if f"%%{magic}" not in head:
        head = f"%%{magic} {line}".rstrip() + "\n"
    commented = "".join(
        f"# {text}" if text.lstrip().startswith("%%") else text
        for text in head.splitlines(keepends=True)
    )
    return commented + body, head.count("\n") + 1


def _raw_input(shell: InteractiveShell) -> str:
    history = shell.history_manager
    inputs = history.input_hist_raw if history is not None else []
    return str(inputs[-1]) if inputs else ""


def _file_name(shell: InteractiveShell, text: str) -> str:
    """Return the name under which the shell compiled the cell that is running."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals is shell.user_ns and frame.f_code.co_name == "<module>":
            return frame.f_code.co_filename
        frame = frame.f_back
    return str(shell.compile.get_code_name(text, text, shell.execution_count))


def _number(shell: InteractiveShell, file_name: str) -> int:
    """Return the number in the cell's prompt.

    The shell's own counter is one further in some releases while a cell runs; the compiler
    knows under which number it took the cell.
    """
    return numbers(shell, [file_name]).get(file_name, int(shell.execution_count))


def numbers(shell: InteractiveShell, files: Iterable[str]) -> dict[str, int]:
    """Return the numbers of the cells that were compiled under these names."""
    found = {}
    for file in files:
        known = shell.compile.format_code_name(file)
        match = re.search(r"\d+", known[1]) if known else None
        if match:
            found[file] = int(match.group())
    return found


def _as_python(
    shell: InteractiveShell, body: str, file_name: str, first_line: int, text: str
) -> tuple[str, int]:
    """Return the body as Python, and how many empty lines at its head were lost on the way."""
    try:
        ast.parse(body)
    except SyntaxError:
        pass
    else:
        try:
            _compile(shell, body, file_name)
        except SyntaxError as error:
            raise _as_shown(shell, error, first_line, text) from None
        return body, 0
    stripped = len(body) - len(body.lstrip("\n\r\t "))
    lost = body[:stripped].count("\n")
    try:
        python = shell.transform_cell(body)
        _compile(shell, python, file_name)
    except SyntaxError as error:
        raise _as_shown(shell, error, first_line + lost, text) from None
    return python, lost


def _compile(shell: InteractiveShell, python: str, file_name: str) -> None:
    """Compile, for some errors show only then: a ``return`` outside of any function."""
    flags = (shell.compile.flags & _FUTURE_FLAGS) | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the job gives them, once
        compile(python, file_name, "exec", flags=flags, dont_inherit=True)


def _as_shown(
    shell: InteractiveShell, error: SyntaxError, first_line: int, text: str
) -> CellSyntaxError:
    """Return what the shell would say of a cell that is no Python."""
    if error.lineno is not None:
        error.lineno += first_line - 1
    if error.end_lineno is not None:
        error.end_lineno += first_line - 1
    lines = text.splitlines()
    if error.lineno is not None and 0 < error.lineno <= len(lines):
        error.text = lines[error.lineno - 1]
    shown: list[Any] = shell.SyntaxTB.structured_traceback(type(error), error, [])
    told = str(shell.SyntaxTB.stb2text(shown))
    return CellSyntaxError.named(type(error).__name__, str(error), told)
