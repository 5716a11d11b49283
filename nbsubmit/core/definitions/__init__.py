"""Classes, functions and type variables of the notebook ↔ the parts they are built again from.

What can be imported goes by name and is none of this package's business. The rest is taken apart
so that building it again runs no code of its own: a class is no new subclass, an enum's members are
not made by its ``__new__``, a metaclass is not called. All that has happened once, before.

known      which classes this process knows, by ids that are the same everywhere
parts      what a class consists of, and giving a class these parts
classes    a class ↔ its parts
enums      an enum and its members ↔ theirs
code       a function ↔ its code, its cells and what else it has
functions  things that wrap functions
exceptions an exception ↔ what it holds
modules    a module made by hand ↔ what it holds
closures   what a function keeps between calls
variables  type variables, new types and aliases
needs      which names code needs that runs when a value is loaded
weak       weak references and what is made of them
views      views of an object's bytes
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

Reducer = Callable[[Any], Any]

_found: dict[type, Reducer | None] = {}


def find(kind: type) -> Reducer | None:
    """Return what reduces objects of this type, if anything here does."""
    # 0.2 µs instead of 1.5 for each object that is asked about.
    try:
        return _found[kind]
    except KeyError:
        found = _found[kind] = _search(kind)
        return found
    except TypeError:  # a metaclass whose classes cannot be hashed
        return None


def _search(kind: type) -> Reducer | None:
    by_type, by_base = _reducers()
    if kind in by_type:
        return by_type[kind]
    return next((reduce for base, reduce in by_base.items() if issubclass(kind, base)), None)


@functools.cache
def _reducers() -> tuple[Mapping[type, Reducer], Mapping[type, Reducer]]:
    """Return them by type, and by base; a job that sends plain values loads none of their modules.

    A worker's start loads these and a few more of this package a twentieth faster so.
    """
    from nbsubmit.core.definitions import functions, parts, variables, views, weak

    by_type: dict[type, Reducer] = {
        **functions.REDUCERS,
        **variables.REDUCERS,
        **weak.REDUCERS,
        **views.REDUCERS,
        parts.Portion: parts.reduce_portion,
    }
    return by_type, functions.FAMILIES
