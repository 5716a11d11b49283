"""The shell itself: wherever it goes, it is the one that is there.

``ip = get_ipython()`` is an ordinary name of many notebooks, and a group of magics holds its shell.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from nbsubmit.core.reducers import Context, Reducer

_start: ContextVar[Callable[[], Any]] = ContextVar("nbsubmit_start")


def reducer_of(kind: type) -> Reducer | None:
    """Return what reduces values of this type."""
    names = {(base.__module__, base.__name__) for base in kind.__mro__}
    is_shell = ("IPython.core.interactiveshell", "InteractiveShell") in names
    return _reduce_shell if is_shell else None


def _reduce_shell(_shell: Any, _context: Context) -> Any:
    return running_shell, ()


def running_shell() -> Any:
    """Return the shell of this process; None if it has none."""
    start = _start.get(None)
    if start is not None:
        return start()
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


@contextmanager
def started_by(start: Callable[[], Any]) -> Iterator[None]:
    """Have the shell started by whoever asks for it first."""
    token = _start.set(start)
    try:
        yield
    finally:
        _start.reset(token)
