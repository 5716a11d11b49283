"""Two notebooks, two kernels, one store, at the same time; and two kernels of one notebook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel

# Sends jobs one after the other, while the other kernel does the same.
ROUNDS = 12
SENDING = (
    "jobs = []\n"
    "for number in range({rounds}):\n"
    "    get_ipython().run_cell_magic("
    "'{word}', '--no-panel --quiet --job-name {name}', f'{name}{{number}} = {{number}}')\n"
    "import nbsubmit"
)


@pytest.fixture
def word(started_backend: str) -> str:
    """The name of the magic of each backend that starts processes."""
    return started_backend


@pytest.fixture
def open_notebook(start_kernel: Callable[..., Kernel], tmp_path: Path) -> Callable[[str], Kernel]:
    """Start a kernel of a notebook in the one folder."""
    return lambda name: start_kernel(JPY_SESSION_NAME=str(tmp_path / f"{name}.ipynb"))


def locks(folder: Path) -> list[Path]:
    """What a lock or a half-written file would be: a hidden file, in the store."""
    hidden = [file for file in (folder / ".nbsubmit").rglob(".*") if file.name != ".gitignore"]
    return [*hidden, *(folder / ".nbsubmit").rglob("*lock*")]


def is_home(kernel: Kernel, name: str) -> bool:
    count = f"sum('{name}' + str(n) in globals() for n in range({ROUNDS}))"
    return kernel.run(f"print({count})").stdout == f"{ROUNDS}\n"


def test_no_update_is_lost_and_no_job_is_shown_twice(
    open_notebook: Callable[[str], Kernel], word: str, tmp_path: Path
) -> None:
    kernels = {name: open_notebook(name) for name in ("left", "right")}
    started = {
        name: kernel.start(SENDING.format(rounds=ROUNDS, word=word, name=name))
        for name, kernel in kernels.items()
    }
    for name, kernel in kernels.items():
        ran = kernel.finish(started[name])
        assert ran.status == "ok", ran.traceback
    for name, kernel in kernels.items():
        until(lambda k=kernel, n=name: is_home(k, n), "all jobs are home")
        values = kernel.run(f"print([globals()[f'{name}{{n}}'] for n in range({ROUNDS})])")
        assert values.stdout == f"{list(range(ROUNDS))}\n"
        mine = kernel.run("%jobs list").stdout.splitlines()
        assert len(mine) == ROUNDS
        assert len({line.split()[0] for line in mine}) == ROUNDS
        assert all(name in line and "COMPLETED" in line for line in mine)
        everyone = kernel.run("%jobs list --all").stdout.splitlines()
        assert len({line.split()[0] for line in everyone}) == len(everyone) == 2 * ROUNDS
    assert locks(tmp_path) == []
    for kernel in kernels.values():
        kernel.kill()
    for name in kernels:  # each has its own, and nothing is told twice
        fresh = open_notebook(name)
        fresh.run("%jobs attach --all")
        assert is_home(fresh, name)
        assert len(fresh.run("%jobs list").stdout.splitlines()) == ROUNDS


def test_a_kernel_that_is_killed_while_it_sends_leaves_no_lock(
    open_notebook: Callable[[str], Kernel], word: str, tmp_path: Path
) -> None:
    kernel, other = open_notebook("left"), open_notebook("right")
    kernel.start(SENDING.format(rounds=1000, word=word, name="left"))
    jobs = tmp_path / ".nbsubmit" / "jobs"
    until(lambda: jobs.is_dir() and len(list(jobs.iterdir())) >= 3, "the kernel sends")
    kernel.kill()
    other.run(f"%%{word} --wait --quiet\nalive = 1")
    assert other.run("print(alive)").stdout == "1\n"
    fresh = open_notebook("left")
    fresh.run("%jobs attach --all")
    count = "sum(name.startswith('left') for name in globals())"
    sent = len(list(jobs.glob("*/handle.json"))) - 1
    until(lambda: int(fresh.run(f"print({count})").stdout) >= sent, "all that was sent comes home")
    ids = [line.split()[0] for line in fresh.run("%jobs list").stdout.splitlines()]
    assert len(set(ids)) == len(ids) >= sent


def test_two_kernels_of_one_notebook_do_not_take_jobs_from_each_other(
    open_notebook: Callable[[str], Kernel], word: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    first, second = open_notebook("one"), open_notebook("one")
    first.run(f"gate = {str(gate)!r}")
    first.run(
        f"%%{word}\nimport os, time\nwhile not os.path.exists(gate): time.sleep(0.02)\nx = 'both'"
    )
    second.run("%jobs attach --all")
    gate.touch()
    for kernel in (first, second):
        until(lambda k=kernel: "x" in k.run("print(*dir())").stdout.split(), "it is home")
        assert kernel.run("print(x)").stdout == "both\n"
        assert len(kernel.run("%jobs list").stdout.splitlines()) == 1


def test_a_list_of_ones_own_jobs_opens_none_of_others(
    open_notebook: Callable[[str], Kernel], tmp_path: Path
) -> None:
    other, kernel = open_notebook("left"), open_notebook("right")
    other.run("%%local --wait --quiet --as job\nx = 1")
    theirs = other.run("print(job.id)").stdout.strip()
    kernel.run("%%local --wait --quiet\ny = 1")
    (tmp_path / ".nbsubmit" / "jobs" / theirs).chmod(0o777)  # to open it is refused, and told
    mine = kernel.run("%jobs")
    assert len(mine.stdout.splitlines()) == 1
    assert theirs not in mine.stdout + mine.stderr
    everyone = kernel.run("%jobs list --all")
    assert f"job {theirs} is left out" in everyone.stderr
