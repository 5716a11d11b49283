"""What it costs to send a value, to load it in a job, and to bring it back changed.

``python -m tests.bench.data [--scale 0.01] [--rounds 3] [--folder .] [name...]`` prints for
each value (`tests.bench.data_values`) the median time and extra memory of each step, beside
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
its highest (`tests.bench.measured`): of a step that is given the value what it needs besides;
of a step that loads it the value itself too, unless it is still no more than a view of a file.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import data_steps
from tests.bench.data_steps import STEPS
from tests.bench.data_values import VALUES
from tests.bench.measured import Figures, run
from tests.bench.table import ROWS, Row, at_most, tell, within

WIDTH = 44
MIB = 1 << 20
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
    title = f"{name}: {VALUES[name].title}"
    print(f"\n{title:{WIDTH}}{'seconds':>9}{'extra MB':>10}{'/ disk':>9}")
    for step, base in BESIDE.items():
        seconds = statistics.median(found[step].seconds for found in rounds)
        extra = statistics.median(found[step].extra_bytes for found in rounds) / 1e6
        ratio = statistics.median(found[step].seconds / found[base].seconds for found in rounds)
        print(f"  {step:{WIDTH - 2}}{seconds:9.4f}{extra:10.1f}{ratio:9.2f}", flush=True)


def rows(folder: Path) -> Iterator[Row]:
    """Measure what the table of all measures has, once warm and three times counted."""
    for name in ("array", "frame", "arrays", "lists"):
        found = [once(name, 1.0, folder) for _ in range(3)]
        title = VALUES[name].title

        def seconds(step: str, found: list[dict[str, Figures]] = found) -> float:
            return statistics.median(each[step].seconds for each in found)

        def extra(step: str, found: list[dict[str, Figures]] = found) -> float:
            return statistics.median(each[step].extra_bytes for each in found)

        if name == "array":
            write, durable = seconds("raw write"), seconds("raw write, fsync")
            yield within(f"{title}: sent", seconds("send"), "a sequential write", write, 1.2)
            yield at_most(f"{title}: memory to send it", extra("send") / MIB, "MiB more", 64)
            again = seconds("send again")
            yield within(f"{title}: in the next cell", again, "a sequential write", write, 0.5)
            fresh = 1000 * seconds("load and use")
            yield Row(f"{title}: loaded and all read", fresh, "ms", "", None, "", met=True)
            back = seconds("bring back")
            yield within(f"{title}: brought back", back, "the same, synchronised", durable, 1.2)
            home = extra("take home") / MIB
            yield at_most(f"{title}: memory to take it home", home, "MiB more", 64)
        else:
            dump = seconds("cloudpickle.dump")
            yield within(f"{title}: sent", seconds("send"), "cloudpickle, protocol 5", dump, 1)
            load = seconds("pickle.load and use")
            yield within(f"{title}: loaded", seconds("load and use"), "pickle.load", load, 1)
            more, theirs = extra("send") / MIB, extra("cloudpickle.dump") / MIB
            aim, met = "at most 0.5 times", more <= theirs / 2
            told = "cloudpickle, protocol 5"
            yield Row(f"{title}: memory to send it", more, "MiB more", told, theirs, aim, met)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.data")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to be measured")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(VALUES))
    parser.add_argument(ROWS, action="store_true", help="for the table of all measures")
    options = parser.parse_args()
    if options.rows:
        tell(rows(options.folder.resolve()))
        return
    unknown = [name for name in options.names if name not in VALUES]
    if unknown:
        parser.error(f"no such value: {', '.join(unknown)}; there are {', '.join(VALUES)}")
    for name in options.names or VALUES:
        found = [once(name, options.scale, options.folder.resolve()) for _ in range(options.rounds)]
        report(name, found)


if __name__ == "__main__":
    main()
