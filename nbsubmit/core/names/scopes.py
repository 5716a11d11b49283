"""Scopes: to whom a name belongs that stands at some place in the code.

Python's own rules: functions see the functions around them, never the classes; a class sees its own
names only while its body runs; comprehensions hide their targets; ``__x`` in class ``C`` is
``_C__x``.
"""

from __future__ import annotations

import enum
import itertools

from nbsubmit.core.names.bindings import Bindings


class Kind(enum.Enum):
    """What opens the scope."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    COMPREHENSION = "comprehension"
    TYPES = "type parameters"  # PEP 695; unlike a function it sees the class around it


class Scope:
    """One block's names, and the way outwards."""

    def __init__(
        self, kind: Kind, parent: Scope | None, bound: Bindings, class_name: str | None = None
    ) -> None:
        self.kind = kind
        self.parent = parent
        self.counter: itertools.count[int] = parent.counter if parent else itertools.count(1)
        self.number = next(self.counter)
        inherited: str = parent.private if parent else ""
        self.private: str = inherited if class_name is None else class_name.lstrip("_")
        self.names = {self.mangle(name) for name in bound.local_names}
        self.global_names = {self.mangle(name) for name in bound.global_names}
        self._owners: dict[str, Scope | None] = {}

    @classmethod
    def module(cls) -> Scope:
        """Return the notebook's scope: every name in it is global."""
        return cls(Kind.MODULE, None, Bindings())

    def child(self, kind: Kind, bound: Bindings, class_name: str | None = None) -> Scope:
        """Return a scope inside this one."""
        return Scope(kind, self, bound, class_name)

    @property
    def root(self) -> Scope:
        """The notebook's scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def home(self) -> Scope:
        """Where a walrus binds: comprehensions are passed over."""
        scope = self
        while scope.kind is Kind.COMPREHENSION and scope.parent is not None:
            scope = scope.parent
        return scope

    def mangle(self, name: str) -> str:
        """Return the name as the compiler spells it inside a class."""
        if self.private and name.startswith("__") and not name.endswith("__"):
            return f"_{self.private}{name}"
        return name

    def owner(self, name: str) -> Scope | None:
        """Return the scope that a (mangled) name belongs to; None if it is global."""
        if self.kind is Kind.MODULE:
            return None
        try:
            return self._owners[name]
        except KeyError:
            owner = self._owners[name] = self._find(name)
            return owner

    def key(self, name: str) -> str:
        """Return what a name of this scope is called among all scopes; no identifier looks so."""
        return f"{self.number}.{name}"

    def _find(self, name: str) -> Scope | None:
        scope: Scope | None = self
        hidden = False
        while scope is not None:
            if scope.kind is Kind.CLASS and hidden:
                if name == "__class__":  # every method has it, with or without super()
                    return self
            elif name in scope.global_names:
                return None
            elif name in scope.names:
                return scope
            hidden = hidden or scope.kind is not Kind.TYPES
            scope = scope.parent
        return None
