"""A function call on its way, beside the cell: another kind of payload, not another way."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from nbsubmit.core.record import dataclass

# The value in a bundle that is called: function, arguments, keyword arguments.
CALL = "<call>"
# What several calls of an array share, as a list.
SHARED = "<shared>"


class Calls(Protocol):
    """A function and what it is to be called with."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Call:
    """What is known of a call, or of the calls of an array, from the start.

    Attributes
    ----------
    name : str
        The function's name, for people.
    """

    name: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Call:
        """Return what `to_json` wrote."""
        return cls(**data)


def name_of(function: Any) -> str:
    """Return what people call a function, or whatever else can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return str(name).rpartition("<locals>.")[2]
