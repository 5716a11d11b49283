"""What stands of the extension in a shell where no job is: a doorway, and nothing behind it.

A line that speaks of jobs opens it. What a function here imports a session may never need. Were all
of it loaded by ``%load_ext``, that would cost 336 modules and 430 ms of processor time, on two slow
cores; as it is, it costs 28 modules and 35 ms in the same run. Where the notebook has sent jobs
before it is 48 modules and 75 ms.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core import config_files
from nbsubmit.core.config_files import Configuration
from nbsubmit.core.settings import Settings, variable_of
from nbsubmit.notebook.comm import JobsComm
from nbsubmit.notebook.config import configure
from nbsubmit.notebook.own_imports import OwnImports
from nbsubmit.notebook.whereabouts import notebook_of

if TYPE_CHECKING:
    from nbsubmit.core.job import Job
    from nbsubmit.notebook.local_modules import LocalModules
    from nbsubmit.notebook.notebook import Notebook
    from nbsubmit.notebook.workings import Workings

_OF_LINES = ("%jobs", "%%slurm", "%%local", "%%submit")


class Doorway:
    """Leads from the names that a shell has of the extension to what does the work.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.

    Raises
    ------
    OptionError
        If what is configured cannot be.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        # Where the notebook is now; a later os.chdir must not part it from its jobs.
        self._base = Path.cwd()
        self._lock = threading.RLock()
        self._imports = OwnImports()
        self._local_modules: LocalModules | None = None
        self._notebook: Notebook | None = None
        self._workings: Workings | None = None
        configuration = config_files.load(self._folder())
        _check(configuration)
        for remark in configuration.remarks:
            print(f"nbsubmit: {remark}")
        self._settings = configure(shell, configuration.settings, self._use)
        self.comm = JobsComm(shell, self._may_have_jobs, lambda: self.workings.talk)

    def _folder(self) -> Path:
        """Return where the notebook is; the folder of now if that is not known."""
        named = os.environ.get(variable_of("notebook"), "")
        path = notebook_of(self._shell, named, self._base)
        return self._base if path is None else path.parent

    def _use(self, settings: Settings) -> None:
        """Have other settings hold from now on."""
        with self._lock:
            self._settings = settings
            if self._workings is not None:
                self._workings.session.use(settings)
            elif self._notebook is not None:
                self._notebook.use(settings)

    # Behind it: a front end may ask in a thread while a cell runs

    @property
    def workings(self) -> Workings:
        """What works with jobs."""
        with self._lock:
            if self._workings is None:
                from nbsubmit.notebook.workings import Workings

                self._workings = Workings(self._shell, self.notebook, self._modules(), self.comm)
            return self._workings

    @property
    def notebook(self) -> Notebook:
        """The notebook that the shell runs."""
        with self._lock:
            if self._notebook is None:
                from nbsubmit.notebook.notebook import Notebook

                self._notebook = Notebook(self._shell, self._settings, self._base)
            return self._notebook

    def _modules(self) -> LocalModules:
        with self._lock:
            if self._local_modules is None:
                from nbsubmit.notebook.local_modules import LocalModules

                self._local_modules = LocalModules(self._imports)
            return self._local_modules

    def _may_have_jobs(self) -> bool:
        """Tell whether there may be jobs to speak of: some were sent, or there is a store."""
        store = self._base / Path(self._settings.folder).expanduser()
        return self._workings is not None or os.path.lexists(store)

    # What the shell calls

    def look(self, _result: object = None) -> None:
        """Remember the texts of the user's own modules, from the first one on."""
        if self._local_modules is not None or self._imports.are_there():
            self._modules().look()

    def tell_news(self) -> None:
        """Say what became of the notebook's jobs while no kernel looked."""
        if self._may_have_jobs():
            from nbsubmit.notebook.news import tell_news

            tell_news(self._shell, self.notebook)

    def offered(self, line: str) -> tuple[str, list[str]]:
        """Return what is typed of a line's last word, and what may stand there."""
        magic, space, _ = line.lstrip(" ").partition(" ")
        if space and magic in _OF_LINES:
            return self.workings.completion.offered(line)
        return line.rpartition(" ")[2], []

    def display(self, job: Job) -> None:
        """Show a job as the front end asks for it."""
        self.workings.cells.panels.display(job)


def page(magic: str) -> str:
    """Return the manual of a magic, which is named without its signs."""
    from nbsubmit.notebook import manual

    return manual.page(magic)


def _check(configuration: Configuration) -> None:
    """Make sure that options which the files name are such; what knows them all is large."""
    if configuration.defaults or configuration.profiles:
        from nbsubmit.client import configured

        configured.check(configuration)
