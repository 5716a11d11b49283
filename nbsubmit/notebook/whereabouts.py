"""Where a cell stands: in which notebook, where in it, and in which kernel it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.notebook.place import is_headless

# Enough of a cell to know it again, where the front end gives it no name that lasts.
_LINES = 5


def notebook_of(shell: InteractiveShell, named: str, base: Path) -> Path | None:
    """Return the notebook's path; None if nobody tells.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    named : str
        The path that the settings have, or nothing.
    base : Path
        What a relative one is relative to.
    """
    found = named or shell.user_ns.get("__vsc_ipynb_file__")
    # A program that was started from a notebook has that one's variables, and runs another.
    if not found and not is_headless(shell):
        found = os.environ.get("JPY_SESSION_NAME")
    return Path(os.path.realpath(base / Path(str(found)).expanduser())) if found else None


def cell_of(shell: InteractiveShell) -> dict[str, Any]:
    """Return by what the cell that runs now can be known again: its id, and its first lines."""
    text = _text(shell)
    lines = [line for line in text.splitlines() if line.strip()]
    found = {"cell": _cell_id(shell), "lines": lines[:_LINES]}
    return {key: value for key, value in found.items() if value}


def origin(shell: InteractiveShell, notebook: Path | None, execution: int) -> dict[str, Any]:
    """Return what a job keeps of where it was sent from, as far as it is known.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    notebook : Path or None
        The notebook.
    execution : int
        The number in the cell's prompt.
    """
    found = {
        "notebook": str(notebook) if notebook else "",
        **cell_of(shell),
        "execution": execution,
        "kernel": _kernel_id(shell),
    }
    return {key: value for key, value in found.items() if value}


def _cell_id(shell: InteractiveShell) -> str:
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)()
    value = (parent.get("metadata") or {}).get("cellId")
    return "" if value is None else str(value)


def _text(shell: InteractiveShell) -> str:
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)()
    code = (parent.get("content") or {}).get("code")
    if isinstance(code, str):
        return code
    inputs = shell.user_ns.get("In") or [""]
    return str(inputs[-1])


def _kernel_id(shell: InteractiveShell) -> str:
    """Return the id by which Jupyter knows the kernel: it is in its connection file's name."""
    app = getattr(getattr(shell, "kernel", None), "parent", None)
    file = str(getattr(app, "connection_file", "") or "")
    return Path(file).stem.removeprefix("kernel-")
