"""A notebook that was moved keeps its jobs; one that was copied leaves them to the first.

A notebook is moved if the file that sent the jobs is gone and this one has one of its cells, or
has its name and came here together with the store. Nothing is written for that: should the other
file be there again, its jobs are its own again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from nbsubmit.notebook.marks import FOLDER, Mark, Marks

# So much is looked at, at most: a kernel that starts must not read a whole disk.
_NOTEBOOKS, _CELLS, _BYTES = 200, 20, 10_000_000
# Shorter cells are alike in many notebooks.
_LEAST_CHARACTERS = 40


@dataclass(frozen=True)
class Related:
    """Other notebooks of a store that have to do with this one.

    Attributes
    ----------
    earlier : list of Marks
        Where this notebook was before.
    copied : list of Marks
        Those that this one has cells of, and that are still there.
    """

    earlier: list[Marks] = field(default_factory=list)
    copied: list[Marks] = field(default_factory=list)


def related(store: Path, notebook: Path, own: Marks) -> Related:
    """Look for the other notebooks that this one was, or was made from."""
    found = Related()
    cells = _Cells(notebook)
    for marks in _others(store, own):
        path = marks.notebook()
        if path is None:
            continue
        if path.exists():
            if not own.path.exists() and cells.have_one_of(marks):
                found.copied.append(marks)
        elif _came_with_store(path, notebook, store) or cells.have_one_of(marks):
            found.earlier.append(marks)
    return found


def _others(store: Path, own: Marks) -> list[Marks]:
    try:
        with os.scandir(store / FOLDER) as entries:
            names = [entry.name for entry in islice(entries, _NOTEBOOKS)]
    except FileNotFoundError:
        return []
    return [Marks(store / FOLDER / name) for name in names if name != own.path.name]


def _came_with_store(path: Path, notebook: Path, store: Path) -> bool:
    """Tell whether a folder with notebook and store in it was moved."""
    beside = store.parent == notebook.parent
    return beside and path.name == notebook.name and path.parent != notebook.parent


class _Cells:
    """The cells of a notebook, as its file has them."""

    def __init__(self, notebook: Path) -> None:
        self._notebook = notebook
        self._text: bytes | None = None

    def have_one_of(self, marks: Marks) -> bool:
        """Tell whether one of the latest jobs was sent by a cell that is here."""
        latest = list(marks.all().values())[-_CELLS:]
        return any(self._has(mark) for mark in reversed(latest))

    def _has(self, mark: Mark) -> bool:
        cell = mark.cell()
        name = str(cell.get("cell", ""))
        if name and json.dumps(name).encode() in self.text:
            return True
        lines = [str(line) for line in cell.get("lines", ())]
        if sum(map(len, lines)) < _LEAST_CHARACTERS:
            return False
        return all(
            json.dumps(line, ensure_ascii=False)[1:-1].encode() in self.text for line in lines
        )

    @property
    def text(self) -> bytes:
        if self._text is None:
            try:
                with self._notebook.open("rb") as file:
                    self._text = file.read(_BYTES)
            except OSError:
                self._text = b""
        return self._text
