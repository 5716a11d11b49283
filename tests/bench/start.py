"""What it costs to have nbsubmit here at all: to import it, to load it, and to start a worker.

``python -m tests.bench.start``. Imports are timed in processes of their own, in turn with what they
stand beside. An ordinary cell is timed in a kernel with a thousand names and a hundred jobs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from tests.bench.table import Row, at_most, in_turn, tell
from tests.journeys.kernel import Kernel

ROUNDS = 15
SHELL = (
    "import IPython, ipywidgets; "
    "from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell()"
)
PROGRAMS = {
    "nothing": "pass",
    "nbsubmit": "import nbsubmit",
    "shell": SHELL,
    "loaded": f"{SHELL}; shell.run_line_magic('load_ext', 'nbsubmit')",
}
MANY = "for n in range(1000):\n    globals()[f'name_{n}'] = [n]"
JOBS = (
    "for n in range(100):\n    get_ipython().run_cell_magic('local', '--quiet', f'made_{n} = {n}')"
)
WAIT = "import nbsubmit\nfor job in nbsubmit.jobs():\n    job.wait()"


def seconds_of(programs: Mapping[str, str]) -> dict[str, float]:
    """How long each takes in a process of its own."""

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    return in_turn({name: partial(run, code) for name, code in programs.items()}, ROUNDS)


def cell_ms(kernel: Kernel) -> float:
    """How long an ordinary cell takes."""
    times = []
    for n in range(100):
        begun = time.perf_counter()
        kernel.run(f"y = {n}")
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def ordinary() -> Iterator[float]:
    """Yield how long an ordinary cell takes: without, with, with many names, and with many jobs."""
    with tempfile.TemporaryDirectory() as place:
        kernel = Kernel(Path(place), {})
        try:
            yield cell_ms(kernel)
            kernel.run("%load_ext nbsubmit")
            yield cell_ms(kernel)
            kernel.run(MANY)
            kernel.run(JOBS)
            kernel.run(WAIT)
            kernel.run("y = 0")
            yield cell_ms(kernel)
        finally:
            kernel.close()


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
    found = seconds_of(PROGRAMS)
    imported, loaded = found["nbsubmit"] - found["nothing"], found["loaded"] - found["shell"]
    yield at_most("`import nbsubmit`", 1000 * imported, "ms", 30)
    yield at_most(
        "`%load_ext nbsubmit`", 1000 * loaded, "ms", 50, "more than IPython and ipywidgets"
    )
    without, empty, full = ordinary()
    beside = f"more than without: {without:.2g} ms"
    yield at_most("an ordinary cell after `%load_ext`", empty - without, "ms", 1, beside)
    yield at_most("… with 1,000 names and 100 jobs", full - without, "ms", 1, beside)
    times = workers()
    beside = "more than Python with cloudpickle"
    yield at_most("worker start", 1000 * (times["worker"] - times["bare"]), "ms", 40, beside)
    ipython = 1000 * (times["worker with IPython"] - times["bare"])
    yield at_most("worker start with IPython", ipython, "ms", 250, beside)


if __name__ == "__main__":
    tell(rows())
