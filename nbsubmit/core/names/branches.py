"""Statements after which the cell may have gone several ways: if, match, try, with."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nbsubmit.core.names.expressions import assign, truth
from nbsubmit.core.names.state import State, join
from nbsubmit.core.names.walker import Visits, Walker

# Managers that swallow exceptions: what follows may run after half of the body.
SWALLOWING = frozenset({"suppress", "raises"})


def _if(walker: Walker, node: ast.If) -> None:
    ends = []
    while True:  # an elif is an if inside an else; a long ladder must not eat the stack
        walker.visit(node.test)
        verdict = truth(node.test)
        otherwise = walker.state.copy()
        if verdict is not False:
            walker.block(node.body)
            ends.append(walker.state)
        if verdict is True:
            break
        walker.state = otherwise
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            node = node.orelse[0]
            continue
        walker.block(node.orelse)
        ends.append(walker.state)
        break
    walker.state = join(ends)


def _assert(walker: Walker, node: ast.Assert) -> None:
    walker.visit(node.test)
    if node.msg is not None:
        walker.maybe([node.msg])


def _raise(walker: Walker, node: ast.Raise) -> None:
    walker.each([node.exc, node.cause])
    walker.raises += 1
    walker.state.live = False


def _return(walker: Walker, node: ast.Return) -> None:
    walker.each([node.value])
    walker.state.live = False


def _match(walker: Walker, node: ast.Match) -> None:
    walker.visit(node.subject)
    sources = walker.keys(node.subject)
    ends = []
    for case in node.cases:
        walker.each(_looked_at_first(case.pattern))
        missed = walker.state.copy()
        _pattern(walker, case.pattern, sources)
        if case.guard is not None:
            walker.visit(case.guard)
        # Captures stay bound when the guard refuses.
        missed.absorb(walker.state)
        walker.block(case.body)
        ends.append(walker.state)
        walker.state = missed
        if case.guard is None and _always_matches(case.pattern):
            break
    else:
        ends.append(walker.state)
    walker.state = join(ends)


def _pattern(walker: Walker, pattern: ast.pattern, sources: set[str]) -> None:
    """Read a pattern's values and classes, and bind its captures."""
    for node in ast.walk(pattern):
        if isinstance(node, ast.MatchValue):
            walker.visit(node.value)
        elif isinstance(node, ast.MatchClass):
            walker.visit(node.cls)
        elif isinstance(node, ast.MatchMapping):
            walker.each(node.keys)
    for node in ast.walk(pattern):
        name = None
        if isinstance(node, (ast.MatchAs, ast.MatchStar)):
            name = node.name
        elif isinstance(node, ast.MatchMapping):
            name = node.rest
        if name is not None:
            walker.store(name)
            walker.alias(name, sources)


def _looked_at_first(pattern: ast.pattern) -> Iterator[ast.expr]:
    """Yield what is evaluated even where nothing of the pattern fits."""
    if isinstance(pattern, ast.MatchValue):
        yield pattern.value
    elif isinstance(pattern, ast.MatchClass):
        yield pattern.cls
    elif isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
        yield from _looked_at_first(pattern.pattern)
    elif isinstance(pattern, ast.MatchOr):
        yield from _looked_at_first(pattern.patterns[0])


def _always_matches(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchAs):
        return pattern.pattern is None or _always_matches(pattern.pattern)
    return isinstance(pattern, ast.MatchOr) and any(map(_always_matches, pattern.patterns))


def _try(walker: Walker, node: ast.Try) -> None:
    before = walker.state.copy()
    jumps = _jumps(walker)
    with walker.trail() as whole:
        with walker.trail() as body:
            walker.block(node.body)
        caught = before.blurred(body)
        walker.block(node.orelse)
        ends = [walker.state]
        for handler in node.handlers:
            walker.state = caught
            if handler.type is not None:
                walker.visit(handler.type)
            caught = walker.state.copy()
            ends.append(_handler(walker, handler))
        for end in ends[1:]:
            end.read_like(ends[0])
        walker.state = join(ends)
    if node.finalbody:
        left = [jump for jump in _jumps(walker) if jump not in jumps]
        _finally(walker, node.finalbody, before.blurred(whole), left)


def _handler(walker: Walker, handler: ast.ExceptHandler) -> State:
    if handler.name:
        walker.bind_for_a_while(handler.name)
    walker.block(handler.body)
    if handler.name and walker.state.live:
        walker.unbind(handler.name)
    return walker.state


def _jumps(walker: Walker) -> list[State]:
    """Return the moments at which the innermost loop's body was left by a jump, so far."""
    if not walker.loops:
        return []
    return [*walker.loops[-1].breaks, *walker.loops[-1].continues]


def _finally(walker: Walker, block: list[ast.stmt], entry: State, jumps: list[State]) -> None:
    """Walk a ``finally`` block once, for every way that leads into it."""
    ways = [walker.state, *jumps]
    walker.state = entry
    with walker.trail() as touched:
        walker.block(block)
    for way in ways:
        if way.live:
            way.follow(walker.state, touched)
    walker.state = ways[0]


def _with(walker: Walker, node: ast.With | ast.AsyncWith) -> None:
    for item in node.items:
        walker.visit(item.context_expr)
        if item.optional_vars is not None:
            assign(walker, item.optional_vars, walker.keys(item.context_expr))
    entered = walker.state.copy()
    raises = walker.raises
    with walker.trail() as body:
        walker.block(node.body)
    # Any manager may swallow exceptions. Those that are known to do it, or a body that only ever
    # raises, are taken at their word; else the body counts as run.
    raised = not walker.state.live and walker.raises > raises
    if raised or any(_swallows(item.context_expr) for item in node.items):
        swallowed = entered.blurred(body)
        swallowed.read_like(walker.state)
        walker.state = join([swallowed, walker.state])


def _swallows(manager: ast.expr) -> bool:
    if isinstance(manager, ast.Call):
        manager = manager.func
    name = manager.attr if isinstance(manager, ast.Attribute) else getattr(manager, "id", "")
    return name in SWALLOWING


VISITS: Visits = {
    ast.If: _if,
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Match: _match,
    ast.Try: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    # `except*` came with Python 3.11.
    **({ast.TryStar: _try} if hasattr(ast, "TryStar") else {}),
}
