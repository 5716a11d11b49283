"""What it costs to have nbsubmit here at all: to import it, to load it, and to start a worker.

``python -m tests.bench.start``. Imports and cells are measured in processes of their own by the
processor time that they take there: by the clock, the start of a shell differs from run to run by
more than all that is measured. An ordinary cell is also measured with a thousand names and a
hundred jobs that have ended.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.bench.table import Row, at_most, in_turn, tell

ROUNDS, CELL_ROUNDS = 15, 3
START = """
import sys, time
def took(begun):
    print(time.process_time() - begun)
begun = time.process_time()
import nbsubmit
took(begun)
begun = time.process_time()
import IPython, ipywidgets
took(begun)
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
before = {*sys.modules}
begun = time.process_time()
shell.run_line_magic("load_ext", "nbsubmit")
took(begun)
print(len({*sys.modules} - before))
"""
CELLS = """
import statistics, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
def measure():
    times = []
    for n in range(500):
        begun = time.process_time()
        shell.run_cell(f"y = {n}", store_history=True)
        times.append(time.process_time() - begun)
    print(statistics.median(times))
measure()
shell.run_line_magic("load_ext", "nbsubmit")
measure()
shell.run_cell("for n in range(1000):\\n    globals()[f'name_{n}'] = [n]")
for n in range(100):
    shell.run_cell(f"%%local --quiet\\nmade_{n} = {n}")
shell.run_cell("import nbsubmit\\nfor job in nbsubmit.jobs():\\n    job.wait()")
shell.run_cell("assert made_99 == 99").raise_error()
measure()
"""


def figures_of(code: str) -> list[float]:
    """What a program of its own prints, one figure in a line, in a folder of its own."""
    # Without it each start compiles what it imports.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    here = Path(__file__).parents[2]
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(here), env.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=place, env=env, check=True, stdout=subprocess.PIPE, text=True
        )
    lines = (line for line in done.stdout.splitlines() if line[:1].isdigit())
    return [float(line) for line in lines]


def medians(code: str, rounds: int) -> list[float]:
    """The median of each of its figures; the first round is not counted, for it fills caches."""
    found = [figures_of(code) for _ in range(rounds + 1)][1:]
    return [statistics.median(figures) for figures in zip(*found, strict=True)]


def workers() -> dict[str, float]:
    """How long a worker takes for a call, and for a cell that wants IPython, beside bare Python."""
    from nbsubmit.backends import registry
    from nbsubmit.core.settings import Settings
    from nbsubmit.core.watch import Watcher
    from tests.way import Way

    cells = {"worker": "y = 1", "worker with IPython": "get_ipython().user_ns\ny = 1"}
    with tempfile.TemporaryDirectory() as place:
        way = Way(registry.get("debug"), Path(place) / "store", Watcher(Settings()), Settings())
        jobs = {name: way.run(cell).folder.path for name, cell in cells.items()}

        def run(folder: Path) -> None:
            for file in folder.glob("result*"):
                file.unlink()
            command = [sys.executable, "-m", "nbsubmit.worker", str(folder)]
            subprocess.run(command, check=True, capture_output=True)
            assert any(folder.glob("result*")), folder

        bare = [sys.executable, "-c", "import cloudpickle"]
        ways = {name: partial(run, folder) for name, folder in jobs.items()}
        return in_turn({"bare": lambda: subprocess.run(bare, check=True), **ways}, ROUNDS)


def rows() -> Iterator[Row]:
    """Measure all of it."""
    imported, shell, loaded, modules = medians(START, ROUNDS)
    beside = f"import IPython, ipywidgets: {1000 * shell:.0f} ms"
    yield at_most("`import nbsubmit`", 1000 * imported, "ms", 30, beside)
    beside += f"; {modules:.0f} modules"
    yield at_most("`%load_ext nbsubmit`", 1000 * loaded, "ms", 50, beside)
    without, empty, full = medians(CELLS, CELL_ROUNDS)
    beside = f"more than without: {1000 * without:.2g} ms"
    yield at_most("an ordinary cell after `%load_ext`", 1000 * (empty - without), "ms", 1, beside)
    yield at_most("… with 1,000 names and 100 jobs", 1000 * (full - without), "ms", 1, beside)
    times = workers()
    beside = "more than Python with cloudpickle"
    yield at_most("worker start", 1000 * (times["worker"] - times["bare"]), "ms", 40, beside)
    ipython = 1000 * (times["worker with IPython"] - times["bare"])
    yield at_most("worker start with IPython", ipython, "ms", 250, beside)


if __name__ == "__main__":
    tell(rows())
