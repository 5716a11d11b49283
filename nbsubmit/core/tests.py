"""What doctest and unittest find in a notebook: its functions and classes, and their examples."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.home import Namespace
from nbsubmit.core.names.text import identifiers

_PROMPT = ">>>"


def names(namespace: Namespace) -> Iterator[str]:
    """Yield the names of all definitions of a notebook, and those in the examples in their texts.

    That a function may be a test shows only when it is looked at, there.
    """
    for name, value in list(namespace.items()):
        # Modules first: one that waits to be used would be loaded by a look at it.
        if isinstance(value, types.ModuleType) or not _is_defined_here(value):
            continue
        yield name
        members = vars(value).values() if is_class(value) else ()
        for part in (value, *members):
            text = getattr(part, "__doc__", None)
            if isinstance(text, str) and _PROMPT in text:
                yield from identifiers(text)


def _is_defined_here(value: Any) -> bool:
    is_definition = is_class(value) or isinstance(value, types.FunctionType)
    return is_definition and getattr(value, "__module__", None) == "__main__"
