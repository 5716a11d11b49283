"""A changed copy → the object itself, so that all who refer to it here see the change.

A cell that appends to a list has appended to it for every name, container and view that the list is
known by. So the object takes the content of the copy that came back, where its type allows it.
"""

from __future__ import annotations

import collections
import random
import struct
import sys
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

_HEAP_TYPE = 1 << 9
# A copy of this size is mapped in no time, and takes memory and time to be copied once more.
_LARGE = 1 << 20


def revise(old: Any, new: Any) -> bool:
    """Give an object the content of a changed copy; tell whether its type allows it."""
    if type(old) is not type(new):
        return False
    for kind, how in _HOW.items():
        if isinstance(old, kind):
            how(old, new)
            _take_attributes(old, new)
            return True
    if is_of(old, "numpy", "ndarray"):
        return _revise_array(old, new)
    if is_of(old, "numpy.random._generator", "Generator"):
        return _revise_generator(old, new)
    if _is_plain(type(old)):
        _take_attributes(old, new)
        return True
    return False


def _revise_list(old: Any, new: Any) -> None:
    old[:] = new


def _revise_dict(old: Any, new: Any) -> None:
    dict.clear(old)
    dict.update(old, new)


def _revise_order(old: Any, new: Any) -> None:
    """Fill an ordered dictionary by its own methods: it keeps a list of its keys besides."""
    collections.OrderedDict.clear(old)
    for key in new:
        collections.OrderedDict.__setitem__(old, key, new[key])


def _revise_set(old: Any, new: Any) -> None:
    set.clear(old)
    set.update(old, new)


def _revise_deque(old: Any, new: Any) -> None:
    old.clear()
    old.extend(new)


def _revise_random(old: Any, new: Any) -> None:
    old.setstate(new.getstate())


_HOW: dict[type, Callable[[Any, Any], None]] = {
    list: _revise_list,
    bytearray: _revise_list,
    collections.OrderedDict: _revise_order,
    dict: _revise_dict,
    set: _revise_set,
    collections.deque: _revise_deque,
    random.Random: _revise_random,
}


def _revise_array(old: Any, new: Any) -> bool:
    if not old.flags.writeable or (old.dtype, old.shape) != (new.dtype, new.shape):
        return False
    old[...] = new
    return True


def _revise_generator(old: Any, new: Any) -> bool:
    if type(old.bit_generator) is not type(new.bit_generator):
        return False
    old.bit_generator.state = new.bit_generator.state
    return True


def _is_plain(kind: type) -> bool:
    """Tell whether all that an instance is lies in its attributes, none of it in C."""
    if issubclass(kind, (type, BaseException)):
        return False
    if not all(base is object or base.__flags__ & _HEAP_TYPE for base in kind.__mro__):
        return False
    # At most a dictionary, a list of weak references, and the slots.
    words = 2 + len(_slots(kind))
    return kind.__basicsize__ <= object.__basicsize__ + words * struct.calcsize("P")


def _slots(kind: type) -> list[types.MemberDescriptorType]:
    return [
        member
        for base in kind.__mro__
        for member in base.__dict__.values()
        if isinstance(member, types.MemberDescriptorType)
    ]


def _take_attributes(old: Any, new: Any) -> None:
    attributes = getattr(old, "__dict__", None)
    if attributes is not None:
        attributes.clear()
        attributes.update(new.__dict__)
    for slot in _slots(type(old)):
        try:
            slot.__set__(old, slot.__get__(new))
        except AttributeError:  # not bound in the copy
            with suppress(AttributeError):
                slot.__delete__(old)


def is_large(value: Any) -> bool:
    """Tell whether a value is an array that is better bound than copied."""
    return is_of(value, "numpy", "ndarray") and value.nbytes >= _LARGE


def is_of(value: Any, module: str, name: str) -> bool:
    """Tell whether a value is of this very type, without loading the module."""
    return (type(value).__module__, type(value).__name__) == (module, name)


def is_view(value: Any) -> bool:
    """Tell whether an array looks at the memory of another one."""
    return isinstance(value.base, type(value))


def references(holder: Mapping[str, Any], name: str) -> int:
    """Return how many references there are to an object, that of its holder included."""
    return sys.getrefcount(holder[name]) - _OF_THE_CALL


# How a call counts in the number of references differs between releases of Python.
_OF_THE_CALL = 0
_OF_THE_CALL = references({"probe": object()}, "probe") - 1
