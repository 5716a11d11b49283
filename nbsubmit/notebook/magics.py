"""The magics by their names; what they do is behind the doorway."""

from __future__ import annotations

from functools import partial
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from nbsubmit.notebook.doorway import Doorway, page

MAGICS = (("cell", "slurm"), ("cell", "local"), ("cell", "submit"), ("line", "jobs"))


@magics_class
class NbSubmitMagics(Magics):  # type: ignore[misc]
    """``%%slurm``, ``%%local``, ``%%submit`` and ``%jobs``.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    doorway : Doorway
        Leads to what does the work.
    """

    def __init__(self, shell: InteractiveShell, doorway: Doorway) -> None:
        super().__init__(shell)
        self._doorway = doorway

    @no_var_expand
    @cell_magic
    def slurm(self, line: str, cell: str) -> Any:
        """Send the cell to Slurm."""
        __tracebackhide__ = True
        return self._doorway.workings.cells.run("slurm", line, cell)

    @no_var_expand
    @cell_magic
    def local(self, line: str, cell: str) -> Any:
        """Run the cell in a process on this machine."""
        __tracebackhide__ = True
        return self._doorway.workings.cells.run("local", line, cell)

    @no_var_expand
    @cell_magic
    def submit(self, line: str, cell: str) -> Any:
        """Send the cell to the best backend that there is here."""
        __tracebackhide__ = True
        return self._doorway.workings.cells.run("submit", line, cell)

    @no_var_expand
    @line_magic
    def jobs(self, line: str) -> None:
        """See this notebook's jobs, look at one, send it again, debug it, or end it."""
        self._doorway.workings.jobs.run(line)


# A question mark asks for this, if it is there, in the place of the docstring.
for _kind, _name in MAGICS:
    getattr(NbSubmitMagics, _name).getdoc = partial(page, _name)
