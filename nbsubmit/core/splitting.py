"""A magic's line → its words: as a shell splits it, but an expression of Python stays whole.

``--map x=['a', 'b']`` needs no further quotes: a word that follows an option for expressions ends
with the expression, and keeps the quotes inside. One that is quoted as a whole is taken as a shell
takes it. From a word that begins with ``#`` on it is a remark, as in a shell.
"""

from __future__ import annotations

import re
import shlex

# Behind these stands Python.
EXPRESSIONS = ("--map",)
_WORD = re.compile(r"""(?:[^\s'"\\]|'[^']*'|"(?:\\.|[^"\\])*"|\\.)+""", re.DOTALL)
_QUOTED = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_OPEN, _CLOSE, _QUOTES, _REMARK = "([{", ")]}", "'\"", "#"


def listed(text: str) -> tuple[str, ...]:
    """Return what stands between the commas of a text."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def split(line: str) -> list[str]:
    """Return the words of a line.

    Raises
    ------
    ValueError
        If a quotation has no end.
    """
    return _split(line)[0]


def without_remark(line: str) -> str:
    """Return the line up to its remark, for more to follow.

    Raises
    ------
    ValueError
        If a quotation has no end.
    """
    return line[: _split(line)[1]].rstrip()


def _split(line: str) -> tuple[list[str], int]:
    """Return the words of a line, and where they end."""
    found: list[str] = []
    at = _next(line, 0)
    while at < len(line) and line[at] != _REMARK:
        option = next((o for o in EXPRESSIONS if line.startswith(f"{o}=", at)), "")
        if option or (found and found[-1] in EXPRESSIONS):
            start = at + len(option) + 1 if option else at
            word, end = _expression(line, start)
            found.append(f"{option}={word}" if option else word)
        else:
            match = _WORD.match(line, at)
            if match is None:
                raise ValueError("No closing quotation")
            end = match.end()
            found += shlex.split(match.group())
        at = _next(line, end)
    return found, at


def _next(line: str, at: int) -> int:
    while at < len(line) and line[at].isspace():
        at += 1
    return at


def _expression(line: str, start: int) -> tuple[str, int]:
    """Return ``NAME=EXPR`` that begins here, and where it ends."""
    if line[start : start + 1] in _QUOTES and start < len(line):
        match = _WORD.match(line, start)
        if match is None:
            raise ValueError("No closing quotation")
        return shlex.split(match.group())[0], match.end()
    depth, at = 0, start
    while at < len(line) and not (depth <= 0 and line[at].isspace()):
        if line[at] in _QUOTES:
            match = _QUOTED.match(line, at)
            if match is None:
                raise ValueError("No closing quotation")
            at = match.end()
            continue
        depth += (line[at] in _OPEN) - (line[at] in _CLOSE)
        at += 1
    word = line[start:at]
    names, equals, source = word.partition("=")
    if _QUOTED.fullmatch(source):
        source = shlex.split(source)[0]
    return names + equals + source, at
