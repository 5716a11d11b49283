"""What stands behind a magic: variables in it are replaced as IPython does, save in expressions."""

from __future__ import annotations

import re
import shlex

from IPython.utils.text import DollarFormatter

from nbsubmit.core.home import Namespace
from nbsubmit.core.splitting import EXPRESSIONS, split

_VARIABLE = re.compile(r"[{$]")


def expanded(line: str, namespace: Namespace) -> str:
    """Return the line with the values of ``{name}`` and ``$name`` in their place."""
    if not _VARIABLE.search(line):
        return line
    if not any(option in line for option in EXPRESSIONS):
        return _expanded(line, namespace)
    try:
        words = split(line)
    except ValueError:  # which is said when the line is read
        return line
    found, before = [], ""
    for word in words:
        is_expression = before in EXPRESSIONS or word.partition("=")[0] in EXPRESSIONS
        found.append(word if is_expression else _expanded(word, namespace))
        before = word
    return shlex.join(found)


def _expanded(text: str, namespace: Namespace) -> str:
    try:
        return str(DollarFormatter().vformat(text, args=[], kwargs=namespace))
    except Exception:  # as IPython: what cannot be replaced stays as it is
        return text


def without(line: str, option: str) -> tuple[str, bool]:
    """Return the line without an option that takes no value, and whether it was there."""
    words = line.split()
    if option not in words:
        return line, False
    return re.sub(rf"(?<!\S){re.escape(option)}(?!\S)\s*", "", line).strip(), True
