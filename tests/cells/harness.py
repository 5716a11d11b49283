"""A notebook, run cell by cell in a plain kernel and then through ``%%local``, and compared."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cells import notebook
from tests.cells.notebook import NotebookCell
from tests.cells.outputs import Message, outputs
from tests.journeys.kernel import PATIENCE, Kernel

ROOT = Path(__file__).parents[2]
MAGIC = "%%local --wait --quiet"

_DIGEST = (
    "__import__('tests.cells.digest', fromlist=['write'])"
    ".write(globals(), {file!r}, {work!r}, {count})"
)


@dataclass(frozen=True)
class Left:
    """What a cell left.

    Attributes
    ----------
    outputs : list of str
        What it showed.
    namespace : dict
        The digest of the namespace after it.
    """

    outputs: list[str]
    namespace: dict[str, Any]


class NotebookKernel:
    """A kernel that runs the cells of one notebook.

    Parameters
    ----------
    folder : Path
        Holds the working directory ``work`` and what the kernel keeps beside it.
    """

    def __init__(self, folder: Path) -> None:
        self._work = folder / "work"
        self._work.mkdir(parents=True)
        self._file = folder / "digest.json"
        environ = {
            "PYTHONPATH": str(ROOT),
            "PYTHONHASHSEED": "0",  # or each kernel would print a set in an order of its own
            "IPYTHONDIR": str(folder / "ipython"),
            "NBSUBMIT_FOLDER": str(folder / "store"),
        }
        self._kernel = Kernel(self._work, environ)

    def close(self) -> None:
        """End the kernel."""
        self._kernel.close()

    def quietly(self, code: str) -> None:
        """Run code that is not the notebook's: it leaves no trace in the history."""
        client = self._kernel.client
        _messages, reply = self._finish(client.execute(code, silent=True))
        assert reply["status"] == "ok", "\n".join(reply["traceback"])

    def run(self, source: str) -> Left:
        """Run a cell."""
        client = self._kernel.client
        messages, reply = self._finish(client.execute(source, store_history=True))
        count = reply["execution_count"]
        self.quietly(_DIGEST.format(file=str(self._file), work=str(self._work), count=count))
        return Left(outputs(messages), json.loads(self._file.read_text()))

    def _finish(self, message_id: str) -> tuple[list[Message], Message]:
        client = self._kernel.client
        deadline = time.monotonic() + PATIENCE
        messages: list[Message] = []
        while True:
            message = client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0.1))
            if message["parent_header"].get("msg_id") != message_id:
                continue
            messages.append(message)
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                break
        reply = client.get_shell_msg(timeout=PATIENCE)
        while reply["parent_header"].get("msg_id") != message_id:
            reply = client.get_shell_msg(timeout=PATIENCE)
        return messages, dict(reply["content"])


def run_both(name: str, folder: Path) -> tuple[list[Left], list[Left]]:
    """Run a notebook plainly and through jobs, in working directories of the same path."""
    cells = notebook.read(name)
    # One after the other, so that not even a path in an output need be explained away.
    with _kernel(folder) as kernel:
        plain = [kernel.run(_plain(cell)) for cell in cells]
    folder.rename(folder.with_name(f"{folder.name}-plain"))
    with _kernel(folder) as kernel:
        kernel.quietly("%load_ext nbsubmit")
        jobs = [kernel.run(f"{MAGIC}\n{cell.source}") for cell in cells]
    return plain, jobs


@contextmanager
def _kernel(folder: Path) -> Iterator[NotebookKernel]:
    kernel = NotebookKernel(folder)
    try:
        yield kernel
    finally:
        kernel.close()


def _plain(cell: NotebookCell) -> str:
    """The cell with the magic's line as a comment, so that its lines have the same numbers."""
    if cell.source.startswith("%%"):
        return cell.source
    return f"# {MAGIC}\n{cell.source}"
