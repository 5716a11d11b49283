"""Frames that stand still where a job's frames stood, and the lines that are shown of them."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from types import FrameType
from typing import Any

from nbsubmit.core import lines
from nbsubmit.core.home import Namespace
from nbsubmit.core.kept import KeptFrame


def stopped_at(kept: KeptFrame, space: Namespace, values: Mapping[str, Any]) -> FrameType:
    """Return a frame that has stopped at a line of code that is not there.

    Parameters
    ----------
    kept : KeptFrame
        Where it is to stand.
    space, values : dict
        Its globals and its locals.
    """
    tree = ast.parse("1/0")
    # A code's table of lines counts from its first one, which takes its place below.
    ast.increment_lineno(tree, max(kept.line - kept.first_line, 0))
    code = compile(tree, kept.file, "exec")
    code = code.replace(co_name=kept.name, co_firstlineno=kept.first_line)
    frames: list[FrameType] = []
    try:
        exec(code, space, values)  # noqa: S102 - it stops at once
    except ZeroDivisionError as error:
        frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    return frames[-1]


@contextmanager
def lines_of(sent: Mapping[str, str], kept: Mapping[str, list[tuple[int, str]]]) -> Iterator[None]:
    """Have the lines of code files shown as they were in the job, for a while.

    Parameters
    ----------
    sent : mapping
        Code file → its text.
    kept : mapping
        Code file → first line and text of each stretch that is known.
    """
    for file in (*sent, *kept):
        linecache.checkcache(file)
    texts = {file: text for file, text in sent.items() if _here(file) != text}
    for file, parts in kept.items():
        if any(not _is_here(file, first, text) for first, text in parts):
            texts[file] = _pieced(parts)
    before = {file: linecache.cache.get(file) for file in texts}
    lines.remember(texts)
    try:
        yield
    finally:
        for file, entry in before.items():
            if entry is None:
                linecache.cache.pop(file, None)
            else:
                linecache.cache[file] = entry


def _here(file: str) -> str:
    return "".join(linecache.getlines(file))


def _is_here(file: str, first: int, text: str) -> bool:
    count = text.count("\n") + (not text.endswith("\n"))
    here = "".join(linecache.getlines(file)[first - 1 : first - 1 + count])
    return here.rstrip("\n") == text.rstrip("\n")


def _pieced(parts: list[tuple[int, str]]) -> str:
    """Put stretches of a file where they belong, with empty lines between them."""
    found: dict[int, str] = {}
    for first, text in parts:
        found.update(enumerate(text.splitlines(), first))
    return "".join(f"{found.get(number, '')}\n" for number in range(1, max(found) + 1))
