"""How fast it is, beside its peers, what Slurm needs and what the disk allows: one table.

``python -m tests.bench [GROUP...]`` runs each group in a process of its own, one after the other,
and prints a line for each measure. All is measured in the same run on the same machine, on a
sandbox's Slurm; a ratio tells more than a time. The peers come with ``pip install '.[bench]'``.
Groups can be run alone, and some say more then: ``python -m tests.bench.data --help``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.bench.table import HEAD, ROWS, START, Row

GROUPS = ("cell", "local_jobs", "array_on_slurm", "arrays", "data", "start", "load")


def main(groups: list[str]) -> None:
    """Run groups and print their rows."""
    unknown = [name for name in groups if name not in GROUPS]
    if unknown:
        sys.exit(f"there is no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    print(HEAD)
    for name in groups or GROUPS:
        command = [sys.executable, "-m", f"tests.bench.{name}", ROWS]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_alone()) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if not line.startswith(START):  # what others say
                    continue
                print(Row(**json.loads(line)).line, flush=True)
        if process.returncode:
            sys.exit(f"the group {name} failed")


def _alone() -> dict[str, str]:
    """An environment without settings of the person who measures."""
    ours = ("NBSUBMIT_", "SLURM_", "SBATCH_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


if __name__ == "__main__":
    main(sys.argv[1:])
