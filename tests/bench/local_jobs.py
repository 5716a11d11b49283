"""A hundred jobs of nothing on this machine, beside submitit and a pool of processes.

``python -m tests.bench.local_jobs``: from the first one sent to the last result. Jobs of nbsubmit
and submitit outlive the process that sends them; a pool's do not, and it stands here for reference.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import submitit
from joblib import Parallel, delayed

import nbsubmit
from tests.bench.nothing import add
from tests.bench.table import Row, in_turn, tell, within

COUNT = 100


def executor_of(module: Any, folder: Path) -> Callable[[], None]:
    """The jobs through a module with submitit's names."""

    def once() -> None:
        executor = module.AutoExecutor(folder, cluster="local")
        jobs = [executor.submit(add, n, n) for n in range(COUNT)]
        assert [job.result() for job in jobs] == [2 * n for n in range(COUNT)]

    return once


def in_a_pool() -> None:
    """The calls in processes of a pool."""
    found = Parallel(n_jobs=os.cpu_count())(delayed(add)(n, n) for n in range(COUNT))
    assert found == [2 * n for n in range(COUNT)]


def rows() -> Iterator[Row]:
    """Measure all of them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["NBSUBMIT_QUEUE"] = str(folder / "queue")
        ways = {
            "ours": executor_of(nbsubmit, folder / "ours"),
            "submitit": executor_of(submitit, folder / "submitit"),
            "pool": in_a_pool,
        }
        found = in_turn(ways, 1)
    measure = f"{COUNT} jobs of nothing on this machine"
    yield within(measure, found["ours"], "submitit", found["submitit"], 0.05)
    told = "joblib's pool, for reference"
    yield Row(measure, found["ours"], "s", told, found["pool"], "", met=True)


if __name__ == "__main__":
    tell(rows())
