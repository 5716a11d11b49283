"""Calls: what they change, what they are handed, and code and queries passed as text."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Sequence

from nbsubmit.core.names import magics, text
from nbsubmit.core.names.cell import parse_expression, parse_python
from nbsubmit.core.names.scopes import Kind
from nbsubmit.core.names.state import KERNEL, join
from nbsubmit.core.names.walker import Lines, Visits, Walker

# Builtins that neither change nor keep what they are given.
PURE = text.words(
    "abs all any ascii bin bool bytearray bytes callable chr complex delattr dict dir divmod"
    " enumerate float format frozenset getattr hasattr hash hex id int isinstance issubclass iter"
    " len list max memoryview min next oct ord pow print range repr reversed round set setattr"
    " slice sorted str sum super tuple type vars zip"
)
# Keywords by which even these hand their arguments on: to a key function, to a file.
HANDING_ON = frozenset({"key", "file"})
CHANGING = frozenset({"setattr", "delattr", "next", "anext"})
DYNAMIC = frozenset({"globals", "__import__"})
# Without an argument these speak of the scope they stand in.
OF_SCOPE = frozenset({"locals", "vars", "dir"})
CODE = frozenset({"eval", "exec"})
# What looks for tests in all that the notebook has defined.
TESTING = frozenset({"doctest.testmod", "testmod", "unittest.main"})
# Their `eval` takes bare names from Python; a frame's own looks for columns.
PANDAS = frozenset({"pd", "pandas"})


def _call(walker: Walker, node: ast.Call) -> None:
    func = node.func
    if isinstance(func, (ast.Name, ast.Attribute)) and ast.unparse(func) in TESTING:
        walker.dynamic(ast.unparse(func))
    if isinstance(func, ast.Name):
        _named_call(walker, node, func)
    elif isinstance(func, ast.Attribute):
        _method_call(walker, node, func)
    else:
        walker.visit(func)
        _arguments(walker, node)
        _hand_over(walker, node)


def _named_call(walker: Walker, node: ast.Call, func: ast.Name) -> None:
    name = func.id
    outside = walker.scope.owner(walker.scope.mangle(name)) is None
    builtin = outside and bool(walker.state.get(name) & KERNEL)
    walker.load(name, walker.line(func))
    if builtin:
        walker.effects.calls.add(name)
    _arguments(walker, node)
    handing_on = any(keyword.arg in HANDING_ON for keyword in node.keywords)
    if not (builtin and name in PURE) or handing_on:
        _hand_over(walker, node)
    if builtin:
        _builtin_call(walker, node, name)


def _builtin_call(walker: Walker, node: ast.Call, name: str) -> None:
    if name in CHANGING and node.args:
        walker.mutate(node.args[0])
    elif name in CODE:
        _code_call(walker, node, name)
    elif name in DYNAMIC or (name in OF_SCOPE and not node.args and not _in_function(walker)):
        walker.dynamic(name)


def _in_function(walker: Walker) -> bool:
    return walker.scope.home.kind is Kind.FUNCTION


def _code_call(walker: Walker, node: ast.Call, name: str) -> None:
    """Read code that is written down as a constant; other code cannot be known."""
    only = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if not (isinstance(only, ast.Constant) and isinstance(only.value, str)):
        walker.dynamic(name)
        return
    with walker.reading(Lines(fixed=walker.line(node))):
        if walker.scope.kind is Kind.MODULE:
            walker.block(_parse(name, only.value))
        else:
            _run_inside(walker, name, only.value)


def _parse(name: str, code: str) -> Sequence[ast.AST]:
    """Return what ``eval`` or ``exec`` would run: nothing where the call is going to fail."""
    if name == "eval":
        expression = parse_expression(code)
        return [] if expression is None else [expression]
    with contextlib.suppress(SyntaxError):
        return parse_python(code)
    return []


def _run_inside(walker: Walker, name: str, code: str) -> None:
    """Walk code run by text in a function or class.

    What it binds stays in a dictionary of its own. Of the names around it, it sees only the values
    that are there at that moment; so for any local name the global one may be read instead.
    """
    before = walker.state.copy()
    walker.block(_parse(name, code))
    walker.state = join([before, walker.state])
    outer, walker.unsure = walker.unsure, True
    with walker.inside(walker.scope.root):
        walker.block(_parse(name, code))
    walker.unsure = outer
    walker.state = join([before, walker.state])


def _method_call(walker: Walker, node: ast.Call, func: ast.Attribute) -> None:
    if magics.is_shell(func.value) or func.attr in magics.CALLING:
        walker.visit(func.value)
        if not magics.run(walker, node, func.attr):
            _arguments(walker, node)
            _hand_over(walker, node)
        return
    walker.visit(func)
    _arguments(walker, node)
    walker.mutate(func.value)
    _hand_over(walker, node)
    for name in _names_in_text(node, func):
        magics.maybe_load(walker, name, walker.line(node))


def _names_in_text(node: ast.Call, func: ast.Attribute) -> list[str]:
    """Return names that a method finds in its string arguments, as libraries are known to do."""
    if func.attr not in ("sql", "query", "execute", "eval", "evaluate"):
        return []
    found: list[str] = []
    bare = func.attr in ("sql", "evaluate") or (
        func.attr == "eval" and isinstance(func.value, ast.Name) and func.value.id in PANDAS
    )
    for part in text.constants([*node.args, *node.keywords]):
        if bare or (func.attr in ("query", "execute") and text.is_sql(part)):
            found += text.identifiers(part)
        elif func.attr in ("query", "eval"):
            found += text.at_names(part)
    return found


def _arguments(walker: Walker, node: ast.Call) -> None:
    walker.each(node.args)
    walker.each(keyword.value for keyword in node.keywords)


def _hand_over(walker: Walker, node: ast.Call) -> None:
    walker.escape(node.args)
    walker.escape(keyword.value for keyword in node.keywords)


VISITS: Visits = {ast.Call: _call}
