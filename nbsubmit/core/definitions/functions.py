"""Things that wrap functions ↔ the functions and what else they are made of."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

from nbsubmit.core.definitions.known import is_importable


def _reduce_cached(function: Any) -> Any:
    """A function with a cache travels with an empty one (cloudpickle issue 178)."""
    name = getattr(function, "__qualname__", None)
    if name is not None and is_importable(function, name):
        return NotImplemented
    attributes = {k: v for k, v in vars(function).items() if k not in _OF_THE_CACHE}
    arguments = (function.__wrapped__, function.cache_parameters())
    return make_cached, arguments, attributes


_OF_THE_CACHE = frozenset({"__wrapped__", "cache_parameters", *functools.WRAPPER_ASSIGNMENTS})


def make_cached(function: Any, parameters: dict[str, Any]) -> Any:
    """Put a cache around a function again."""
    return functools.lru_cache(**parameters)(function)


# The function that singledispatch returns is the same for all; what differs is closed over.
_DISPATCHER = functools.singledispatch(lambda value: value).__code__  # type: ignore[attr-defined]
_OF_THE_DISPATCHER = frozenset({"register", "dispatch", "registry", "_clear_cache", "__wrapped__"})


def is_dispatcher(function: Any) -> bool:
    """Tell whether a function chooses its implementation by the type of its argument."""
    return function.__code__ is _DISPATCHER


def reduce_dispatcher(function: Any) -> Any:
    """Take it apart into the implementations."""
    by_type = dict(function.registry)
    attributes = {k: v for k, v in vars(function).items() if k not in _OF_THE_DISPATCHER}
    state = (list(by_type.items()), attributes)
    return functools.singledispatch, (by_type[object],), state, None, None, restore_dispatcher


def restore_dispatcher(function: Any, state: tuple[list[tuple[type, Any]], dict[str, Any]]) -> None:
    """Register the implementations again."""
    for kind, implementation in state[0]:
        function.register(kind, implementation)
    vars(function).update(state[1])


def _reduce_lazy(lazy: functools.cached_property[Any]) -> Any:
    """Leave the lock behind that it has before Python 3.12."""
    state = {name: value for name, value in vars(lazy).items() if name != "lock"}
    return make_lazy, (type(lazy),), state


def make_lazy(kind: type[functools.cached_property[Any]]) -> functools.cached_property[Any]:
    """Make one that gets its function later."""
    made = kind.__new__(kind)
    if sys.version_info < (3, 12):
        made.lock = threading.RLock()  # type: ignore[attr-defined]
    return made


def _reduce_property(value: property) -> Any:
    """Keep the kind of a property, and what else it has."""
    arguments = (type(value), value.fget, value.fset, value.fdel, value.__doc__)
    return make_property, arguments, vars(value) if hasattr(value, "__dict__") else None


def make_property(kind: type[property], *arguments: Any) -> property:
    """Make a property past the constructor of its kind."""
    made = kind.__new__(kind)
    property.__init__(made, *arguments)
    return made


def _reduce_method(method: Any) -> Any:
    """Keep the kind of a class method or static method, and what else it has."""
    base = classmethod if isinstance(method, classmethod) else staticmethod
    own = {k: v for k, v in vars(method).items() if k not in _OF_THE_METHOD}
    return make_method, (type(method), base, method.__func__), own or None


_OF_THE_METHOD = frozenset({"__wrapped__", "__isabstractmethod__", *functools.WRAPPER_ASSIGNMENTS})


def make_method(kind: Any, base: Any, function: Any) -> Any:
    """Make a class method or static method past the constructor of its kind."""
    made = kind.__new__(kind)
    base.__init__(made, function)
    return made


REDUCERS: dict[type, Callable[[Any], Any]] = {functools._lru_cache_wrapper: _reduce_cached}
# For these and what is derived from them.
FAMILIES: dict[type, Callable[[Any], Any]] = {
    functools.cached_property: _reduce_lazy,
    property: _reduce_property,
    classmethod: _reduce_method,
    staticmethod: _reduce_method,
}
