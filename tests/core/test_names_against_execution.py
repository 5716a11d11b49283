"""The analysis against the truth: random cells, run in a namespace that notes what is looked up.

A cell made at random is run a few times, with chance deciding each test and each exception. Every
kernel value that a run looks up must be among the `reads`, and every name that it leaves rebound
among the `writes`. The other direction is not asked: reading too much is allowed. Of the
`sure_reads` it is asked: whoever refuses a cell for one of them must not be wrong.

``python -m tests.core.test_names_against_execution CELLS [SEED]`` makes a long run of it, on any
Python and without pytest.

Promise 2 of README.
"""

from __future__ import annotations

import ast
import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nbsubmit.core.names import NameUse, analyse
from tests.core.random_cells.namespace import Facts, compiled, run
from tests.core.random_cells.place import MANGLED, NAMES, STARRED
from tests.core.random_cells.program import Program

CELLS = 3_000
CALM_CELLS = 1_000
RUNS_PER_CELL = 2


def missed(use: NameUse, source: str, facts: Facts) -> list[str]:
    """Return what a run did and the analysis did not foresee."""
    writes, deletes = facts.bound - use.writes, facts.deleted - use.deletes
    if use.star_imports:
        writes -= set(STARRED)
    if deletes:
        deletes -= unseen(source)
    if (writes or deletes) and not facts.ended:
        # What the rest of the cell would surely have undone counts as never done.
        marks = ("del {}", "del ({},", "as {}:")
        gone_later = {name for name in NAMES for mark in marks if mark.format(name) in source}
        writes, deletes = writes - gone_later, deletes - gone_later
    return [
        *(f"read of {name}" for name in facts.reads - use.reads),
        *(f"write of {name}" for name in writes),
        *(f"deletion of {name}" for name in deletes),
    ]


def unseen(source: str) -> set[str]:
    """Return names that the interpreter may bind and delete without telling the namespace.

    So it does with those that are declared global, and with those that a walrus in a comprehension
    makes global. Their deletion looks as if it were, or were not, the kernel's value.
    """
    declared = {n for line in source.splitlines() for n in line.partition("global ")[2].split(", ")}
    return declared | set(re.findall(r"(\w+) :=", source))


@dataclass
class Tally:
    """How much was tried."""

    cells: int = 0
    ended_runs: int = 0
    runs: int = 0
    foreseen_reads: int = 0
    true_reads: int = 0
    mentioned: int = 0
    refused: int = 0
    sure_reads: int = 0


def try_cells(first: int, count: int, tally: Tally) -> Iterator[tuple[int, str, str]]:
    """Run cells; yield seed, complaint and source of each miss."""
    for seed in range(first, first + count):
        source = Program(seed).text()
        code = compiled(source)
        if code is None:
            tally.refused += 1
            continue
        use = analyse(source)
        true_reads: set[str] = set()
        tally.cells += 1
        for attempt in range(RUNS_PER_CELL):
            facts = run(code, seed * RUNS_PER_CELL + attempt)
            tally.runs += 1
            tally.ended_runs += facts.ended
            true_reads |= facts.reads
            for complaint in missed(use, source, facts):
                yield seed, complaint, source
        words = set(re.findall(r"\w+", source))
        tally.true_reads += len(true_reads)
        tally.mentioned += sum(name in words for name in NAMES)
        tally.foreseen_reads += len(use.reads & set(NAMES))


def try_calm_cells(first: int, count: int, tally: Tally) -> Iterator[tuple[int, str, str]]:
    """Run cells in which no exception is caught; yield each sure read that did not take place."""
    for seed in range(first, first + count):
        source = Program(seed, calm=True).text()
        code = compiled(source)
        if code is None:
            tally.refused += 1
            continue
        sure = analyse(source).sure_reads & set(NAMES) - unseen(source)
        tally.cells += 1
        tally.sure_reads += len(sure)
        for attempt in range(RUNS_PER_CELL):
            facts = run(code, seed * RUNS_PER_CELL + attempt, booms=0)
            tally.runs += 1
            tally.ended_runs += facts.ended
            for name in sure - facts.reads if facts.ended else ():
                yield seed, f"sure read of {name}", source


@contextmanager
def small_heap() -> Iterator[None]:
    """Let the search for one run's garbage pass over all that was there before."""
    gc.freeze()
    yield
    gc.unfreeze()


@small_heap()
def test_no_read_and_no_write_of_a_random_cell_is_missed() -> None:
    tally = Tally()
    for seed, complaint, source in try_cells(0, CELLS, tally):
        raise AssertionError(f"seed {seed}: missed {complaint} in\n{source}")
    assert tally.cells > 0.8 * CELLS
    # Cells that break off early or are read in full would pass whatever the analysis does.
    assert tally.ended_runs > 0.3 * tally.runs
    needless = tally.foreseen_reads - tally.true_reads
    assert needless < 0.6 * (tally.mentioned - tally.true_reads)


@small_heap()
def test_a_sure_read_takes_place_in_every_run_that_comes_to_its_end() -> None:
    tally = Tally()
    for seed, complaint, source in try_calm_cells(0, CALM_CELLS, tally):
        raise AssertionError(f"seed {seed}: no {complaint} in\n{source}")
    assert tally.ended_runs > 0.3 * tally.runs
    assert tally.sure_reads > tally.cells


EVERYWHERE = {
    ast.If, ast.For, ast.While, ast.Break, ast.Continue, ast.Try, ast.With, ast.FunctionDef,
    ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.NamedExpr, ast.Delete, ast.ClassDef,
    ast.Global, ast.AugAssign, ast.Match, ast.MatchStar, ast.MatchAs, ast.Import, ast.Yield,
    ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef, ast.Await, ast.Nonlocal, ast.SetComp,
    ast.DictComp, ast.MatchMapping, ast.MatchClass, ast.MatchOr, ast.MatchValue, ast.ImportFrom,
    ast.YieldFrom, ast.Assert, ast.Return, ast.AnnAssign, ast.Starred, ast.JoinedStr, ast.Slice,
    ast.IfExp, ast.BoolOp, ast.Compare, ast.Raise,
}  # fmt: skip
SOMEWHERE = ("TryStar", "TypeAlias", "TypeVar", "TemplateStr")


def test_random_cells_contain_every_construct_that_moves_names() -> None:
    trees = [ast.parse(Program(seed).text()) for seed in range(1000)]
    kinds = {type(node) for tree in trees for node in ast.walk(tree)}
    here = {getattr(ast, name) for name in SOMEWHERE if hasattr(ast, name)}
    assert kinds >= EVERYWHERE | here
    words = {word for seed in range(1000) for word in re.findall(r"\w+", Program(seed).text())}
    assert words >= {"__m", "Meta", "lru_cache", "staticmethod", "super"} - set(MANGLED)


def test_a_run_notes_a_kernel_value_that_is_looked_up_and_a_name_left_rebound() -> None:
    code = compiled("def f(): return v1\nv0 = f()\nv2 = await soon(1)\nuse(v2)\ndel v3")
    assert code is not None
    facts = run(code, 0)
    assert facts.reads == {"v1", "v3"}
    assert facts.bound == {"v0", "v2", "f"}
    assert facts.deleted == {"v3"}
    assert facts.ended


@small_heap()
def main(count: int, first: int) -> int:
    """Run a long series outside of pytest; print each kind of miss."""
    misses = 0
    for what, tries in (("all", try_cells), ("calm", try_calm_cells)):
        tally = Tally()
        shown = ""
        for seed, complaint, source in tries(first, count, tally):
            misses += 1
            if source != shown and misses <= 20:
                print(f"--- seed {seed} ({what}): missed {complaint}\n{source}")
            shown = source
        print(sys.version.split()[0], what, tally)
    print(f"misses={misses}")
    return 1 if misses else 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(given[0] if given else CELLS, given[1] if len(given) > 1 else 0))
