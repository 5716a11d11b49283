"""An enum's members ↔ their parts.

The enum's own ``__new__`` and ``__init__`` have made them once, in the notebook, from what the
class says; here each is built from what has become of it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from nbsubmit.core.definitions import parts
from nbsubmit.core.definitions.known import is_importable
from nbsubmit.core.record import dataclass

_MAPS = ("_member_map_", "_value2member_map_")
# What a member is, and not what it was given.
_OF_ITSELF = frozenset({"_value_", "_name_", "__objclass__", "_sort_order_"})


@dataclass(frozen=True)
class Members:
    """The members of an enum.

    Attributes
    ----------
    made : list of (type, tuple, dict)
        Of each member: the type that allocates it, with what arguments, and its attributes.
    names : dict
        Name → number of the member.
    values : list of (object, int)
        Value → number of the member.
    attributes : dict
        Attribute of the class → number of the member that it is.
    """

    made: list[tuple[type, tuple[Any, ...], dict[str, Any]]]
    names: dict[str, int]
    values: list[tuple[Any, int]]
    attributes: dict[str, int]


def split(kind: enum.EnumMeta, rest: Mapping[str, Any]) -> tuple[Members, dict[str, Any]]:
    """Take the members out of a class's parts."""
    by_name: Mapping[str, Any] = kind._member_map_
    members = list({id(member): member for member in by_name.values()}.values())
    numbers = {id(member): number for number, member in enumerate(members)}
    found = Members(
        [_take_apart(kind, member) for member in members],
        {name: numbers[id(member)] for name, member in by_name.items()},
        [
            (value, numbers[id(member)])
            for value, member in kind._value2member_map_.items()
            if id(member) in numbers  # the others are combinations, made when they are asked for
        ],
        {name: numbers[id(part)] for name, part in rest.items() if id(part) in numbers},
    )
    left = {n: v for n, v in rest.items() if n not in _MAPS and n not in found.attributes}
    return found, left


def given(kind: type) -> dict[str, Any]:
    """Return what the members of an enum have been given, as a part of it; of others nothing."""
    if not isinstance(kind, enum.EnumMeta):
        return {}
    found = {
        name: {key: value for key, value in vars(member).items() if key not in _OF_ITSELF}
        for name, member in kind._member_map_.items()
    }
    return {parts.OF_MEMBERS: found}


def _take_apart(kind: enum.EnumMeta, member: Any) -> tuple[type, tuple[Any, ...], dict[str, Any]]:
    holder: type = kind._member_type_  # type: ignore[attr-defined]
    allocator = next(base for base in holder.__mro__ if is_importable(base))
    # A tuple's own way takes its elements apart for a __new__ of the notebook.
    arguments = (tuple(member),) if allocator is tuple else _arguments(allocator, member)
    return allocator, arguments, dict(vars(member))


def _arguments(allocator: type, member: Any) -> tuple[Any, ...]:
    if allocator is object:
        return ()
    reduced: Any = object.__reduce_ex__(member, 4)
    # By its constructor, or by copyreg's __newobj__, whose first argument is the class.
    return tuple(reduced[1]) if reduced[0] is type(member) else tuple(reduced[1][1:])


def give_members(kind: Any, members: Members) -> None:
    """Build the members and give them to their class."""
    if not parts.is_empty(kind):
        return
    made = [_build(kind, *member) for member in members.made]
    found: dict[str, Any] = {name: made[number] for name, number in members.attributes.items()}
    found["_member_map_"] = {name: made[number] for name, number in members.names.items()}
    found["_value2member_map_"] = {value: made[number] for value, number in members.values}
    parts.set_parts(kind, found)


def _build(
    kind: Any, allocator: Any, arguments: tuple[Any, ...], attributes: dict[str, Any]
) -> Any:
    member = allocator.__new__(kind, *arguments)
    vars(member).update(attributes)
    return member


def reduce_member(member: enum.Enum) -> Any:
    """Have a member found by its name; what is but a combination of members goes by its value."""
    name: Any = getattr(member, "_name_", None)  # a combination has none before Python 3.11
    kind = type(member)
    if kind._member_map_.get(name) is not member or is_importable(kind):
        return NotImplemented
    return member_of, (kind, name)


def member_of(kind: type[enum.Enum], name: str) -> enum.Enum:
    """Return the member of this name."""
    return kind._member_map_[name]
