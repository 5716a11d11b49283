"""What stands in a list in the place of a task that has nothing to put there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

# Whoever uses a value by one of these touches it; all else about an object says nothing of it.
_ARITHMETIC = (
    "add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow", "lshift",
    "rshift", "and", "xor", "or",
)  # fmt: skip
_TOUCHES = (
    "bool", "len", "iter", "next", "contains", "getitem", "setitem", "delitem", "reversed", "call",
    "enter", "exit", "await", "aiter", "anext", "int", "float", "complex", "index", "round",
    "trunc", "floor", "ceil", "bytes", "format", "lt", "le", "eq", "ne", "gt", "ge", "neg", "pos",
    "abs", "invert", *(side + name for side in ("", "r", "i") for name in _ARITHMETIC),
)  # fmt: skip


class Missing:
    """Stands for a value that a task did not bring: to use it in any way raises the task's error.

    It can be shown, kept, copied and compared by ``is``; ``isinstance`` tells it from a value.

    Parameters
    ----------
    text : str
        What is shown: which task it was, and why there is nothing.
    error : BaseException
        What is raised.

    Examples
    --------
    >>> absent = nbsubmit.Missing("task 3 failed", ValueError("no data"))
    >>> absent, isinstance(absent, nbsubmit.Missing)
    (<task 3 failed>, True)
    >>> absent + 1
    Traceback (most recent call last):
    ...
    ValueError: no data
    """

    __slots__ = ("_error", "_text")

    def __init__(self, text: str, error: BaseException) -> None:
        self._text = text
        self._error = error

    def __repr__(self) -> str:
        return f"<{self._text}>"

    def __reduce__(self) -> tuple[type[Missing], tuple[str, BaseException]]:
        return Missing, (self._text, self._error)

    def __hash__(self) -> int:
        return id(self)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # by these an object is asked how it wants to be shown or copied
            raise AttributeError(name)
        _raise(self)


def _raise(missing: Any, *_args: Any, **_kwargs: Any) -> NoReturn:
    raise missing._error.with_traceback(None)


for _name in _TOUCHES:
    setattr(Missing, f"__{_name}__", _raise)


def fill(into: list[Any], values: Sequence[Any], places: Sequence[int]) -> None:
    """Put values into the places of a list where they are missing."""
    for place in places:
        if isinstance(into[place], Missing):
            into[place] = values[place]
