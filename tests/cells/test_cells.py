"""Each cell, once in a plain kernel and once through a job: the same names, values and outputs.

Promise 1 of README.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.cells import notebook
from tests.cells.compare import differences
from tests.cells.harness import Left, run_both
from tests.cells.known import KNOWN

Both = tuple[list[Left], list[Left]]

# Two at a time: a kernel that waits for a job, and a job that starts, leave a processor idle.
_AT_ONCE = 2


@pytest.fixture(scope="module")
def both_runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Both]]:
    """Run the notebooks that this session has chosen, ahead of the tests that look at them."""
    chosen = [
        str(item.callspec.params["name"])
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and hasattr(item, "callspec")
    ]
    running: dict[str, Future[Both]] = {}
    # Processes, for a kernel's client leaves the event loop of its thread unclosed.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_AT_ONCE, spawn) as pool:

        def both(name: str) -> Both:
            if not running:  # not before the first test, which cleans the environment
                running.update({n: pool.submit(run_both, n, _folder(n)) for n in chosen})
            return running[name].result()

        def _folder(name: str) -> Path:
            return tmp_path_factory.mktemp(name) / "notebook"

        yield both
        for future in running.values():
            future.cancel()


@pytest.mark.kernel
@pytest.mark.parametrize("name", notebook.names())
def test_a_notebook_through_jobs_is_as_if_it_had_run_here(
    name: str, both_runs: Callable[[str], Both]
) -> None:
    found = differences(notebook.read(name), *both_runs(name))
    known = KNOWN.get(name, {})
    new = [text for number, text in found.items() if number not in known]
    assert not new, "\n\n".join([f"{name}: {len(new)} cells differ", *new])
    mended = sorted(known.keys() - found.keys())
    assert not mended, f"{name}: these cells are the same now, so take them off KNOWN: {mended}"


def test_there_are_at_least_three_hundred_cells() -> None:
    cells = [cell for name in notebook.names() for cell in notebook.read(name)]
    assert len(cells) >= 300
    assert all(cell.title and cell.source for cell in cells)
