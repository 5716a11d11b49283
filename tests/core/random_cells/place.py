"""The names that random cells use, and what may be written at which place."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

# Which Python this is, for syntax that others do not have.
VERSION = sys.version_info[:2]
# The cell's own lines mention few values and functions' bodies many, so that most of what a body
# reads is read nowhere else: needless reads must not hide missing ones.
VALUES: list[str] = [f"v{number}" for number in range(30)]
FEW = VALUES[:10]
FUNCTIONS: list[str] = [*"fghijk"]
# What `__m` means inside the classes of these names.
MANGLED: list[str] = [f"_{name}__m" for name in FUNCTIONS]
NAMES = [*VALUES, *FUNCTIONS, *MANGLED]
# What ``from somewhere import *`` binds.
STARRED = ["v1", "f"]
LOCALS: list[str] = [*"pq"]


@dataclass(frozen=True)
class Place:
    """Where a statement stands, which decides what may be written there."""

    depth: int = 0
    nesting: int = 0  # of expressions
    loop: bool = False
    function: bool = False
    class_body: bool = False
    awaits: bool = True  # the cell itself may await
    yields: bool = False
    returns: bool = False
    handler: bool = False
    hidden: tuple[str, ...] = ()  # comprehension targets, which a walrus may not bind
    outer: tuple[str, ...] = ()  # locals of the function around

    def deeper(self, **changes: Any) -> Place:
        """Return the place inside a block that begins here."""
        return self.with_(depth=self.depth + 1, nesting=0, **changes)

    def nested(self) -> Place:
        """Return the place inside an expression that begins here."""
        return self.with_(nesting=self.nesting + 1)

    def with_(self, **changes: Any) -> Place:
        """Return the place with something else about it."""
        return Place(**{**vars(self), **changes})
