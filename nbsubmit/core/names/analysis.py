"""The whole analysis: a cell's text in, its use of names out."""

from __future__ import annotations

import ast
import re

from nbsubmit.core.names import assignments, branches, calls, definitions, expressions, loops, text
from nbsubmit.core.names.bindings import bindings
from nbsubmit.core.names.cell import Cell, KnownMagics, Magics, StarNames, Transform
from nbsubmit.core.names.effects import Effects
from nbsubmit.core.names.scopes import Scope
from nbsubmit.core.names.state import ABSENT, BOUND, KERNEL, UNREAD, State
from nbsubmit.core.names.use import NameUse
from nbsubmit.core.names.walker import Lines, Visits, Walker
from nbsubmit.core.reserved import is_magic

VISITS: Visits = {
    **expressions.VISITS,
    **calls.VISITS,
    **assignments.VISITS,
    **definitions.VISITS,
    **branches.VISITS,
    **loops.VISITS,
}


def analyse(
    source: str,
    *,
    transform: Transform | None = None,
    star_names: StarNames | None = None,
    magics: KnownMagics = Magics,
) -> NameUse:
    """Return which names a cell reads, binds, deletes and changes.

    Parameters
    ----------
    source : str
        The cell as the user wrote it.
    transform : callable, optional
        Turns IPython's syntax into Python; called only when the text is no plain Python.
    star_names : callable, optional
        Gives the public names of a module that the kernel has imported, or None. Without it, or
        where it gives None, any name may come from a star import, and reads after it are doubtful.
    magics : callable, optional
        Returns what is known of the shell's magics; called only when the cell calls one.

    Raises
    ------
    SyntaxError
        The text is no Python, and the transform did not make it so.
    """
    cell = Cell(transform=transform, star_names=star_names, known_magics=magics)
    block, transformed = cell.parse(source)
    lines = Lines(shift=_leading_blank_lines(source) if transformed else 0)
    walker = Walker(cell, VISITS, Scope.module(), lines)
    try:
        walker.block(block)
    except RecursionError:
        return _name_use(cell, _flat_effects(block), State(), source, block, transformed)
    return _name_use(cell, walker.effects, walker.state, source, block, transformed)


def _name_use(
    cell: Cell,
    effects: Effects,
    end: State,
    source: str,
    block: list[ast.stmt],
    transformed: bool,
) -> NameUse:
    reads = frozenset(name for name in effects.reads if not is_magic(name))
    return NameUse(
        reads=reads,
        maybe_reads=frozenset(name for name in reads if not effects.reads[name]),
        sure_reads=frozenset(name for name in reads if _is_sure(name, effects, end)),
        writes=_possible(effects.stores, effects, end, BOUND | KERNEL),
        deletes=_possible(effects.deletes, effects, end, ABSENT),
        sure_deletes=_surely_gone(effects, end),
        sure_writes=_surely_bound(effects, end),
        handled=frozenset(effects.handled),
        mutates=frozenset(cell.aliases.reach(effects.mutates) & reads - effects.imports),
        escapes=frozenset(cell.aliases.reach(effects.escapes) & reads),
        dynamic=tuple(effects.dynamic),
        star_imports=frozenset(effects.stars),
        ipython=transformed,
        lines=_lines_in_source(effects.lines, source),
        strings=_strings(block) if effects.dynamic else frozenset(),
        calls=frozenset(effects.calls & reads),
        later={name: frozenset(names) for name, names in cell.later.items() if names},
        magics={name: _is_sure(name, effects, end) for name in effects.reads if is_magic(name)},
    )


def _is_sure(name: str, effects: Effects, end: State) -> bool:
    """Tell whether a cell that fails nowhere has surely read a name when it ends."""
    return effects.reads[name] and not end.get(name) & UNREAD


def _possible(names: set[str], effects: Effects, end: State, wanted: int) -> frozenset[str]:
    """Return the names that may be in one of the wanted conditions when the cell ends.

    Where the cell ends in an exception, every event counts.
    """
    return frozenset(
        name for name in names if not end.live or name in effects.loose or end.get(name) & wanted
    )


def _surely_gone(effects: Effects, end: State) -> frozenset[str]:
    """Return the names that are not there when the cell ends without failing."""
    if not end.live:
        return frozenset()
    touched = (effects.stores | effects.deletes) - effects.loose
    return frozenset(name for name in touched if not end.get(name) & (BOUND | KERNEL))


def _surely_bound(effects: Effects, end: State) -> frozenset[str]:
    """Return the names whose value is the cell's own when it ends without failing."""
    if not end.live:
        return frozenset()
    stored = effects.stores - effects.loose
    return frozenset(name for name in stored if not end.get(name) & (KERNEL | ABSENT))


def _leading_blank_lines(source: str) -> int:
    """Return how many lines IPython's transformer drops at the start."""
    count = 0
    for line in source.splitlines():
        if line.strip():
            break
        count += 1
    return count


def _lines_in_source(lines: dict[str, int], source: str) -> dict[str, int]:
    """Return the lines of the source as given.

    The transformer joins continued lines, and Python before 3.12 counts wrongly inside some
    f-strings; a name that is not on its line is looked for below it, then from the top.
    """
    given = source.splitlines()
    return {name: _nearest_line(name, line, given) for name, line in lines.items()}


def _nearest_line(name: str, line: int, given: list[str]) -> int:
    if 1 <= line <= len(given) and name in given[line - 1]:
        return line
    word = re.compile(rf"\b{re.escape(name)}\b")
    found = [number for number, content in enumerate(given, 1) if word.search(content)]
    below = [number for number in found if number >= line]
    return (below or found or [line])[0]


def _strings(block: list[ast.stmt]) -> frozenset[str]:
    return frozenset(name for part in text.constants(block) for name in text.identifiers(part))


def _flat_effects(block: list[ast.stmt]) -> Effects:
    """Return the effects of code nested too deeply to be walked: every name, in any order."""
    effects = Effects(dynamic={"nested too deeply to follow": None})
    for statement in block:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                effects.read(node.id, node.lineno, sure=False)
    names = bindings(block).names
    effects.stores.update(names)
    effects.deletes.update(names)
    effects.handled.update(names)
    effects.loose.update(names)
    effects.mutates.update(effects.reads)
    effects.escapes.update(effects.reads)
    return effects
