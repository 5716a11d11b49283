"""Aliases: which named objects an expression's value may be, or be a part of.

``a = d["k"]`` makes ``a`` an alias of ``d``: changing what ``a`` names changes ``d``. Names are
kept as keys, a global under its own name and a local as ``number.name`` of its scope.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from nbsubmit.core.names.bindings import COMPREHENSIONS, target_names
from nbsubmit.core.names.text import words

# Builtins whose result is, or holds, what they are given.
PASSING = words(
    "dict enumerate filter frozenset getattr iter list map max memoryview min next reversed set"
    " sorted tuple vars zip"
)


class Aliases:
    """Which key may share an object with which others, at any time of the cell."""

    def __init__(self) -> None:
        self._sources: dict[str, set[str]] = {}

    def add(self, key: str, sources: Iterable[str]) -> None:
        """Note that `key` may name a part of what `sources` name."""
        known = self._sources.setdefault(key, set())
        known.update(sources)

    def of(self, key: str) -> frozenset[str]:
        """Return what the key was directly taken from."""
        return frozenset(self._sources.get(key, ()))

    def reach(self, keys: Iterable[str]) -> set[str]:
        """Return the keys, and all that they may have been taken from, by any number of steps."""
        reached: set[str] = set()
        todo = list(keys)
        while todo:
            key = todo.pop()
            if key not in reached:
                reached.add(key)
                todo.extend(self._sources.get(key, ()))
        return reached


def roots(node: ast.AST) -> Iterator[ast.Name]:
    """Yield the names whose object the value of an expression may be a part of.

    A method's result counts as a part of its object (``d.get("k")``), any other call's does not.
    """
    todo = [node]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name):
            yield node
        elif isinstance(node, COMPREHENSIONS):
            yield from _comprehension_roots(node)
        else:
            todo.extend(_parts(node))


def _parts(node: ast.AST) -> Iterable[ast.AST]:
    if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred, ast.Await, ast.NamedExpr)):
        return [node.value]
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return [node.func.value]
        if isinstance(node.func, ast.Name) and node.func.id in PASSING:
            return node.args
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return node.elts
    elif isinstance(node, (ast.Dict, ast.BoolOp)):
        return node.values
    elif isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    return []


def _comprehension_roots(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
) -> Iterator[ast.Name]:
    """Yield the roots outside of the comprehension: its targets stand for what they run over."""
    hidden = {name for part in node.generators for name in target_names(part.target)}
    element = node.value if isinstance(node, ast.DictComp) else node.elt
    names = list(roots(element))
    if any(name.id in hidden for name in names):
        names += [name for part in node.generators for name in roots(part.iter)]
    yield from (name for name in names if name.id not in hidden)
