"""Magics that have no sense in a job: nobody sits before it, and it has no window.

What merely shows things otherwise is passed over, with a word about it; what asks its user is
refused.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nbsubmit.worker.execute import NoInput

if TYPE_CHECKING:
    from nbsubmit.worker.ishell import WorkerShell

_OWN = "nbsubmit"
# Ways to draw that need no window.
_DRAWN = frozenset({None, "", "auto", "inline", "headless", "agg", "cairo", "pdf", "ps", "svg"})


def pass_over(what: str, why: str) -> None:
    """Say on standard error what a job does not do."""
    print(f"{what} is passed over in a job: {why}", file=sys.stderr)


def drawing(gui: str | None) -> str | None:
    """Return how figures are drawn where the cell asks for this way."""
    if gui is None or gui.lower() in _DRAWN:
        return gui
    pass_over(f"%matplotlib {gui}", "its figures come back as pictures")
    return "inline"


def replace(shell: WorkerShell) -> None:
    """Put what says so in the place of these magics."""

    def debug(line: str) -> None:
        raise NoInput(
            f"{f'%debug {line}'.strip()} has nobody to ask in a job: "
            f"call it in a cell that runs in the notebook"
        )

    def pdb(line: str) -> None:
        pass_over(f"%pdb {line}".strip(), "a debugger has nobody to ask there")

    for function in (debug, pdb):
        shell.register_magic_function(function)
    for name in ("load_ext", "reload_ext"):
        shell.register_magic_function(_but_our_own(shell, name), magic_name=name)


def _but_our_own(shell: WorkerShell, name: str) -> object:
    """Return the magic that loads extensions, all but this package's."""
    load = shell.find_line_magic(name)

    def load_other(line: str) -> object:
        if line.strip() == _OWN:
            pass_over(f"%{name} {_OWN}", "jobs are sent from the notebook")
            return None
        return load(line)

    return load_other
