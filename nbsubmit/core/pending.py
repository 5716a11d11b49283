"""What a job that has not ended yet will bring, by its cell's text and the notebook's values.

Who reads such a name has to wait, or be sent with the job as its input. To wait too often makes
cells run one after another that could run side by side, so a name counts if the cell binds or
deletes it, or changes its object for all that the text and the kind of the object show. An object
that learns, as a model or an optimiser does, is changed by whoever is handed it; plain data is not.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from nbsubmit.core.home import Namespace
from nbsubmit.core.names import NameUse
from nbsubmit.core.origin import root_of
from nbsubmit.core.reserved import is_shells_own

# What looks at an object of these kinds and what changes it is known: their methods that do.
_CHANGING = {
    "builtins.list": "append clear extend insert pop remove reverse sort",
    "builtins.dict": "clear pop popitem setdefault update",
    "builtins.set": "add clear difference_update discard intersection_update pop remove "
    "symmetric_difference_update update",
    "builtins.bytearray": "append clear extend insert pop remove reverse",
    "collections.deque": "append appendleft clear extend extendleft insert pop popleft remove "
    "reverse rotate",
    "numpy.ndarray": "fill itemset partition put resize setfield setflags sort",
    "pandas.DataFrame": "insert pop update",
    "pandas.Series": "pop update",
}
_INPLACE = "inplace"
# Methods by which an object shows that it learns, and so is changed by what it is handed to.
_LEARNING = ("fit", "state_dict")
_FIXED = (
    int, float, complex, str, bytes, bool, type(None), tuple, frozenset, range, type,
    types.FunctionType, types.BuiltinFunctionType, types.ModuleType,
)  # fmt: skip
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def brings(
    use: NameUse, tree: ast.AST, namespace: Namespace, bring: Iterable[str] | None = None
) -> frozenset[str]:
    """Return the names that a cell which is sent now will bind, delete or change.

    Parameters
    ----------
    use : NameUse
        What the cell does with names.
    tree : ast.AST
        The cell.
    namespace : dict
        The notebook's.
    bring : iterable of str, optional
        The names that were asked for, if some were.
    """
    found = set(use.writes | use.deletes | use.sure_deletes)
    found -= {name for name in _imported(tree, namespace) if name in found}
    used = use.mutates | use.escapes | use.calls
    for name in (used - found) & namespace.keys():
        if _is_changed(name, namespace[name], use, tree):
            found.add(name)
    if bring is not None:
        return frozenset(found & set(bring))
    return frozenset(
        name
        for name in found
        if name in namespace or not (name.startswith("_") or is_shells_own(name))
    )


def reached(names: Iterable[str], namespace: Namespace) -> set[str]:
    """Return names, and what the notebook's functions by these names read in turn."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [other for other in _read_by(namespace.get(name)) if other not in found]
    return found


def _read_by(value: Any) -> Iterator[str]:
    """Return the names that the code of a function, or of the methods of a class, mentions."""
    if isinstance(value, types.FunctionType) and value.__module__ == "__main__":
        codes = [value.__code__]
        while codes:
            code = codes.pop()
            yield from code.co_names
            codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    elif isinstance(value, type) and value.__module__ == "__main__":
        for part in vars(value).values():
            yield from _read_by(getattr(part, "__func__", part))


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


_ABSENT = object()


def _is_changed(name: str, value: Any, use: NameUse, tree: ast.AST) -> bool:
    """Tell whether the cell changes an object for all that can be seen."""
    if isinstance(value, _FIXED):
        return False
    kind = type(value)
    changing = _CHANGING.get(f"{root_of(kind.__module__)}.{kind.__qualname__}")
    if name in use.mutates:
        return changing is None or _shows_change(name, changing, tree)
    if changing is not None:
        return False
    # Called by its own name it may change itself; handed to a call it does if it learns.
    return name in use.calls or any(hasattr(kind, method) for method in _LEARNING)


def _shows_change(name: str, changing: str, tree: ast.AST) -> bool:
    """Tell whether the text changes an object of which it is known what changes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            if node.value.id == name:
                return True  # what is done by the other name is not looked for
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and _root(node) == name:
            if not isinstance(node.ctx, ast.Load):
                return True
            if isinstance(node, ast.Attribute) and node.attr in changing.split():
                return True
        elif _is_in_place(node) and _root(node) == name:
            return True
    return False


def _is_in_place(node: ast.AST) -> bool:
    """Tell whether a node is a call with ``inplace=True`` or the like."""
    return isinstance(node, ast.Call) and any(word.arg == _INPLACE for word in node.keywords)


def _root(node: ast.AST) -> str:
    """Return the name that an expression of attributes, items and calls begins with."""
    while True:
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else ""
