"""Which names a block of code binds: what makes a name local to its function or class.

Only the block itself is read, not the functions and classes inside it: they have blocks of their
own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# PEP 695 came with Python 3.12.
TYPE_ALIAS: type[ast.AST] | None = getattr(ast, "TypeAlias", None)


@dataclass
class Bindings:
    """The names that one block binds, and those that it says belong elsewhere."""

    names: set[str] = field(default_factory=set)
    global_names: set[str] = field(default_factory=set)
    nonlocal_names: set[str] = field(default_factory=set)

    @property
    def local_names(self) -> set[str]:
        """Names that live in this block."""
        return self.names - self.global_names - self.nonlocal_names


def bindings(block: Iterable[ast.AST], arguments: ast.arguments | None = None) -> Bindings:
    """Return what a block binds; `arguments` are bound too."""
    found = Bindings()
    if arguments is not None:
        found.names.update(argument_names(arguments))
    todo = list(block)
    while todo:
        node = todo.pop()
        _note(node, found)
        todo.extend(_parts(node))
    return found


def argument_names(arguments: ast.arguments) -> list[str]:
    """Return the names of all parameters."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
    return [argument.arg for argument in every]


def target_names(target: ast.AST) -> set[str]:
    """Return the names that an assignment's target binds."""
    return {
        node.id
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def import_name(alias: ast.alias) -> str:
    """Return what an import binds: ``import a.b`` binds ``a``."""
    return alias.asname or alias.name.split(".")[0]


def _note(node: ast.AST, found: Bindings) -> None:
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            found.names.add(node.id)
    elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        found.names.add(node.name)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        found.names.update(import_name(alias) for alias in node.names)
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        if node.name:
            found.names.add(node.name)
    elif isinstance(node, ast.MatchMapping):
        if node.rest:
            found.names.add(node.rest)
    elif isinstance(node, ast.Global):
        found.global_names.update(node.names)
    elif isinstance(node, ast.Nonlocal):
        found.nonlocal_names.update(node.names)


def _parts(node: ast.AST) -> Iterable[ast.AST]:
    """Yield the parts of a node that belong to the same block as the node."""
    if isinstance(node, (*FUNCTIONS, ast.Lambda)):
        # Parameters are the inner block's; a default may hold a walrus of ours.
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        return defaults if isinstance(node, ast.Lambda) else [*node.decorator_list, *defaults]
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    if isinstance(node, ast.comprehension):
        # The target is the comprehension's own; a walrus inside belongs to us.
        return [node.iter, *node.ifs]
    if TYPE_ALIAS is not None and isinstance(node, TYPE_ALIAS):
        name: ast.AST = node.name  # type: ignore[attr-defined]
        return [name]
    return ast.iter_child_nodes(node)
