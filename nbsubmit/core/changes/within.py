"""What a value leads to: the objects that it holds, wraps, encloses or looks at."""

from __future__ import annotations

import functools
import sys
import types
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from nbsubmit.core.origin import MAIN

# A value is looked through from outside in, for so many objects and items of one container.
_MOST = 200
# Whether an object is an item is asked without looking into the items, and so of more of them.
_MOST_ITEMS = 5_000
_PLAIN = (int, float, complex, str, bytes, bool, type(None), range)
# A job and a shell know all of the notebook, and are no way to read what is there.
_KNOW_ALL = ("nbsubmit.", "IPython.", "ipykernel.")
_CONTAINERS = (list, tuple, set, frozenset, deque)
_VIEWS: tuple[type, ...] = (type({}.values()), type({}.items()))


def within(value: Any, most: int = _MOST) -> Iterator[Any]:
    """Yield an object and what it leads to, whatever of that is neither plain nor a module."""
    queue, seen = deque([value]), set[int]()
    while queue and len(seen) < most:
        part = queue.popleft()
        # Asked whether it is anything else, a module that waits to be used would be loaded.
        if issubclass(type(part), (types.ModuleType, *_PLAIN)) or id(part) in seen:
            continue
        if type(part).__module__.startswith(_KNOW_ALL):
            continue
        seen.add(id(part))
        yield part
        queue.extend(islice(_parts(part), most))


def leads_to(value: Any, ids: Collection[int] | Mapping[int, Any]) -> Iterator[int]:
    """Yield which of some objects, by their addresses, a value is, holds or looks at."""
    if isinstance(value, dict):
        value_ids: Iterable[int] = map(id, islice(value.values(), _MOST_ITEMS))
    elif isinstance(value, _CONTAINERS):
        value_ids = map(id, islice(value, _MOST_ITEMS))
    else:
        value_ids = ()
    yield from (number for number in value_ids if number in ids)
    yield from (number for part in within(value) if (number := address_of(part)) in ids)


def address_of(value: Any) -> int:
    """Return where an object lies: of arrays and tensors, which may be views, their memory."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    array, tensor = getattr(numpy, "ndarray", None), getattr(torch, "Tensor", None)
    address = 0
    if array is not None and isinstance(value, array):
        while isinstance(value.base, array):
            value = value.base
        address = value.__array_interface__["data"][0] if value.nbytes else 0
    elif tensor is not None and isinstance(value, tensor):
        with suppress(RuntimeError, NotImplementedError):  # some kinds have no memory of their own
            address = value.untyped_storage().data_ptr()
    return address or id(value)


def _parts(value: Any) -> Iterable[Any]:
    """Return what an object holds or refers to, code of its own included."""
    if isinstance(value, types.FunctionType):
        return _parts_of_function(value)
    if isinstance(value, type):
        return _parts_of_class(value)
    if isinstance(value, types.MethodType):
        return (value.__func__, value.__self__)
    if isinstance(value, types.BuiltinFunctionType):  # `append` of a list
        return (value.__self__,)
    if isinstance(value, (staticmethod, classmethod)):
        return (value.__func__,)
    if isinstance(value, property):
        return (value.fget, value.fset, value.fdel)
    if isinstance(value, functools.partial):
        return (value.func, *value.args, *value.keywords.values())
    if isinstance(value, dict):
        return (*islice(value.values(), _MOST), type(value), *_attributes(value))
    if isinstance(value, _CONTAINERS):
        return (*islice(value, _MOST), type(value), *_attributes(value))
    if isinstance(value, _VIEWS):
        return list(islice(iter(value), _MOST))  # type: ignore[call-overload]
    if isinstance(value, memoryview):
        return (value.obj,)
    return (type(value), *_attributes(value))


def _parts_of_function(function: types.FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not bound
            continue
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield from vars(function).values()


def _parts_of_class(kind: type) -> Iterator[Any]:
    for base in kind.__mro__:
        if base.__module__ == MAIN:
            yield from vars(base).values()


def _attributes(value: Any) -> Iterator[Any]:
    """Yield what an object holds, without running code of its class."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        found = None
    if isinstance(found, dict):
        yield from tuple(found.values())
    for base in type(value).__mro__:
        if base.__module__ == MAIN:
            yield from _slots(value, base)


def _slots(value: Any, kind: type) -> Iterator[Any]:
    for part in vars(kind).values():
        if isinstance(part, types.MemberDescriptorType):
            try:
                yield part.__get__(value)
            except AttributeError:  # not set
                continue
