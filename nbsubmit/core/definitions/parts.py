"""What a class consists of, and giving a class these parts.

A class is first made empty, then gets its methods, then everything else: its other attributes may
hold its own instances, and building those may need its methods. A class that is there already, for
this process has met it before, is left as it is.
"""

from __future__ import annotations

import abc
import functools
import importlib
import sys
import types
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from nbsubmit.core.record import dataclass

# Stands among the parts of an abstract class for the classes that were registered with it.
REGISTERED = "<registered>"
# Stands among the changed parts of an enum for what its members have been given, by their names.
OF_MEMBERS = "<of members>"
# What Python itself keeps in a class, and what is told when the class is made.
_PYTHONS_OWN = frozenset(
    [
        "__module__",
        "__qualname__",
        "__orig_bases__",
        "__firstlineno__",
        "__static_attributes__",
        "_abc_impl",
        "__slotnames__",
        "__annotate_func__",
        "__annotations_cache__",
        "__annotate__",
    ]
)
_METHODS = (
    types.FunctionType, classmethod, staticmethod, property,
    functools.partialmethod, functools.cached_property, functools.singledispatchmethod,
)  # fmt: skip

# The classes that are made and not yet filled, by `id`.
_empty: dict[int, type] = {}
# Those that this process has made, by `id`.
_built: weakref.WeakValueDictionary[int, type] = weakref.WeakValueDictionary()


def parts_of(kind: type) -> dict[str, Any]:
    """Return a class's own attributes, but for those that are made together with the class."""
    parts = {name: value for name, value in vars(kind).items() if _is_part(kind, name, value)}
    annotations = annotations_of(kind)
    parts.pop("__annotations__", None)
    if annotations:
        parts["__annotations__"] = annotations
    if isinstance(kind, abc.ABCMeta):
        registered = [found for ref in abc._get_dump(kind)[0] if (found := ref()) is not None]  # type: ignore[attr-defined]
        if registered:
            parts[REGISTERED] = registered
    return parts


def _is_part(kind: type, name: str, value: Any) -> bool:
    if name in _PYTHONS_OWN:
        return False
    if isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType)):
        return value.__objclass__ is not kind
    # Protocols make this one for themselves.
    return name != "__subclasshook__" or getattr(value, "__module__", None) != "typing"


def annotations_of(definition: Any) -> dict[str, Any]:
    """Return the annotations of a class or function as far as they can be told now."""
    if sys.version_info >= (3, 14):
        annotationlib = importlib.import_module("annotationlib")
        found = annotationlib.get_annotations(definition, format=annotationlib.Format.FORWARDREF)
        # A reference that cannot be resolved holds on to the scope it was made in.
        return {
            name: value.__forward_arg__ if isinstance(value, annotationlib.ForwardRef) else value
            for name, value in found.items()
        }
    if isinstance(definition, type):
        return dict(vars(definition).get("__annotations__") or {})
    # The very dictionary: what functools.wraps has made shares it with what it wraps.
    return definition.__annotations__  # type: ignore[no-any-return]


def split(parts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the methods and the rest."""
    methods = {name: value for name, value in parts.items() if isinstance(value, _METHODS)}
    return methods, {name: value for name, value in parts.items() if name not in methods}


def set_part(kind: type, name: str, value: Any) -> None:
    """Give a class a part, past any code of its metaclass."""
    if name == REGISTERED:
        for registered in value:
            abc.ABCMeta.register(kind, registered)  # type: ignore[arg-type]
    elif name == OF_MEMBERS:
        for member, attributes in value.items():
            vars(vars(kind)["_member_map_"][member]).update(attributes)
    else:
        type.__setattr__(kind, name, value)


def set_parts(kind: type, parts: Mapping[str, Any]) -> None:
    """Give a class several."""
    for name, value in parts.items():
        set_part(kind, name, value)


# While a class is made


def note_empty(kind: type) -> None:
    """Note that a class was made and is to be filled."""
    _empty[id(kind)] = kind
    _built[id(kind)] = kind


def is_built(kind: type) -> bool:
    """Tell whether this process has made a class from its parts."""
    return _built.get(id(kind)) is kind


def is_empty(kind: type) -> bool:
    """Tell whether a class is still to be filled."""
    return _empty.get(id(kind)) is kind


def fill(kind: type, state: tuple[Any, ...]) -> None:
    """Give a class the last of its parts, unless it has them all."""
    if is_empty(kind):
        set_parts(kind, state[-1])
        del _empty[id(kind)]


@dataclass(frozen=True)
class Portion:
    """Parts that a class is to get before the others are loaded.

    Attributes
    ----------
    kind : type
        The class.
    give : callable
        Gives them, if the class is still to be filled.
    parts : object
        What they are.
    """

    kind: type
    give: Callable[[type, Any], None]
    parts: Any


def reduce_portion(portion: Portion) -> Any:
    """Have the parts given as soon as they are loaded."""
    return portion.give, (portion.kind, portion.parts)


def give_methods(kind: type, methods: Mapping[str, Any]) -> None:
    """Give a class its methods."""
    if is_empty(kind):
        set_parts(kind, methods)
