"""Well-known kinds of data: what changes an object of each, and what gives a part of it."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from typing import Any

from nbsubmit.core.origin import MAIN, root_of

# Steps that lead from an object to what is done to it: to the object itself, to one of its items.
WHOLE, ITEM = "", "[]"


@dataclass(frozen=True)
class Kind:
    """A kind of data whose methods are known.

    Attributes
    ----------
    changing : frozenset of str
        The methods that change an object.
    parts : frozenset of str
        Steps to parts that it shares with whoever takes them: a list's items, an array's views.
    """

    changing: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()


def _kind(changing: str = "", parts: str = "") -> Kind:
    return Kind(frozenset(changing.split()), frozenset({WHOLE, *parts.split()}))


_MAPPING = _kind("clear pop popitem setdefault update", "[] get items pop setdefault values")
# Parts of a frame are copies: what changes them leaves the frame alone.
_FRAME = _kind("insert pop update", "values")
_ITEMS = _kind(parts="[]")
KINDS = {
    "builtins.list": _kind("append clear extend insert pop remove reverse sort", "[] pop"),
    "builtins.dict": _MAPPING,
    "builtins.set": _kind(
        "add clear difference_update discard intersection_update pop remove "
        "symmetric_difference_update update",
        "[] pop",
    ),
    "builtins.bytearray": _kind("append clear extend insert pop remove reverse"),
    "builtins.tuple": _ITEMS,
    "builtins.frozenset": _ITEMS,
    "collections.deque": _kind(
        "append appendleft clear extend extendleft insert pop popleft remove reverse rotate",
        "[] pop popleft",
    ),
    "numpy.ndarray": _kind(
        "fill itemset partition put resize setfield setflags sort",
        "[] T diagonal flat imag ravel real reshape squeeze swapaxes transpose view",
    ),
    "pandas.DataFrame": _FRAME,
    "pandas.Series": _FRAME,
}
CHANGING = frozenset().union(*(kind.changing for kind in KINDS.values()))
PARTS = frozenset().union(*(kind.parts for kind in KINDS.values()))
_FIXED = (
    int, float, complex, str, bytes, bool, type(None), range,
    types.BuiltinFunctionType, types.ModuleType,
)  # fmt: skip
# By these an object shows that it learns or draws numbers, and so is changed by what it is handed
# to: estimators, modules and optimisers; generators of random numbers.
_LEARNING = ("fit", "state_dict", "bit_generator", "get_state", "getstate")


def is_fixed(value: Any) -> bool:
    """Tell whether an object cannot change."""
    return issubclass(type(value), _FIXED)


def kind_of(value: Any) -> Kind | None:
    """Return the well-known kind of an object, if it is of one."""
    for base in type(value).__mro__:
        if base.__module__ == MAIN:  # its methods are its own
            return None
        found = KINDS.get(f"{root_of(base.__module__)}.{base.__qualname__}")
        if found is not None:
            return found
    return None


def learns(value: Any) -> bool:
    """Tell whether an object is changed by whatever it is handed to."""
    return not is_fixed(value) and any(hasattr(type(value), name) for name in _LEARNING)


def methods_of_data() -> frozenset[str]:
    """Return the methods of those kinds of plain data that this process knows."""
    found = set(dir(str))
    for kind in KINDS:
        module, _, name = kind.partition(".")
        found |= set(dir(getattr(sys.modules.get(module), name, object)))
    return frozenset(found)
