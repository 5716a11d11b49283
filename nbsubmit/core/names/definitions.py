"""Functions, lambdas and classes: what runs where they stand, and what waits in their bodies."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator

from nbsubmit.core.names.bindings import FUNCTIONS, TYPE_ALIAS, Bindings, bindings
from nbsubmit.core.names.effects import Effects
from nbsubmit.core.names.scopes import Kind, Scope
from nbsubmit.core.names.state import Bodies
from nbsubmit.core.names.text import words
from nbsubmit.core.names.walker import Visits, Walker

Function = ast.FunctionDef | ast.AsyncFunctionDef

EAGER_ANNOTATIONS = sys.version_info < (3, 14)
# Decorators known to put a function aside without calling it.
CALM = words(
    "abstractmethod asynccontextmanager cache cached_property classmethod contextmanager dataclass"
    " deleter getter lru_cache overload override property setter singledispatch staticmethod"
    " total_ordering wraps"
)


def function_effects(walker: Walker, node: Function | ast.Lambda, scope: Scope) -> Effects:
    """Return what calling a function does; `scope` is where it is defined."""
    known = walker.cell.summaries.get(node)
    if known is None:
        parameters = type_parameters(node)
        inner_scope = type_scope(scope, parameters)
        block = [node.body] if isinstance(node, ast.Lambda) else node.body
        inner = _inner_walker(walker, inner_scope, bindings(block, node.args))
        known = walker.cell.summaries[node] = inner.effects
        # Bounds of type parameters are evaluated when somebody asks for them, if ever.
        with inner.inside(inner_scope):
            inner.each(parameters)
        inner.block(block)
    return known


def alias_effects(walker: Walker, node: ast.AST, scope: Scope) -> Effects:
    """Return what asking ``type X = …`` for its value does."""
    known = walker.cell.summaries.get(node)
    if known is None:
        parameters = type_parameters(node)
        inner = _inner_walker(walker, type_scope(scope, parameters), Bindings())
        known = walker.cell.summaries[node] = inner.effects
        inner.each([*parameters, getattr(node, "value", None)])
    return known


def block_effects(walker: Walker, block: list[ast.stmt]) -> Effects:
    """Return what statements do that run as if they were a function's body."""
    inner = _inner_walker(walker, walker.scope, bindings(block))
    inner.block(block)
    return inner.effects


def class_bodies(walker: Walker, node: ast.ClassDef, scope: Scope) -> Bodies:
    """Return the effects of all methods of a class, which wait for somebody to use it."""
    found = {body for _, body in bound_bodies(walker, node.body, class_scope(walker, node, scope))}
    parameters = type_parameters(node)
    if parameters:
        inner = _inner_walker(walker, type_scope(scope, parameters), Bindings())
        inner.each(parameters)
        found.add(inner.effects)
    return frozenset(found)


def bound_bodies(
    walker: Walker, block: Iterable[ast.stmt], scope: Scope
) -> Iterator[tuple[str, Effects]]:
    """Yield each name that a block may bind to functions, with a function's effects."""
    for node in _statements(block):
        if isinstance(node, FUNCTIONS):
            yield node.name, function_effects(walker, node, scope)
        elif isinstance(node, ast.ClassDef):
            for body in class_bodies(walker, node, scope):
                yield node.name, body
        elif TYPE_ALIAS is not None and isinstance(node, TYPE_ALIAS):
            yield _alias_name(node), alias_effects(walker, node, scope)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Lambda):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, function_effects(walker, node.value, scope)


def class_scope(walker: Walker, node: ast.ClassDef, scope: Scope) -> Scope:
    """Return the scope of a class body, the same each time it is asked for."""
    known = walker.cell.scopes.get(node)
    if known is None:
        outer = type_scope(scope, type_parameters(node))
        known = outer.child(Kind.CLASS, bindings(node.body), node.name)
        walker.cell.scopes[node] = known
    return known


def type_parameters(node: ast.AST) -> list[ast.AST]:
    """Return the type parameters of a definition, which Python 3.12 brought."""
    return list(getattr(node, "type_params", ()))


def type_scope(scope: Scope, parameters: list[ast.AST]) -> Scope:
    """Return a scope that holds the type parameters, or the given one if there are none."""
    if not parameters:
        return scope
    names = {str(getattr(parameter, "name", "")) for parameter in parameters}
    return scope.child(Kind.TYPES, Bindings(names=names))


def annotation(walker: Walker, node: ast.expr) -> None:
    """Walk an annotation.

    It counts as read on every version, though Python 3.14 evaluates it only when asked: a function
    that travels may be asked on the other side.
    """
    if EAGER_ANNOTATIONS:
        walker.visit(node)
    else:
        walker.maybe([node])


def parameter_values(walker: Walker, arguments: ast.arguments) -> None:
    """Walk the defaults, which are evaluated where the function is defined."""
    walker.each(arguments.defaults)
    walker.each(arguments.kw_defaults)


def _inner_walker(walker: Walker, scope: Scope, bound: Bindings) -> Walker:
    inner_scope = scope.child(Kind.FUNCTION, bound)
    return Walker(walker.cell, walker.visits, inner_scope, walker.lines)


def _statements(block: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all statements of a block, those inside branches and loops included."""
    todo: list[ast.AST] = list(block)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            for part in ("body", "orelse", "finalbody", "handlers", "cases"):
                todo.extend(getattr(node, part, ()))


def _function(walker: Walker, node: Function) -> None:
    walker.each(node.decorator_list)
    parameter_values(walker, node.args)
    with walker.inside(type_scope(walker.scope, type_parameters(node))):
        _annotations(walker, node)
    bodies = frozenset([function_effects(walker, node, walker.scope)])
    if all(map(_is_calm, node.decorator_list)):
        walker.bind(node.name, bodies)
    else:
        walker.expose(node.name, bodies)


def _annotations(walker: Walker, node: Function) -> None:
    given = node.args
    for argument in [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]:
        if argument is not None and argument.annotation is not None:
            annotation(walker, argument.annotation)
    if node.returns is not None:
        annotation(walker, node.returns)


def _is_calm(decorator: ast.expr) -> bool:
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute):
        return decorator.attr in CALM
    return isinstance(decorator, ast.Name) and decorator.id in CALM


def _lambda(walker: Walker, node: ast.Lambda) -> None:
    """Walk a lambda that no name holds: whoever gets it may call it at once."""
    parameter_values(walker, node.args)
    walker.release([function_effects(walker, node, walker.scope)])


def _class(walker: Walker, node: ast.ClassDef) -> None:
    walker.each(node.decorator_list)
    scope = class_scope(walker, node, walker.scope)
    outer = scope.parent or walker.scope
    with walker.inside(outer):
        walker.each(node.bases)
        walker.each(node.keywords)
    with walker.inside(scope):
        walker.block(node.body)
    if not walker.state.live:
        return
    bodies = class_bodies(walker, node, walker.scope)
    # Keywords go to a metaclass or to __init_subclass__, which may call what it is given.
    if all(map(_is_calm, node.decorator_list)) and not node.keywords:
        walker.bind(node.name, bodies)
    else:
        walker.expose(node.name, bodies)


def _type_alias(walker: Walker, node: ast.AST) -> None:
    """Walk ``type X = …``, whose value is evaluated when somebody asks for it."""
    walker.bind(_alias_name(node), frozenset([alias_effects(walker, node, walker.scope)]))


def _alias_name(node: ast.AST) -> str:
    name: ast.Name = node.name  # type: ignore[attr-defined]
    return name.id


VISITS: Visits = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Lambda: _lambda,
    ast.ClassDef: _class,
    **({} if TYPE_ALIAS is None else {TYPE_ALIAS: _type_alias}),
}
