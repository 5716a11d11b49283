"""Notebooks as readable text: cells between lines that begin with ``# %%``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "notebooks"

_SEPARATOR = re.compile(r"^# %%(.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class NotebookCell:
    """One cell.

    Attributes
    ----------
    number : int
        Counted from 1.
    title : str
        What its separator says about it.
    source : str
        Its text.
    """

    number: int
    title: str
    source: str


def names() -> list[str]:
    """Return the names of the notebooks there are."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def read(name: str) -> list[NotebookCell]:
    """Return the cells of a notebook."""
    _head, *parts = _SEPARATOR.split((FOLDER / f"{name}.py").read_text())
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [
        NotebookCell(number, title.strip(), source.strip("\n"))
        for number, (title, source) in enumerate(pairs, 1)
    ]
