"""What a kernel pays for many jobs and for jobs that print much.

``python -m tests.bench.load [live jobs] [finished jobs] [--rows]`` starts a sandbox and real
kernels, and prints a table: with so many live jobs of one kernel, held in Slurm's queue, and none;
with so many finished jobs of others in the store, and none; and with a job that prints 100 MB in
lines, 50 MB in one line, or binary data, how much the kernel's memory grows and how long a cell
takes meanwhile.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import psutil

from nbsubmit.core.settings import Settings
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import up
from tests.bench.arrays import counted_programs
from tests.bench.table import ROWS, Row, at_most, tell
from tests.journeys.kernel import Kernel

WINDOW_SECONDS = 30.0
SEND = """
for n in range({first}, {last}):
    get_ipython().run_cell_magic("slurm", "--hold --quiet", f"x{{n}} = {{n}}")
"""
PRINTS = {
    "100 MB in lines": "for n in range(1_000_000):\n    print('0123456789' * 10)",
    "one line of 50 MB": "print('0123456789' * 5_000_000)",
    "20 MB of binary": "import os\nos.write(1, os.urandom(20_000_000))",
}


@contextmanager
def started(folder: Path) -> Iterator[Kernel]:
    """A kernel in a folder, with the extension."""
    kernel = Kernel(folder, {})
    try:
        kernel.run("%load_ext nbsubmit")
        yield kernel
    finally:
        kernel.close()


def process_of(kernel: Kernel) -> psutil.Process:
    """The kernel's process."""
    return psutil.Process(int(kernel.run("import os; print(os.getpid())").stdout))


def memory_mb(process: psutil.Process) -> float:
    """Its memory now."""
    return float(process.memory_info().rss) / 1e6


def cell_ms(kernel: Kernel, cell: str, rounds: int = 15) -> float:
    """How long a cell takes from being sent to its end, as the median of some."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        kernel.run(cell)
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def share(process: psutil.Process, seconds: float) -> float:
    """How much of one processor it uses, in percent."""
    before, begun = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    return float(100 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - begun))


def show(what: str, found: float, unit: str, beside: str = "") -> None:
    """Print a row."""
    print(f"{what:<58}{found:>10.3g} {unit:<4}{beside}", flush=True)


def suffix(number: int) -> str:
    """The end of an id, another for each number."""
    letters = "bcdfghjkmnpq"
    return "".join(letters[number // 12**place % 12] for place in range(4))


def live(place: Path, count: int, calls: Callable[[], int]) -> tuple[float, int]:
    """Many live jobs of one kernel: percent of a processor, and calls of Slurm in a window."""
    (place / "live").mkdir()
    with started(place / "live") as kernel:
        process = process_of(kernel)
        memory, ordinary = memory_mb(process), cell_ms(kernel, "y = 1")
        idle = share(process, 10)
        begun = time.monotonic()
        for first in range(0, count, 50):
            kernel.run(SEND.format(first=first, last=min(first + 50, count)))
        show(f"{count} live jobs: each sent in", 1000 * (time.monotonic() - begun) / count, "ms")
        time.sleep(5)
        asked = calls()
        used = share(process, WINDOW_SECONDS)
        asked = calls() - asked
        show("  of one processor", used, "%", f"(none: {idle:.2g})")
        show(f"  calls of Slurm in {WINDOW_SECONDS:.0f} s", asked, "")
        grown = memory_mb(process) - memory
        show("  memory", grown, "MB", "more")
        show("  an ordinary cell", cell_ms(kernel, "y = 1"), "ms", f"(none: {ordinary:.3g})")
        show("  %jobs", cell_ms(kernel, "%jobs", 3), "ms")
        kernel.run("import subprocess\nsubprocess.run(['scancel', '--me'], check=True)")
    return used, asked


def ordinary_ends(place: Path, count: int, calls: Callable[[], int]) -> float:
    """How often Slurm is asked about a job that ends as most do.

    To send it are two calls more: whether the controller answers, and sbatch.
    """
    (place / "ends").mkdir()
    with started(place / "ends") as kernel:
        kernel.run("%%slurm --wait --quiet\nx = 0")  # what is asked once for all
        before = calls()
        for n in range(count):
            assert kernel.run(f"%%slurm --wait --quiet\nx = {n}").status == "ok"
        return (calls() - before) / count - 2


def finished(place: Path, count: int) -> None:
    """Many jobs of others, long finished, in the store."""
    folder = place / "finished"
    folder.mkdir()
    with started(folder) as kernel:
        process = process_of(kernel)
        kernel.run("%%local --wait --quiet\nx = 1")
        before = {
            cell: cell_ms(kernel, cell, 5) for cell in ("%jobs", "y = 1", "%%local --wait\nx = 2")
        }
    jobs = folder / ".nbsubmit" / "jobs"
    sample = next(jobs.iterdir())
    for n in range(count):
        job = jobs / f"200101-{n // 3600 % 24:02}{n // 60 % 60:02}{n % 60:02}-{suffix(n)}"
        shutil.copytree(sample, job, symlinks=True)
        spec = json.loads((job / "job.json").read_text())
        (job / "job.json").write_text(json.dumps({**spec, "id": job.name, "origin": {}}))
    begun = time.monotonic()
    with started(folder) as kernel:
        show(f"{count} finished jobs: a kernel starts and loads", time.monotonic() - begun, "s")
        process = process_of(kernel)
        memory = memory_mb(process)
        kernel.run("%%local --wait --quiet\nx = 1")
        for cell, alone in before.items():
            show(f"  {cell!r}", cell_ms(kernel, cell, 5), "ms", f"(none: {alone:.3g})")
        show("  memory", memory_mb(process) - memory, "MB", "more")
        begun = time.monotonic()
        listed = len(kernel.run("%jobs list --all").stdout.splitlines())
        show("  %jobs list --all", time.monotonic() - begun, "s", f"({listed} lines)")


def printing(place: Path) -> None:
    """Jobs that print much, with a panel."""
    for what, cell in PRINTS.items():
        folder = place / what.replace(" ", "-")
        folder.mkdir()
        with started(folder) as kernel:
            process = process_of(kernel)
            memory = peak = memory_mb(process)
            begun = time.monotonic()
            kernel.run(f"%%local --as job\n{cell}")
            cells = []
            while kernel.run("print(job.done())").stdout != "True\n":
                cells.append(cell_ms(kernel, "y = 1", 1))
                peak = max(peak, memory_mb(process))
            seconds = time.monotonic() - begun
            kernel.run("y = 2")
            peak = max(peak, memory_mb(process))
            logs = folder.glob(".nbsubmit/jobs/*/*")
            size = max(file.stat().st_size for file in logs if file.is_file()) / 1e6
            show(
                f"a job prints {what}: sent and brought home in",
                seconds,
                "s",
                f"({size:.0f} MB kept)",
            )
            show("  memory of the kernel", peak - memory, "MB", "more")
            if cells:
                show("  the slowest cell meanwhile", max(cells), "ms")


def rows(count: int) -> Iterator[Row]:
    """Measure what the table of all measures has."""
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        config = SandboxConfig(place / "sandbox", extra_conf={"MaxJobCount": "200000"})
        with up(config, owner=os.getpid()) as sandbox, redirect_stdout(io.StringIO()):
            os.environ.update(sandbox.environ)
            calls = counted_programs(place)
            ended = ordinary_ends(place, 10, calls)
            used, asked = live(place, count, calls)
    interval = Settings().poll_seconds
    yield at_most("calls of Slurm about a job that ends normally", ended, "", 0)
    most = WINDOW_SECONDS / interval
    yield at_most(f"calls of Slurm for {count:,} live jobs in half a minute", asked, "", most)
    yield at_most(f"the kernel's share of a core with {count:,} live jobs", used, "%", 3)


def main(count: int, ended: int) -> None:
    """Measure all and print a table."""
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        conf = {"MaxJobCount": "200000"}
        config = SandboxConfig(place / "sandbox", extra_conf=conf)
        with up(config, owner=os.getpid()) as sandbox:
            os.environ.update(sandbox.environ)
            live(place, count, counted_programs(place))
        finished(place, ended)
        printing(place)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    numbers += [1_000, 10_000][len(numbers) :]
    if ROWS in sys.argv:
        tell(rows(numbers[0]))
    else:
        main(*numbers)
