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

from collections.abc import Callable
from typing import Any

from nbsubmit.core.definitions import functions, parts, variables, views, weak

Reducer = Callable[[Any], Any]

_BY_TYPE: dict[type, Reducer] = {
    **functions.REDUCERS,
    **variables.REDUCERS,
    **weak.REDUCERS,
    **views.REDUCERS,
    parts.Portion: parts.reduce_portion,
}
_BY_BASE: dict[type, Reducer] = functions.FAMILIES
_found: dict[type, Reducer | None] = {}


def find(kind: type) -> Reducer | None:
    """Return what reduces objects of this type, if anything here does."""
    try:
        return _found[kind]
    except KeyError:
        found = _found[kind] = _search(kind)
        return found
    except TypeError:  # a metaclass whose classes cannot be hashed
        return None


def _search(kind: type) -> Reducer | None:
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    return next((reduce for base, reduce in _BY_BASE.items() if issubclass(kind, base)), None)
