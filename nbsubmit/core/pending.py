"""What a job that has not ended yet will bring, by its cell's text and the notebook's values.

Who reads such a name has to wait, or be sent with the job as its input. To wait too often makes
cells run one after another that could run side by side, so a name counts if the cell binds or
deletes it, or changes its object for all that can be seen (`nbsubmit.core.changes`).
"""

from __future__ import annotations

import ast
import dis
import inspect
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from nbsubmit.core.changes.functions import functions_of, mentioned_by, reached
from nbsubmit.core.changes.judge import Extent, Judge
from nbsubmit.core.changes.kinds import is_fixed, learns
from nbsubmit.core.changes.text import Text, read
from nbsubmit.core.definitions.known import codes_of
from nbsubmit.core.home import Namespace
from nbsubmit.core.names import NameUse
from nbsubmit.core.reserved import is_shells_own

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ABSENT = object()


@dataclass(frozen=True)
class Outlook:
    """What a job is taken to bring.

    Attributes
    ----------
    names : frozenset of str
        The names that its cell will bind, delete or change.
    binds : frozenset of str
        Those of them that it binds in any case: what other jobs bring by these before it is of no
        more interest.
    along : frozenset of str
        Names that code reads which may come along with any of them.
    changes : mapping
        Those of them whose objects it changes in place, with how far that reaches.
    """

    names: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    along: frozenset[str] = frozenset()
    changes: Mapping[str, Extent] = field(default_factory=dict)


def outlook(
    use: NameUse,
    source: str,
    namespace: Namespace,
    bring: Iterable[str] | None = None,
    awaited: Mapping[str, str] | None = None,
) -> Outlook:
    """Return what a cell that is sent now is taken to bring.

    Parameters
    ----------
    use : NameUse
        What the cell does with names.
    source : str
        The cell, as Python.
    namespace : dict
        The notebook's.
    bring : iterable of str, optional
        The names that were asked for, if some were.
    awaited : mapping, optional
        Names whose values other jobs are to bring, each with the cell that it comes from.
    """
    tree = ast.parse(source)
    changes = _changed(use, tree, namespace, awaited or {})
    names = _bound(use, tree, namespace) | changes.keys()
    if bring is not None:
        names = names & set(bring)
    else:
        known = namespace.keys() | (awaited or {}).keys()
        names = {n for n in names if n in known or not (n[0] == "_" or is_shells_own(n))}
    return Outlook(
        frozenset(names),
        use.sure_writes & names,
        _carried(use, namespace),
        {name: extent for name, extent in changes.items() if name in names},
    )


def _bound(use: NameUse, tree: ast.AST, namespace: Namespace) -> set[str]:
    """Return the names that a cell, and the notebook's functions with it, bind or delete."""
    found = set(use.writes | use.deletes | use.sure_deletes)
    found -= {name for name in _imported(tree, namespace) if name in found}
    for function in _functions(use.reads, namespace):
        found |= set(_bound_by(function))
    return found


def _changed(
    use: NameUse, tree: ast.AST, namespace: Namespace, awaited: Mapping[str, str]
) -> dict[str, Extent]:
    """Return the names whose objects a cell changes in place, and how far."""
    texts = {name: _text_of(source) for name, source in awaited.items()}
    judge = Judge(namespace, texts)
    by_text = [judge.changed(read(tree))]
    by_text += [judge.changed_by(function) for function in _functions(use.reads, namespace)]
    # Of an unknown kind that is called: a model, unless it is written down that it is none.
    called = {n for n in use.calls & texts.keys() if not _is_code(n, texts[n])}
    here = use.reads & namespace.keys() - texts.keys()
    used_up = {name for name in here if _is_used_up(name, namespace[name], use)}
    used_up |= {n for n in use.calls & here if judge.is_changed_by_a_call(namespace[n])}
    found = dict.fromkeys(called | used_up, Extent.PARTS)
    for extents in by_text:
        for name, extent in extents.items():
            found[name] = max(extent, found.get(name, extent))
    return found


# Of 30 lines it takes 1 ms, and each cell asks for those of all that are awaited.
@lru_cache(maxsize=256)
def _text_of(source: str) -> Text:
    return read(ast.parse(source))


def _is_code(name: str, text: Text) -> bool:
    return name in text.functions or name in text.classes


def _is_used_up(name: str, value: Any, use: NameUse) -> bool:
    """Tell whether an object is changed by being gone through, handed to a call, or called."""
    kind = type(value)
    if is_fixed(value):
        return False
    if hasattr(kind, "__next__"):
        return True
    if name in use.mutates | use.escapes | use.calls and learns(value):
        return True
    # What is called may change itself, as a model does; a function, and what wraps one, does not.
    call = inspect.getattr_static(kind, "__call__", None)
    return name in use.calls and isinstance(call, types.FunctionType)


def _bound_by(function: types.FunctionType) -> Iterator[str]:
    """Yield the globals that a function binds or deletes."""
    for code in codes_of(function.__code__):
        for step in dis.get_instructions(code):
            if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                yield step.argval


def _carried(use: NameUse, namespace: Namespace) -> frozenset[str]:
    """Return the names that code may read which a cell's values bring along.

    An instance brings the methods of its class, a closure what it encloses; nobody can see in the
    text of another cell that it reads what these do.
    """
    read_by_code = {
        name for function in _functions(use.reads, namespace) for name in mentioned_by(function)
    }
    return frozenset().union(*use.later.values()) | read_by_code


def _functions(names: Iterable[str], namespace: Namespace) -> Iterator[types.FunctionType]:
    """Yield the notebook's functions that code may call which uses some names."""
    for name in reached(names, namespace):
        yield from functions_of(namespace.get(name))


def _imported(tree: ast.AST, namespace: Namespace) -> set[str]:
    """Return the names that the cell only imports, and that are here already what they will be."""
    found: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                if namespace.get(name, _ABSENT) is _target(node, alias):
                    found.add(name)
                else:
                    bound.add(name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, _DEFINITIONS):
            bound.add(node.name)
    return found - bound


def _target(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> Any:
    """Return what an import binds, if its module is loaded here."""
    if isinstance(node, ast.Import):
        return sys.modules.get(alias.name if alias.asname else alias.name.partition(".")[0])
    module = sys.modules.get(node.module or "") if not node.level else None
    return vars(module).get(alias.name) if module is not None else None
