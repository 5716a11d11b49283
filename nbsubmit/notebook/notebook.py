"""The notebook that a shell runs: which jobs it has sent, and what came of them."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.settings import Settings
from nbsubmit.core.store import JobStore
from nbsubmit.notebook import whereabouts
from nbsubmit.notebook.marks import Mark, Marks, latest_kernel
from nbsubmit.notebook.moved import Related, related

_log = logging.getLogger("nbsubmit")


class Notebook:
    """What a shell knows of the notebook that it runs.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    settings : Settings
        Where the jobs are, and where the notebook is if the front end does not tell.
    base : Path
        What paths in the settings are relative to.
    """

    def __init__(self, shell: InteractiveShell, settings: Settings, base: Path) -> None:
        self._shell = shell
        self.settings = settings
        self._base = base
        # A kernel that is restarted keeps its id, and has nothing of what it had.
        self.kernel = secrets.token_hex(4)
        self.store = _MarkingStore(self._base / Path(settings.folder).expanduser(), self)
        self._looked: tuple[Path, Related] | None = None

    def use(self, settings: Settings) -> None:
        """Have other settings hold from now on."""
        if settings.folder != self.settings.folder:
            self.store = _MarkingStore(self._base / Path(settings.folder).expanduser(), self)
            self._looked = None
        self.settings = settings

    @property
    def path(self) -> Path | None:
        """The notebook's file; None if it is not known."""
        return whereabouts.notebook_of(self._shell, self.settings.notebook, self._base)

    @property
    def folder(self) -> Path:
        """Where the notebook is."""
        return self._base if self.path is None else self.path.parent

    def origin(self, execution: int) -> dict[str, Any]:
        """Return what a job keeps of where it was sent from, by the cell with this number."""
        return whereabouts.origin(self._shell, self.path, execution)

    @property
    def related(self) -> Related:
        """Other notebooks that have to do with this one, as they were when this was first asked."""
        path = self.path
        if path is None:
            return Related()
        if self._looked is None or self._looked[0] != path:
            own = Marks.of(self.store.path, path)
            self._looked = path, related(self.store.path, path, own)
        return self._looked[1]

    def marks(self) -> dict[str, Mark]:
        """Return the marks of its jobs, by their ids, also of those sent where it was before."""
        found: dict[str, Mark] = {}
        for marks in self._all():
            found |= marks.all()
        return dict(sorted(found.items()))

    def _all(self) -> list[Marks]:
        path = self.path
        if path is None:
            return []
        return [*self.related.earlier, Marks.of(self.store.path, path)]

    def sends(self, job: str) -> None:
        """Mark a job before it is sent."""
        path = self.path
        if path is None:
            return
        try:
            Marks.of(self.store.path, path).add(job, path, whereabouts.cell_of(self._shell))
        except OSError:  # the job goes its way all the same
            _log.debug("job %s could not be marked", job, exc_info=True)

    def has_brought(self, job: str) -> None:
        """Note that this kernel has what a job brought."""
        for marks in self._all():
            try:
                marks.bring(job, self.kernel)
            except OSError:
                _log.debug("job %s could not be marked", job, exc_info=True)

    def to_attach(self) -> list[str]:
        """Return the jobs whose results no kernel had, and those that the last one had.

        Raises
        ------
        FolderError
            If the store is not safe to read.
        """
        marks = self.marks()
        there = {folder.id for folder in self.store.folders()}
        for job in marks.keys() - there:  # it was cleaned away
            marks.pop(job).file.unlink(missing_ok=True)
        last = latest_kernel(marks, self.kernel)
        return [job for job, mark in marks.items() if mark.kernel in ("", last)]


class _MarkingStore(JobStore):
    """A store whose new jobs are marked as the notebook's before anything is started."""

    def __init__(self, path: Path, notebook: Notebook) -> None:
        super().__init__(path)
        self._notebook = notebook

    def new(self, now: float | None = None) -> JobFolder:
        folder = super().new(now)
        self._notebook.sends(folder.id)
        return folder
