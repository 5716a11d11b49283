"""A job pays for what its worker imports, so the worker imports little.

Promise 8 of README.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "IPython", "ipywidgets", "traitlets", "numpy", "pandas", "matplotlib", "click", "psutil",
    "nbsubmit.backends", "nbsubmit.notebook", "nbsubmit.client",
    "nbsubmit.cli", "nbsubmit.sandbox", "nbsubmit.core.names", "nbsubmit.core.capture",
    "nbsubmit.core.slices", "nbsubmit.worker.call", "nbsubmit.worker.links",
    "nbsubmit.core.watch", "nbsubmit.core.culprit", "nbsubmit.core.spec", "nbsubmit.core.output",
    "tempfile", "random", "importlib.util",
)  # fmt: skip


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def worker() -> set[str]:
    return modules_after("import nbsubmit.worker.process")


@pytest.mark.parametrize("name", HEAVY)
def test_the_worker_does_not_import_what_only_some_cells_need(worker: set[str], name: str) -> None:
    assert "nbsubmit.worker.run" in worker
    assert name not in worker


def test_the_worker_imports_hardly_more_than_what_pickling_takes(worker: set[str]) -> None:
    ours = worker - modules_after("import cloudpickle, xxhash, json, asyncio, logging, importlib")
    assert len(ours) < 95


def test_the_front_door_imports_nothing_behind_it() -> None:
    loaded = modules_after("import nbsubmit")
    assert {name for name in loaded if name.startswith("nbsubmit.")} == set()
    assert not {"cloudpickle", "IPython"} & loaded


def test_a_plain_cell_needs_no_ipython() -> None:
    statement = (
        "from nbsubmit.core.cell import Cell\n"
        "from nbsubmit.worker.execute import execute\n"
        "class Shows:\n"
        "    def show_result(self, value): pass\n"
        "outcome = execute(Cell('1 + 1', '', '<cell>'), {}, Shows())\n"
        "assert outcome.value == 2"
    )
    assert "IPython" not in modules_after(statement)
