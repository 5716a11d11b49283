"""The text of code that lies in no file: cells, whose lines tracebacks and `inspect` show."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Mapping


def remember(texts: Mapping[str, str]) -> None:
    """Have these texts shown as the lines of their code files from now on."""
    for file, text in texts.items():
        # Without a time of change: nobody then looks for a file on disk that would be newer.
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)


def remember_unknown(texts: Mapping[str, str]) -> None:
    """Have these texts shown where this process has none for their code files."""
    remember({file: text for file, text in texts.items() if not linecache.getlines(file)})


def known(files: Iterable[str]) -> dict[str, str]:
    """Return the text of each code file that has one."""
    texts = {file: "".join(linecache.getlines(file)) for file in sorted(files)}
    return {file: text for file, text in texts.items() if text}
