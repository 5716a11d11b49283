"""The shell's history in a cell: the results that it names travel, all else stays where it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any, TypeGuard

RESULTS = "Out"
# `_` and `_3` are not among them: these are values, and go as any other.
_HISTORY = re.compile(r"(In|Out|_i+|_i\d+|_[dio]h)$")


def part(
    reads: Iterable[str], namespace: dict[str, Any], source: str
) -> tuple[dict[Any, Any], dict[str, str]]:
    """Return the results that a cell names, and what of the history it reads and cannot have.

    Parameters
    ----------
    reads : iterable of str
        What the cell reads.
    namespace : dict
        The notebook's.
    source : str
        The cell as Python.
    """
    read = sorted(name for name in reads if _HISTORY.match(name) and name in namespace)
    staying = {name: f"{name} is the notebook's own history" for name in read}
    results: dict[Any, Any] = {}
    if RESULTS in staying and isinstance(namespace[RESULTS], dict):
        results, only_those = _named(source, namespace[RESULTS])
        staying[RESULTS] = "only results that the cell names, as in Out[3], are sent"
        if only_those:
            del staying[RESULTS]
    return results, staying


def _named(source: str, results: dict[Any, Any]) -> tuple[dict[Any, Any], bool]:
    """Return the results that are named, and whether the cell makes no other use of them."""
    named: dict[Any, Any] = {}
    others = 0
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id == RESULTS:
            others += 1
        elif _is_of_results(node) and isinstance(node.slice, ast.Constant):
            others -= 1
            if node.slice.value in results:
                named[node.slice.value] = results[node.slice.value]
    return named, others == 0


def _is_of_results(node: ast.AST) -> TypeGuard[ast.Subscript]:
    if not isinstance(node, ast.Subscript):
        return False
    return isinstance(node.value, ast.Name) and node.value.id == RESULTS
