"""Which names of the notebook the code needs that runs when a value is loaded.

To build an instance again may call its ``__setstate__``; to put it into a dictionary calls its
``__hash__``. What these look up has to be there by then.
"""

from __future__ import annotations

import copyreg
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbsubmit.core.definitions.known import globals_of, is_class, is_importable

_HOOKS = frozenset(
    [
        "__new__",
        "__setstate__",
        "__reduce__",
        "__reduce_ex__",
        "__hash__",
        "__eq__",
        "__setattr__",
        "__getattr__",
        "__getattribute__",
        "__setitem__",
        "append",
        "extend",
        "add",
        "update",
    ]
)
_NONE: frozenset[str] = frozenset()


def needs_of(kind: type, home: Mapping[str, Any]) -> frozenset[str]:
    """Return the names that may be looked up when an instance of a type is loaded."""
    started: list[Any] = []
    reduce = copyreg.dispatch_table.get(kind)
    if isinstance(reduce, types.FunctionType):
        started.append(reduce)
    if _has_hook(kind):
        started += [kind, type(kind)]
    return frozenset(reached(started, home)) if started else _NONE


def _has_hook(kind: type) -> bool:
    # An exception is made again by calling its class.
    hooks = _HOOKS | {"__init__"} if issubclass(kind, BaseException) else _HOOKS
    own = (vars(base) for base in kind.__mro__ if _is_own(base))
    return any(isinstance(part, _CODE) for parts in own for part in map(parts.get, hooks))


def _is_own(kind: type) -> bool:
    """Tell whether a class travels by value."""
    return kind.__module__ != "builtins" and not is_importable(kind)


_CODE = (types.FunctionType, classmethod, staticmethod, property)


def reached(started: Iterable[Any], home: Mapping[str, Any]) -> set[str]:
    """Return the names that code mentions; what is mentioned is followed in its turn."""
    names: set[str] = set()
    waiting = list(started)
    while waiting:
        for function in _functions(waiting.pop(), set()):
            for name in globals_of(function.__code__):
                if name in home and name not in names:
                    names.add(name)
                    waiting.append(home[name])
    return names


def _functions(value: Any, seen: set[int]) -> Iterator[types.FunctionType]:
    """The functions that a definition consists of, or that a value's type does."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, types.FunctionType):
        yield value
        for cell in value.__closure__ or ():
            yield from _in_cell(cell, seen)
    elif isinstance(value, (classmethod, staticmethod)):
        yield from _functions(value.__func__, seen)
    elif isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from _functions(part, seen)
    else:
        kind = value if is_class(value) else type(value)
        for base in kind.__mro__:
            if _is_own(base):
                for part in vars(base).values():
                    if isinstance(part, _CODE):
                        yield from _functions(part, seen)


def _in_cell(cell: types.CellType, seen: set[int]) -> Iterator[types.FunctionType]:
    try:
        value = cell.cell_contents
    except ValueError:  # not bound yet
        return
    if isinstance(value, _CODE) or is_class(value):
        yield from _functions(value, seen)


def in_order(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """Return names in the order in which they stand, but each after those that it needs."""
    ordered: dict[str, None] = {}
    entered: set[str] = set()

    def enter(name: str) -> None:
        if name in entered:  # there already, or a circle: somebody has to be the first
            return
        entered.add(name)
        for needed in needs:
            if needed in needs[name]:
                enter(needed)
        ordered[name] = None

    for name in needs:
        enter(name)
    return list(ordered)
