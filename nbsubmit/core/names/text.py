"""Names inside strings: of queries, of shell lines, and wherever else text stands for names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from string import Formatter

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_AT_NAME = re.compile(r"@([^\W\d]\w*)")
_DOLLAR_NAME = re.compile(r"\$(\$?)([^\W\d]\w*)")
_SQL = re.compile(
    r"\s*(select|with|from|insert|create|copy|describe|summarize|pivot|unpivot|update|delete)\b",
    re.IGNORECASE,
)


def words(text: str) -> frozenset[str]:
    """Return the words of a text, for tables that read better without quotes."""
    return frozenset(text.split())


def identifiers(text: str) -> list[str]:
    """Return everything in a text that could be a name."""
    return _IDENTIFIER.findall(text)


def at_names(text: str) -> list[str]:
    """Return the names that pandas takes from Python: ``@limit``."""
    return _AT_NAME.findall(text)


def is_sql(text: str) -> bool:
    """Return whether a text starts as SQL does."""
    return _SQL.match(text) is not None


def constants(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield all string constants below the nodes, f-strings' fixed parts included."""
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def expansions(text: str) -> tuple[list[str], list[str]]:
    """Return the expressions and the names that IPython puts into a shell or magic line.

    ``{expression}`` and ``$name``; ``$$`` stays a dollar. A text whose braces do not fit together
    is passed on by IPython as it is.
    """
    expressions: list[str] = []
    names: list[str] = []
    todo = [text]
    while todo:
        try:
            parts = list(Formatter().parse(todo.pop()))
        except ValueError:
            continue
        for literal, field, spec, _ in parts:
            names += [name for escaped, name in _DOLLAR_NAME.findall(literal) if not escaped]
            if field:
                expressions.append(field)
            if spec:
                todo.append(spec)
    return expressions, names
