"""Loops: bodies that run any number of times.

One walk is enough, for kernel values only ever get lost: what the second round reads, the first
could read too. The exception are functions, which a round may use before it binds them anew; so a
loop first looks ahead for those that it is going to bind.
"""

from __future__ import annotations

import ast

from nbsubmit.core.names.definitions import bound_bodies
from nbsubmit.core.names.expressions import assign, truth
from nbsubmit.core.names.scopes import Kind
from nbsubmit.core.names.state import Loop, State, join
from nbsubmit.core.names.walker import Visits, Walker


def _enter(walker: Walker, node: ast.For | ast.AsyncFor | ast.While) -> Loop:
    if walker.keeps:
        for name, body in bound_bodies(walker, node.body, walker.scope):
            owner = walker.scope.owner(walker.scope.mangle(name))
            if owner is None or owner.kind is Kind.CLASS:
                walker.state.offer(walker.key(name), frozenset([body]))
    loop = Loop()
    walker.loops.append(loop)
    walker.trails.append(loop.trail)
    return loop


def _leave(walker: Walker, loop: Loop, ends: list[State], orelse: list[ast.stmt]) -> None:
    """Go on behind a loop: `ends` are the moments at which it found nothing left to do."""
    walker.loops.pop()
    walker.trails.remove(loop.trail)
    walker.state = join(ends)
    walker.state.recall(loop.trail)
    for state in loop.breaks:
        state.recall(loop.trail)
    walker.block(orelse)
    walker.state = join([walker.state, *loop.breaks])
    if not walker.loops:
        walker.settle_pending()


def _for(walker: Walker, node: ast.For | ast.AsyncFor) -> None:
    walker.visit(node.iter)
    sources = walker.keys(node.iter)
    start = walker.state.copy()
    loop = _enter(walker, node)
    assign(walker, node.target, sources)
    walker.block(node.body)
    ends = [walker.state, *loop.continues]
    if not _has_rounds(node.iter):
        ends.append(start)
    _leave(walker, loop, ends, node.orelse)


def _while(walker: Walker, node: ast.While) -> None:
    loop = _enter(walker, node)
    walker.visit(node.test)
    verdict = truth(node.test)
    tested = walker.state.copy()
    if verdict is not False:
        walker.block(node.body)
    ends = [walker.state, *loop.continues]
    if verdict is True:  # it ends in a break or not at all
        ends = [join(ends)]
        ends[0].live = False
    else:
        ends.append(tested)
    _leave(walker, loop, ends, node.orelse)


def _has_rounds(iterable: ast.expr) -> bool:
    """Return whether it is plain to see that the iterable is not empty."""
    if isinstance(iterable, (ast.Tuple, ast.List, ast.Set)):
        return any(not isinstance(element, ast.Starred) for element in iterable.elts)
    if isinstance(iterable, ast.Dict):
        return any(key is not None for key in iterable.keys)
    if isinstance(iterable, ast.Constant):
        return isinstance(iterable.value, (str, bytes)) and bool(iterable.value)
    return isinstance(iterable, ast.Call) and _is_range_with_rounds(iterable)


def _is_range_with_rounds(call: ast.Call) -> bool:
    if not (isinstance(call.func, ast.Name) and call.func.id == "range") or call.keywords:
        return False
    try:
        numbers = [ast.literal_eval(argument) for argument in call.args]
        return bool(range(*numbers))
    except (ValueError, TypeError, OverflowError):
        return False


def _break(walker: Walker, _node: ast.Break) -> None:
    if walker.loops:
        walker.loops[-1].breaks.append(walker.state.copy())
    walker.state.live = False


def _continue(walker: Walker, _node: ast.Continue) -> None:
    if walker.loops:
        walker.loops[-1].continues.append(walker.state.copy())
    walker.state.live = False


VISITS: Visits = {
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Break: _break,
    ast.Continue: _continue,
}
