"""What a stretch of code does to global names: of the cell itself, or of one function's body.

A function's effects are collected once, when its definition is met, and take place each time
somebody may call it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


# Compared by identity: two functions with the same effects are still two.
@dataclass(eq=False)
class Effects:
    """Everything that running the code may do to names of the notebook.

    `mutates` and `escapes` hold alias keys (see `aliases`), for a function may change a global
    through a local name; all else holds plain global names.
    """

    reads: dict[str, bool] = field(default_factory=dict)  # name -> surely the kernel's?
    lines: dict[str, int] = field(default_factory=dict)
    stores: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    # Bound by an ``except … as`` clause, and gone after it.
    handled: set[str] = field(default_factory=set)
    # Stored or deleted by code that may run at any later time: their end is never certain.
    loose: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    escapes: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    stars: set[str] = field(default_factory=set)
    dynamic: dict[str, None] = field(default_factory=dict)  # a set that keeps its order

    def read(self, name: str, line: int, sure: bool) -> None:
        """Note one read; a sure one outweighs all doubtful ones, before and after it."""
        if name not in self.reads:
            self.reads[name] = sure
            self.lines[name] = line
        elif sure:
            self.reads[name] = True

    def charge(self, other: Effects) -> None:
        """Add what `other` does, except its reads: those depend on the moment it runs."""
        self.stores |= other.stores
        self.deletes |= other.deletes
        self.handled |= other.handled
        self.loose |= other.stores | other.deletes
        self.imports |= other.imports
        self.mutates |= other.mutates
        self.escapes |= other.escapes
        self.calls |= other.calls
        self.stars |= other.stars
        self.dynamic.update(other.dynamic)
