"""The panels of a shell's jobs: one each, wherever they are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nbsubmit.client.meters import Meters
from nbsubmit.client.rows import JobRow
from nbsubmit.core.job import Job
from nbsubmit.notebook.place import Place, has_front_end
from nbsubmit.notebook.session import Session

if TYPE_CHECKING:
    from nbsubmit.notebook.panel import Panel

# So many ended jobs keep their widgets, for pages that were loaded anew meanwhile.
_KEPT = 20
_BEFORE_CELL = "pre_run_cell"


class Panels:
    """Shows jobs in a notebook.

    Parameters
    ----------
    session : Session
        The shell's.
    resubmit : callable
        Sends a job again, of which nothing is said but by its panel: the job and the line of
        options in, the new job out.
    """

    def __init__(self, session: Session, resubmit: Callable[[Job, str], Job]) -> None:
        self._session = session
        self.resubmit = resubmit
        self._panels: dict[str, Panel] = {}
        self._lingering: list[Panel] = []
        self._listens = False

    def display(self, job: Job) -> None:
        """Show a job as the front end asks for it.

        Raises
        ------
        NotImplementedError
            If it has to be shown as text: the shell does that then.
        """
        shell = self._session.shell
        if job.id in self._session.without_panel or not has_front_end(shell):
            raise NotImplementedError
        known = self._panels.get(job.id)
        place = Place(shell)
        if known is None:
            self.show(job, place)
        else:
            known.move(place)

    def show(self, job: Job, place: Place, *, brief: bool = False, lingers: bool = False) -> None:
        """Show a job in a place for the first time, or anew with all that belongs to it."""
        # Widgets take a tenth of a second to import, and are not needed before the first job.
        from nbsubmit.notebook.panel import Panel

        old = self._panels.pop(job.id, None)
        if old is not None:
            old.close()
            if old in self._lingering:
                self._lingering.remove(old)
        panel = self._panels[job.id] = Panel(job, self, place, brief=brief)
        if lingers and job.done():
            self._linger(panel)
        panel.show(lingers=lingers and job.done())
        ended = [id_ for id_ in self._panels if self._is_over(id_)]
        for id_ in ended[:-_KEPT]:
            self._panels.pop(id_).close()

    def _is_over(self, id_: str) -> bool:
        return self._panels[id_].is_over

    def _linger(self, panel: Panel) -> None:
        events = self._session.shell.events
        if not self._listens:
            events.register(_BEFORE_CELL, self._settle)
            self._listens = True
        self._lingering.append(panel)

    def _settle(self, _info: object) -> None:
        self._session.shell.events.unregister(_BEFORE_CELL, self._settle)
        self._listens = False
        for panel in self._lingering:
            panel.settle()
        self._lingering.clear()

    # What a panel asks for

    def row(self, job: Job, meters: Meters | None = None) -> JobRow:
        """Return what is shown of a job."""
        return self._session.arrivals.row(job, meters)

    def bring_in(self, job: Job) -> None:
        """Bring in what a job has made before the next cell runs, over what is there."""
        self._session.bring_in(job)

    def again(self, job: Job, line: str, place: Place) -> Job:
        """Send a job once more and show the new one in this place."""
        new = self.resubmit(job, line)
        self.show(new, place)
        return new
