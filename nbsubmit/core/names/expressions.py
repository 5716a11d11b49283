"""Expressions: in which order their parts run, and which parts may not run at all."""

from __future__ import annotations

import ast

from nbsubmit.core.names.bindings import Bindings, target_names
from nbsubmit.core.names.scopes import Kind
from nbsubmit.core.names.state import join
from nbsubmit.core.names.walker import Visits, Walker

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

# Functions that reach names by text: mentioned without a call, they may be called anywhere.
BY_TEXT = frozenset({"eval", "exec", "globals"})


def assign(walker: Walker, target: ast.AST, sources: set[str]) -> None:
    """Bind a target to a value that may be a part of what the sources name."""
    if isinstance(target, ast.Name):
        walker.store(target.id)
        if sources:
            walker.alias(target.id, sources)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            assign(walker, element, sources)
    elif isinstance(target, ast.Starred):
        assign(walker, target.value, sources)
    else:
        change(walker, target)


def change(walker: Walker, target: ast.AST) -> None:
    """Store into, or delete from, an attribute or subscript."""
    walker.children(target)
    walker.mutate(target)


def truth(test: ast.expr) -> bool | None:
    """Return how a test always ends; None if that is not plain to see."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = truth(test.operand)
        return None if inner is None else not inner
    return None


def _leaf(_walker: Walker, _node: ast.AST) -> None:
    pass


def _name(walker: Walker, node: ast.Name) -> None:
    walker.load(node.id, walker.line(node))
    if (
        node.id in BY_TEXT
        and walker.scope.owner(node.id) is None
        and node.id in walker.effects.reads
    ):
        walker.dynamic(node.id)


def _attribute(walker: Walker, node: ast.Attribute) -> None:
    walker.visit(node.value)
    if node.attr == "user_ns":  # IPython's own handle on the namespace
        walker.dynamic("user_ns")


def _subscript(walker: Walker, node: ast.Subscript) -> None:
    walker.visit(node.value)
    walker.visit(node.slice)


def _elements(walker: Walker, node: ast.Tuple | ast.List | ast.Set) -> None:
    walker.each(node.elts)


def _dict(walker: Walker, node: ast.Dict) -> None:
    for key, value in zip(node.keys, node.values, strict=True):
        walker.each([key, value])


def _binary(walker: Walker, node: ast.BinOp) -> None:
    # A long sum is a chain of left operands, often deeper than Python's stack allows.
    right = [node.right]
    left = node.left
    while isinstance(left, ast.BinOp):
        right.append(left.right)
        left = left.left
    walker.visit(left)
    walker.each(reversed(right))


def _unary(walker: Walker, node: ast.UnaryOp) -> None:
    walker.visit(node.operand)


def _boolean(walker: Walker, node: ast.BoolOp) -> None:
    first, *rest = node.values
    walker.visit(first)
    walker.maybe(rest)


def _compare(walker: Walker, node: ast.Compare) -> None:
    first, *rest = node.comparators
    walker.visit(node.left)
    walker.visit(first)
    walker.maybe(rest)


def _conditional(walker: Walker, node: ast.IfExp) -> None:
    walker.visit(node.test)
    otherwise = walker.state.copy()
    walker.visit(node.body)
    body, walker.state = walker.state, otherwise
    walker.visit(node.orelse)
    walker.state = join([body, walker.state])


def _walrus(walker: Walker, node: ast.NamedExpr) -> None:
    walker.visit(node.value)
    walker.store(node.target.id)
    # `m := b` gives a known object a second name and is left out; `m := d["k"]` takes a part of it.
    if not isinstance(node.value, ast.Name):
        walker.alias(node.target.id, walker.keys(node.value))


def _comprehension(walker: Walker, node: Comprehension) -> None:
    """Walk a comprehension: its body may run not at all, or (a generator's) at any later time."""
    first = node.generators[0]
    walker.visit(first.iter)
    sources = walker.keys(first.iter)
    hidden = set().union(*(target_names(part.target) for part in node.generators))
    scope = walker.scope.child(Kind.COMPREHENSION, Bindings(names=hidden))
    skipped, outer_late = walker.state.copy(), walker.late
    walker.late = outer_late or isinstance(node, ast.GeneratorExp)
    with walker.inside(scope):
        for part in node.generators:
            if part is not first:
                walker.visit(part.iter)
                sources = walker.keys(part.iter)
            assign_inside(walker, part.target, sources)
            walker.each(part.ifs)
        walker.each([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
    walker.late = outer_late
    walker.state = join([skipped, walker.state])


def assign_inside(walker: Walker, target: ast.AST, sources: set[str]) -> None:
    """Bind a comprehension's target, which nobody outside ever sees."""
    for name in target_names(target):
        walker.alias(name, sources)
    for node in ast.walk(target):
        if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            change(walker, node)


VISITS: Visits = {
    ast.Constant: _leaf,
    ast.Load: _leaf,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Tuple: _elements,
    ast.List: _elements,
    ast.Set: _elements,
    ast.Dict: _dict,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.NamedExpr: _walrus,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
}
