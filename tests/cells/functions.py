"""The code of a function → text, and the hash of bytes."""

from __future__ import annotations

import hashlib
import inspect
import types
from typing import Any


def hash_of(data: Any) -> str:
    """A short hash of bytes."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def cell_contents(cell: types.CellType) -> Any:
    """What a variable of a closure holds."""
    try:
        return cell.cell_contents
    except ValueError:
        return "<not bound>"


def code_of(code: types.CodeType) -> str:
    """The names and constants of a code; what it does is in its text."""
    constants = [
        code_of(item) if isinstance(item, types.CodeType) else _constant(item)
        for item in code.co_consts
    ]
    names = (code.co_name, code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars)
    numbers = (code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags)
    return f"{names}{numbers}[{', '.join(constants)}]"


def _constant(value: Any) -> str:
    if isinstance(value, frozenset):
        return f"frozenset{sorted(map(repr, value))}"
    return repr(value)


def source_of(function: types.FunctionType) -> str:
    """What a person may look up; the instructions where there is nothing to read.

    The instructions differ a little with how much of a cell is compiled at once: a notebook
    compiles statement by statement, and so does not know which names are modules.
    """
    try:
        return repr(inspect.getsource(function))
    except (OSError, TypeError) as error:
        return f"no source ({type(error).__name__}), {hash_of(function.__code__.co_code)}"
