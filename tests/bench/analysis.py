"""How long it takes to find a cell's names: ``python -m tests.bench.analysis [MODULES]``.

Three kinds of cells: those of the tutorials and of the tests, the statements of the standard
library's modules a few at a time, and the bodies of its functions, which look most like what
people write into notebooks. Each is read three times; the shortest counts.
"""

from __future__ import annotations

import ast
import json
import statistics
import sys
import sysconfig
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from nbsubmit.core.names import analyse

ROOT = Path(__file__).parents[2]
LINES_OF_A_CELL = 10
MODULES = 150
ROUNDS = 3


def cells_of_notebooks() -> Iterator[str]:
    """The code of the tutorials' cells, without the line of a magic of ours."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            if cell["cell_type"] == "code":
                yield text.partition("\n")[2] if text.startswith("%%") else text


def cells_of_tests() -> Iterator[str]:
    """The rows of the table of constructs."""
    path = ROOT / "tests" / "core" / "capture_cases.json"
    for case in json.loads(path.read_text(encoding="utf-8")):
        if tuple(map(int, case["min_python"].split("."))) <= sys.version_info:
            yield case["source"]


def trees(count: int) -> Iterator[tuple[str, ast.Module]]:
    """Modules of the standard library, text and tree."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:count]:
        text = path.read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield text, ast.parse(text)


def top_levels(count: int) -> Iterator[str]:
    """Statements at modules' top level, as many at a time as a cell has lines."""
    for text, tree in trees(count):
        yield from grouped(text, tree.body)


def bodies(count: int) -> Iterator[str]:
    """Bodies of functions and methods, cut in the same way."""
    for text, tree in trees(count):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield from grouped(text, node.body)


def grouped(text: str, block: list[ast.stmt]) -> Iterator[str]:
    """The source of statements, in pieces of a cell's length; a long statement is one piece."""
    lines = text.splitlines()
    piece: list[str] = []
    for node in block:
        shift = node.col_offset
        part = lines[node.lineno - 1 : node.end_lineno]
        piece += [line[shift:] if not line[:shift].strip() else line for line in part]
        if len(piece) >= LINES_OF_A_CELL:
            yield "\n".join(piece)
            piece = []
    if piece:
        yield "\n".join(piece)


@dataclass(frozen=True)
class Timed:
    """One cell and the milliseconds that it took."""

    cell: str
    ms: float


def timed(cells: Iterable[str]) -> list[Timed]:
    """Analyse each cell; what is no Python by itself is passed over."""
    found = []
    for cell in cells:
        try:
            found.append(Timed(cell, min(once(cell) for _ in range(ROUNDS))))
        except SyntaxError:
            continue
    return found


def once(cell: str) -> float:
    begun = time.perf_counter()
    analyse(cell, transform=lambda text: str(TransformerManager().transform_cell(text)))
    return (time.perf_counter() - begun) * 1000


def main(count: int) -> None:
    """Print mean, median and worst time per cell, and lines per second."""
    corpora = {
        "notebooks and tests": [*cells_of_notebooks(), *cells_of_tests()],
        "library, top level": top_levels(count),
        "library, bodies": bodies(count),
    }
    print(f"{'':20}  cells  lines  mean ms  median   worst  lines/s")
    for title, cells in corpora.items():
        found = timed(cells)
        times = [one.ms for one in found]
        lines = [one.cell.count("\n") + 1 for one in found]
        worst = max(found, key=lambda one: one.ms)
        print(
            f"{title:20} {len(found):6} {statistics.mean(lines):6.1f} {statistics.mean(times):8.3f}"
            f" {statistics.median(times):7.3f} {worst.ms:7.1f}"
            f" {sum(lines) / sum(times) * 1000:8.0f}   (worst: {worst.cell.count(chr(10)) + 1}"
            f" lines, {worst.cell.strip().splitlines()[0][:40]!r})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else MODULES)
