"""The walk through a cell in execution order.

What each piece of syntax does to names is told by the modules that fill `visits`: expressions,
calls, assignments, definitions, branches and loops. One walker goes through the cell; each
function's body gets one of its own, whose effects take place wherever the function may be called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nbsubmit.core.names.cell import Cell
from nbsubmit.core.names.events import Events
from nbsubmit.core.names.scopes import Scope
from nbsubmit.core.names.state import Trail, join

Visit = Callable[["Walker", Any], None]
Visits = Mapping[type[ast.AST], Visit]


@dataclass(frozen=True)
class Lines:
    """How a node's line number becomes one of the source: nested texts start elsewhere."""

    shift: int = 0
    fixed: int | None = None


class Walker(Events):
    """Goes through one block of code.

    Parameters
    ----------
    cell : Cell
        What the whole analysis shares.
    visits : mapping
        What to do for each type of syntax node.
    scope : Scope
        Where the block stands.
    lines : Lines
        Where in the source the block's first line is.
    """

    def __init__(self, cell: Cell, visits: Visits, scope: Scope, lines: Lines) -> None:
        super().__init__(cell, scope)
        self.visits = visits
        self.lines = lines
        self.raises = 0  # raise statements met

    def visit(self, node: ast.AST) -> None:
        """Walk one node."""
        handler = self.visits.get(type(node))
        if handler is not None:
            handler(self, node)
        else:
            self.children(node)

    def children(self, node: ast.AST) -> None:
        """Walk the parts of a node, in the order in which the grammar lists them."""
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    def each(self, nodes: Iterable[ast.AST | None]) -> None:
        """Walk several nodes; None is passed over."""
        for node in nodes:
            if node is not None:
                self.visit(node)

    def block(self, statements: Iterable[ast.AST]) -> None:
        """Walk statements until one of them never goes on to the next."""
        for statement in statements:
            if not self.state.live:
                return
            self.visit(statement)

    def maybe(self, nodes: Iterable[ast.AST]) -> None:
        """Walk nodes in a row, of which any number may run, from none up to all."""
        ends = []
        for node in nodes:
            ends.append(self.state.copy())
            self.visit(node)
        self.state = join([*ends, self.state])

    def line(self, node: ast.AST) -> int:
        """Return the node's line in the source."""
        if self.lines.fixed is not None:
            return self.lines.fixed
        number: int = getattr(node, "lineno", 1)
        return number + self.lines.shift

    @contextmanager
    def inside(self, scope: Scope) -> Iterator[None]:
        """Walk in another scope for a while."""
        outer, self.scope = self.scope, scope
        yield
        self.scope = outer

    @contextmanager
    def trail(self) -> Iterator[Trail]:
        """Note all that happens to names for a while."""
        trail = Trail()
        self.trails.append(trail)
        yield trail
        self.trails.pop()

    @contextmanager
    def reading(self, lines: Lines) -> Iterator[None]:
        """Walk a nested text, whose lines count differently."""
        outer, self.lines = self.lines, lines
        yield
        self.lines = outer
