"""What it costs to send a value, to load it in a job, and to bring it back changed.

``python -m tests.benchmarks.data [--scale 0.01] [--rounds 3] [--folder .] [name...]`` prints for
each value (`tests.benchmarks.data_values`) the median time and extra memory of each step, beside
plain cloudpickle and joblib, and the ratio of its time to that of the bare disk: as many bytes
written or read in sequence, in the same round and in the same way, durably or not.

* ``send`` is what a cell waits for: capture, files, and the hashes of `nbsubmit.core.handed`.
  ``send again`` is the same by another process, when the data are there already.
* ``load and use`` is in the job, until all of the value has been read once. ``fingerprint`` is what
  a job does before its cell to find later what the cell has changed.
* ``bring back`` is what a job does after a cell that has changed the value, until it is on the disk
  for certain.
* ``take home`` is in the notebook that has sent it, ``take home elsewhere`` in a new process; both
  until all has been read once.

Each step runs in a process of its own, which has imported the packages before. Everything that is
read lies in the page cache, as it was just written. Extra memory is the growth of private memory at
its highest (`tests.benchmarks.measured`): of a step that is given the value what it needs besides;
of a step that loads it the value itself too, unless it is still no more than a view of a file.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks import data_steps
from tests.benchmarks.data_steps import STEPS
from tests.benchmarks.data_values import VALUES
from tests.benchmarks.measured import Figures, run

# Each step, beside what the disk needs for itself.
BESIDE = {
    "send": "raw write",
    "send again": "raw write",
    "cloudpickle.dump": "raw write",
    "joblib.dump": "raw write",
    "raw write": "raw write",
    "load and use": "raw read",
    "fingerprint": "raw read",
    "pickle.load and use": "raw read",
    "joblib.load and use": "raw read",
    "raw read": "raw read",
    "bring back": "raw write, fsync",
    "cloudpickle.dump, fsync": "raw write, fsync",
    "joblib.dump, fsync": "raw write, fsync",
    "raw write, fsync": "raw write, fsync",
    "take home": "raw read",
    "take home elsewhere": "raw read",
}


def once(name: str, scale: float, place: Path) -> dict[str, Figures]:
    """Take all steps with a value once."""
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=place) as folder:
        return {step: run(data_steps.__name__, folder, name, step, str(scale)) for step in STEPS}


def report(name: str, rounds: list[dict[str, Figures]]) -> None:
    """Print the medians of one value's steps."""
    print(f"\n{name + ': ' + VALUES[name].title:34}{'seconds':>9}{'extra MB':>10}{'/ disk':>9}")
    for step, base in BESIDE.items():
        seconds = statistics.median(found[step].seconds for found in rounds)
        extra = statistics.median(found[step].extra_bytes for found in rounds) / 1e6
        ratio = statistics.median(found[step].seconds / found[base].seconds for found in rounds)
        print(f"  {step:32}{seconds:9.4f}{extra:10.1f}{ratio:9.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.data")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to be measured")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(VALUES))
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in VALUES]
    if unknown:
        parser.error(f"no such value: {', '.join(unknown)}; there are {', '.join(VALUES)}")
    for name in options.names or VALUES:
        found = [once(name, options.scale, options.folder.resolve()) for _ in range(options.rounds)]
        report(name, found)


if __name__ == "__main__":
    main()
