"""A class ↔ its parts."""

from __future__ import annotations

import abc
import enum
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbsubmit.core.definitions import enums, known, parts
from nbsubmit.core.definitions.known import is_importable, is_known

# Told when a class is made: they say what its instances look like, or cannot be set later.
_HEADER = ("__module__", "__orig_bases__", "__firstlineno__", "__static_attributes__")
# Makers that would do more than make an empty class, or refuse to.
_TYPING = ("typing", "typing_extensions")


def reduce_class(kind: type) -> Any:
    """Take a class apart."""
    arguments = (
        known.tracker_of(kind), kind.__name__, type(kind), _maker(type(kind)), kind.__bases__,
        _header(kind),
    )  # fmt: skip
    methods, rest = parts.split(parts.parts_of(kind))
    portions = [parts.Portion(kind, parts.give_methods, methods)]
    if isinstance(kind, enum.EnumMeta):
        members, rest = enums.split(kind, rest)
        portions.append(parts.Portion(kind, enums.give_members, members))
    return make_class, arguments, (*portions, rest), None, None, parts.fill


def _header(kind: type) -> dict[str, Any]:
    own = vars(kind)
    header = {name: own[name] for name in _HEADER if name in own}
    header["__qualname__"] = kind.__qualname__
    if isinstance(own.get("__dict__"), property):
        header["__dict__"] = own["__dict__"]
    if "__slots__" in own:
        header["__slots__"] = _slots(kind)
    return header


def _slots(kind: type) -> list[str]:
    """Return the slots that a class really has: what ``__slots__`` names may be used up."""
    own = vars(kind)
    members = [
        value.__name__
        for value in own.values()
        if isinstance(value, types.MemberDescriptorType) and value.__objclass__ is kind
    ]
    special = [name for name in ("__dict__", "__weakref__") if name in own]
    return members + special


def _maker(metaclass: type) -> type:
    """Return the nearest metaclass that is not the notebook's own: it makes the class."""
    maker = next(base for base in metaclass.__mro__ if is_importable(base))
    if maker.__module__ in _TYPING:
        return abc.ABCMeta if issubclass(maker, abc.ABCMeta) else type
    return maker


def make_class(
    tracker: str,
    name: str,
    metaclass: Any,
    maker: Any,
    bases: tuple[type, ...],
    header: dict[str, Any],
) -> type:
    """Return the class that is known by this id, or make it, empty."""
    found = known.find(tracker)
    if found is None:
        found = known.adopt(tracker, header["__qualname__"])
    if found is None:
        made = _make(name, metaclass, maker, bases, header)
        found = known.remember(tracker, made)
        if found is made:
            parts.note_empty(made)
    return found  # type: ignore[no-any-return]


def _make(
    name: str, metaclass: Any, maker: Any, bases: tuple[type, ...], header: dict[str, Any]
) -> type:
    namespace = maker.__prepare__(name, bases)
    namespace.update(header)
    with _without_hooks(bases):
        made: type = maker.__new__(metaclass, name, bases, namespace)
        maker.__init__(made, name, bases, namespace)
    return made


@contextmanager
def _without_hooks(bases: tuple[type, ...]) -> Iterator[None]:
    """Keep the notebook's ``__init_subclass__`` from running: a class built again is not new."""
    ancestors = dict.fromkeys(kind for base in bases for kind in base.__mro__)
    hooks = {
        kind: vars(kind)["__init_subclass__"]
        for kind in ancestors
        if "__init_subclass__" in vars(kind) and is_known(kind)
    }
    for kind in hooks:
        type.__setattr__(kind, "__init_subclass__", classmethod(_passing_on(kind)))
    try:
        yield
    finally:
        for kind, hook in hooks.items():
            type.__setattr__(kind, "__init_subclass__", hook)


def _passing_on(kind: Any) -> Any:
    def __init_subclass__(made: type) -> None:  # noqa: N807 - stands in for it
        super(kind, made).__init_subclass__()

    return __init_subclass__
