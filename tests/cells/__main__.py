"""``python -m tests.cells NAME...`` runs notebooks both ways and says what differs."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.cells import notebook
from tests.cells.compare import differences
from tests.cells.harness import run_both


def main(chosen: list[str]) -> int:
    """Run the notebooks of these names, or all."""
    differing = 0
    for name in chosen or notebook.names():
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = differences(notebook.read(name), *run_both(name, Path(folder, "notebook")))
        differing += bool(found)
        seconds = time.monotonic() - began
        print(f"{name}: {len(found)} cells differ ({seconds:.0f} s)", *found.values(), sep="\n\n")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
