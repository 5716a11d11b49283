"""The shell of this process, if it has one; in a job it is started by whoever needs it first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_start: ContextVar[Callable[[], Any]] = ContextVar("nbsubmit_start")


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
