"""A job pays for what its worker imports, so the worker imports little.

Promise 8 of README.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.backends import registry
from nbsubmit.core.settings import Settings
from nbsubmit.core.watch import Watcher
from tests.library import functions
from tests.way import Way

HEAVY = (
    "IPython", "ipywidgets", "traitlets", "numpy", "pandas", "matplotlib", "click", "psutil",
    "nbsubmit.backends", "nbsubmit.notebook", "nbsubmit.client",
    "nbsubmit.cli", "nbsubmit.sandbox", "nbsubmit.core.names", "nbsubmit.core.capture",
    "nbsubmit.core.slices", "nbsubmit.worker.call", "nbsubmit.worker.links",
    "nbsubmit.core.watch", "nbsubmit.core.culprit", "nbsubmit.core.spec", "nbsubmit.core.output",
    "nbsubmit.core.units", "nbsubmit.core.definitions.classes", "nbsubmit.core.definitions.enums",
    "nbsubmit.core.definitions.functions", "nbsubmit.core.definitions.code",
    "tempfile", "random", "importlib.util", "xxhash", "bisect", "base64", "shlex",
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
    assert len(ours) < 85


def test_a_cell_finds_hardly_more_loaded_than_what_pickling_takes(tmp_path: Path) -> None:
    settings = Settings()
    way = Way(registry.get("debug"), tmp_path / "store", Watcher(settings), settings)
    folder = way.run("import sys\nprint(*sys.modules, sep='\\n')\ny = x + 1", {"x": 1}).folder
    folder.result_file.unlink()
    command = [sys.executable, "-m", "nbsubmit.worker", str(folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert "nbsubmit.worker.execute" in found
    assert len(found - modules_after("import cloudpickle")) < 100


def test_a_call_of_a_function_of_the_users_looks_up_no_version(tmp_path: Path) -> None:
    job = nbsubmit.DebugExecutor(tmp_path).submit(functions.say_what_is_loaded)
    job.folder.result_file.unlink()
    command = [sys.executable, "-m", "nbsubmit.worker", str(job.folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert functions.__name__ in found
    assert not {"importlib.metadata", "email"} & found


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
