"""All that works with jobs for one shell; loaded when a job is first spoken of."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.notebook.cell_commands import CellCommands
from nbsubmit.notebook.comm import JobsComm
from nbsubmit.notebook.completion import Completion
from nbsubmit.notebook.job_commands import JobCommands
from nbsubmit.notebook.local_modules import LocalModules
from nbsubmit.notebook.notebook import Notebook
from nbsubmit.notebook.session import Session
from nbsubmit.notebook.talk import Talk


class Workings:
    """What the names that a shell has of the extension lead to.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    notebook : Notebook
        The notebook that it runs.
    local_modules : LocalModules
        The user's own modules, as they were imported.
    line : JobsComm
        The line to front ends.

    Attributes
    ----------
    session : Session
        Sends cells and finds their jobs.
    cells : CellCommands
        What the magics of cells do.
    jobs : JobCommands
        What ``%jobs`` does.
    completion : Completion
        What TAB offers.
    talk : Talk
        What front ends are told and ask for.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        notebook: Notebook,
        local_modules: LocalModules,
        line: JobsComm,
    ) -> None:
        self.session = session = Session(shell, notebook, local_modules)
        self.cells = cells = CellCommands(session)
        self.jobs = JobCommands(session, cells.panels, cells.again_with)
        self.completion = Completion(
            shell, cells.grammars, session.configuration, lambda: session.store
        )
        self.talk = Talk(session, line)
