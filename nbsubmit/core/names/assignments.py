"""Statements that bind, change or delete: assignments, ``del`` and imports."""

from __future__ import annotations

import ast

from nbsubmit.core.names.bindings import import_name
from nbsubmit.core.names.definitions import annotation, function_effects, parameter_values
from nbsubmit.core.names.expressions import assign, change
from nbsubmit.core.names.scopes import Kind
from nbsubmit.core.names.walker import Visits, Walker


def _assign(walker: Walker, node: ast.Assign) -> None:
    if isinstance(node.value, ast.Lambda) and all(isinstance(t, ast.Name) for t in node.targets):
        _bind_lambda(walker, node.targets, node.value)
        return
    walker.visit(node.value)
    sources = walker.keys(node.value)
    for target in node.targets:
        assign(walker, target, sources)


def _bind_lambda(walker: Walker, targets: list[ast.expr], value: ast.Lambda) -> None:
    """Bind a lambda to names, just as ``def`` would."""
    parameter_values(walker, value.args)
    bodies = frozenset([function_effects(walker, value, walker.scope)])
    for target in targets:
        if isinstance(target, ast.Name):
            walker.bind(target.id, bodies)


def _augmented(walker: Walker, node: ast.AugAssign) -> None:
    target = node.target
    if isinstance(target, ast.Name):
        walker.load(target.id, walker.line(target))
        walker.visit(node.value)
        # `a += b` changes a list in place, and with it what `a` was taken from.
        walker.effects.mutates |= walker.cell.aliases.of(walker.key(target.id))
        walker.store(target.id)
    else:
        change(walker, target)
        walker.visit(node.value)


def _annotated(walker: Walker, node: ast.AnnAssign) -> None:
    target = node.target
    if isinstance(node.value, ast.Lambda) and isinstance(target, ast.Name):
        _bind_lambda(walker, [target], node.value)
    elif node.value is not None:
        walker.visit(node.value)
        assign(walker, target, walker.keys(node.value))
    elif not isinstance(target, ast.Name):
        walker.children(target)
    # Python never evaluates the annotations of a function's local variables.
    if walker.scope.kind is not Kind.FUNCTION:
        annotation(walker, node.annotation)


def _delete(walker: Walker, node: ast.Delete) -> None:
    todo = list(node.targets)
    while todo:
        target = todo.pop(0)
        if isinstance(target, ast.Name):
            walker.delete(target.id, walker.line(target))
        elif isinstance(target, (ast.Tuple, ast.List)):
            todo[:0] = target.elts
        else:
            change(walker, target)


def _import(walker: Walker, node: ast.Import) -> None:
    for alias in node.names:
        _bind_import(walker, import_name(alias))


def _import_from(walker: Walker, node: ast.ImportFrom) -> None:
    if node.module == "__future__":
        return
    for alias in node.names:
        if alias.name == "*":
            _import_star(walker, node.module or "")
        else:
            _bind_import(walker, alias.asname or alias.name)


def _import_star(walker: Walker, module: str) -> None:
    """Bind what the module is known to hold; if that is unknown, anything may be bound now."""
    walker.effects.stars.add(module)
    names = walker.cell.star_names(module) if walker.cell.star_names else None
    if names is None:
        walker.state.starred = True
        for trail in walker.trails:
            trail.starred = True
    else:
        for name in names:
            _bind_import(walker, name)


def _bind_import(walker: Walker, name: str) -> None:
    walker.store(name)
    key = walker.key(name)
    walker.effects.imports.add(key)


def _declaration(_walker: Walker, _node: ast.AST) -> None:
    """Pass over ``global`` and ``nonlocal``: the scopes know them already."""


VISITS: Visits = {
    ast.Assign: _assign,
    ast.AugAssign: _augmented,
    ast.AnnAssign: _annotated,
    ast.Delete: _delete,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Global: _declaration,
    ast.Nonlocal: _declaration,
}
