"""The names that belong to the shell; what they hold means nothing in another process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import FunctionType

SHELLS_OWN = frozenset({"In", "Out", "get_ipython", "exit", "quit"})
# Functions of the shell; a value by such a name is the user's, as a column of prices called open.
_FUNCTIONS = frozenset({"open", "display"})
_HISTORY = re.compile(r"_i+$|_i\d+$|_[dio]h$|__\w+__$")


def is_shells_own(name: str, value: object = None) -> bool:
    """Tell whether a name, with the value that it has, is the shell's and not the user's."""
    if name in _FUNCTIONS:
        return value is None or isinstance(value, FunctionType)
    return name in SHELLS_OWN or _HISTORY.match(name) is not None


def is_magic(name: str) -> bool:
    """Tell whether a name is that of a magic, with its sign: no other has one."""
    return name.startswith("%")


def is_passing(name: str) -> bool:
    """Tell whether a name is of the kind that is bound for each result: ``_``, ``__``, ``_12``."""
    core = name.strip("_")
    return not core or (name.startswith("_") and core.isdecimal())


def users_own(namespace: Mapping[str, object]) -> Iterator[str]:
    """Yield the names that the user has bound."""
    for name, value in namespace.items():
        if not (is_passing(name) or is_shells_own(name, value)):
            yield name
