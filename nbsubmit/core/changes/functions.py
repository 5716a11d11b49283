"""The notebook's functions that a value brings along: its own code, and what it holds or wraps."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from typing import Any

from nbsubmit.core.changes.within import within
from nbsubmit.core.definitions.known import globals_of
from nbsubmit.core.home import Namespace
from nbsubmit.core.origin import MAIN


def functions_of(value: Any) -> Iterator[types.FunctionType]:
    """Yield the notebook's functions that whoever has a value may call by it."""
    for part in within(value):
        if isinstance(part, types.FunctionType) and part.__module__ == MAIN:
            yield part


def mentioned_by(function: types.FunctionType) -> Iterable[str]:
    """Return the globals that a function's code looks up: attributes have other names."""
    return globals_of(function.__code__)


def reached(names: Iterable[str], namespace: Namespace) -> set[str]:
    """Return names, and what the code that their values bring along reads in turn."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for function in functions_of(namespace.get(name)):
            waiting += [other for other in mentioned_by(function) if other not in found]
    return found
