"""Jobs that a notebook waits for: between two cells, what they have brought is bound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import MagicAlias

from nbsubmit.client import words
from nbsubmit.client.meters import Meters
from nbsubmit.client.rows import JobRow, row_of
from nbsubmit.core import ambient
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.handed import Handed
from nbsubmit.core.held import hold
from nbsubmit.core.inject import Arrival, Injector, Sending, Snapshot
from nbsubmit.core.job import Job
from nbsubmit.core.names import NameUse
from nbsubmit.core.pending import Outlook
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.notebook import expected
from nbsubmit.notebook.along import along
from nbsubmit.notebook.analysis import use_of
from nbsubmit.notebook.arrays import Arrays
from nbsubmit.notebook.expected import Expected, changing
from nbsubmit.notebook.notebook import Notebook
from nbsubmit.notebook.own_magics import OwnMagics, parted
from nbsubmit.notebook.pending import Pending
from nbsubmit.notebook.status_line import StatusLine


@dataclass
class _Sent:
    """A job of this session and what is needed to bring its result home."""

    job: Job
    sending: Sending
    handed: Handed | None
    around: dict[str, dict[str, Any]]
    magics: dict[str, Any]
    waits: bool
    tell: bool
    expected: Expected
    is_own: bool
    arrival: Arrival | None = None
    # What it was to bring and did not, each name with why; nobody asks for what is forgotten.
    lost: Mapping[str, str] = field(default_factory=dict)
    forgotten: bool = False

    @property
    def holds(self) -> bool:
        """Whether values of the notebook are held for its sake."""
        return self.handed is not None or bool(self.sending.snapshot.held)

    @property
    def may_let_go(self) -> bool:
        """Whether nothing of what was there when it was sent matters any more."""
        if self.arrival is None:
            return False
        return self.forgotten or (self.job.state is JobState.COMPLETED and not self.lost)


class Arrivals:
    """The jobs whose results are brought home to one shell.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    notebook : Notebook
        The notebook that it runs.
    magics : OwnMagics
        The notebook's own.
    find : callable
        Returns a job by its id.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        notebook: Notebook,
        magics: OwnMagics,
        find: Callable[[str], Job],
    ) -> None:
        self.shell = shell
        self.injector = Injector(shell.user_ns)
        self.pending = Pending(self)
        # What libraries keep aside, as it is to be when a job's part of it is brought.
        self.kept = ambient.pending()
        # Sends a job again, with more options than it had; whoever can read options sets it.
        self.again: Callable[[Job, str], Job] | None = None
        # Says that a job has ended, where no panel does; set by whoever can say it.
        self.tell: Callable[[Job], None] = _say_nothing
        # Told of each job whose result is to be brought home, and of no other.
        self.expects: Callable[[Job], None] = _say_nothing
        self._notebook = notebook
        self._magics = magics
        self._arrays = Arrays(self.injector, find)
        self._sent: dict[str, _Sent] = {}
        self._number = 0
        # How many were sent before the cell that is running.
        self._sent_before = 0
        self._listening = False

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._sent

    def __iter__(self) -> Iterator[str]:
        return iter(self._sent)

    def job(self, job_id: str) -> Job | None:
        """Return the job with an id, if it is one of them."""
        sent = self._sent.get(job_id)
        return sent.job if sent else None

    @property
    def latest(self) -> Job | None:
        """The job that was sent last; None if none was."""
        return next(reversed(self._sent.values())).job if self._sent else None

    @property
    def own(self) -> set[str]:
        """The ids of those jobs that are this notebook's."""
        return {job_id for job_id, sent in self._sent.items() if sent.is_own}

    def to_come(self, job: Job) -> frozenset[str]:
        """Return the names that a job is still to bring, if it is one of them."""
        sent = self._sent.get(job.id)
        return sent.expected.names if sent and sent.arrival is None else frozenset()

    def of(self, job: Job) -> Arrival | None:
        """Return what bringing a job's result home did; None if that is still to come."""
        sent = self._sent.get(job.id)
        return sent.arrival if sent else None

    def sending(self, job: Job) -> Sending | None:
        """Return when a job was sent, and what with, if it is one of them."""
        sent = self._sent.get(job.id)
        return sent.sending if sent else None

    def drop(self, job_id: str) -> None:
        """Know nothing more of a job."""
        self._sent.pop(job_id, None)

    def row(self, job: Job, meters: Meters | None = None) -> JobRow:
        """Return what is shown of a job; with its samples if there is something to read them."""
        return row_of(job, self.of(job), meters)

    def expect(
        self,
        job: Job,
        snapshot: Snapshot,
        handed: Handed | None,
        around: dict[str, dict[str, Any]],
        outlook: Outlook,
        *,
        waits: bool,
        tell: bool,
        number: int | None = None,
        is_own: bool = True,
    ) -> None:
        """Remember what is needed to bring a job's result home.

        Parameters
        ----------
        job : Job
            The job.
        snapshot : Snapshot
            The namespace when it was sent.
        handed : Handed or None
            The objects that went with it; None if another kernel has sent it.
        around : dict
            What was around the cell then, as `nbsubmit.core.ambient` keeps it.
        outlook : Outlook
            What it is to bring.
        waits : bool
            The notebook stands still until it has ended.
        tell : bool
            Say when its result is brought home: nothing else does.
        number : int, optional
            In the order of sending, if it is not sent now.
        is_own : bool
            It is this notebook's, and not another's that is shown here too.
        """
        self._number += 1
        sending = Sending(self._number if number is None else number, snapshot, handed)
        magics = self._magics.functions()
        for other in self._sent.values():
            if other.sending.number < sending.number and _takes_place(job, other.job):
                self._forget(other)
        if job.spec.get("first"):  # it fills places of lists, and leaves alone what is none
            has, own = self.injector.has_brought, self.shell.user_ns.keys()
            names = frozenset(n for n in outlook.names if n not in own or has(n))
            outlook = replace(outlook, names=names, binds=frozenset())
        # What another kernel has sent are no objects of this one.
        objects = changing(outlook, self.shell.user_ns) if handed is not None else {}
        to_come = Expected(job, sending, outlook.names, outlook.binds, outlook.along, objects)
        sent = _Sent(job, sending, handed, around, magics, waits, tell, to_come, is_own)
        self._sent[job.id] = sent
        hold(job.folder)
        line = StatusLine()
        job.on_wait(self._bring_home_if_main, lambda: self._while_waiting(job, line), line.clear)
        job.sent_from(self.injector.home_of(sending))
        if isinstance(job, TaskedJob) and self.again is not None:
            again = self.again
            job.on_resubmit_failed(lambda more: again(job, f"{more} --failed".strip()))
        self._start_listening()
        self.expects(job)

    # Bringing home

    def bring_home(self) -> None:
        """Bind the results of all jobs that have ended since the last time."""
        for sent in self._sent.values():
            is_lost = sent.arrival is not None and not isinstance(sent.job, TaskedJob)
            if is_lost and sent.job.has_come_after_all():
                sent.arrival, sent.lost = None, {}
        arriving = [s for s in self._sent.values() if s.arrival is None and s.job.done()]
        for sent in arriving:
            sent.arrival = self._inject(sent)
        for sent in arriving:
            if sent.arrival is not None:
                self._bring_along(sent, sent.arrival)
                sent.lost = _lost(sent, sent.arrival)
                self._notebook.has_brought(sent.job.id)
                sent.job.notify()
                if sent.tell:
                    self.tell(sent.job)
        for sent in self._sent.values():
            if sent.holds and sent.may_let_go:
                self._let_go(sent)
        if arriving:
            self.injector.let_go(is_last=not self.expected() and not self._may_come())
        if not self.expected() and not self.not_brought():
            self._stop_listening()

    def _may_come(self) -> bool:
        """Tell whether one that was given up for lost may bring something yet."""
        return any(sent.job.state is JobState.LOST for sent in self._sent.values())

    def _let_go(self, sent: _Sent) -> None:
        """Hold no value of the notebook's any more for the sake of a job that has brought all."""
        sent.sending = replace(sent.sending, snapshot=sent.sending.snapshot.let_go(), handed=None)
        sent.expected = replace(sent.expected, sending=sent.sending, objects={})
        sent.handed, sent.around, sent.magics = None, {}, {}
        sent.job.sent_from(self.injector.home_of(sent.sending))

    def _inject(self, sent: _Sent) -> Arrival:
        if sent.handed is not None:
            sent.handed.look_again()
        if isinstance(sent.job, TaskedJob):
            return self._arrays.bring(sent.job, sent.sending)
        result = sent.job.found.result
        if result is None:
            return Arrival()
        try:
            values, magics = parted(sent.job.names)
        except NbsubmitError as error:
            return Arrival(failed=dict.fromkeys(result.names, str(error)))
        arrival = self.injector.inject(
            sent.sending,
            values,
            result.deleted,
            result.modules,
            result.submodules,
            result.changed,
            result.renewed,
        )
        arrival.brought += self._magics.bring(magics, sent.magics)
        arrival.failed |= ambient.bring(
            result.ambient, sent.around, waits=sent.waits, kept=self.kept
        )
        for name, why in sent.job.load_errors.items():
            arrival.failed[name] = f"it could not be rebuilt here ({why})"
        return arrival

    def _bring_along(self, sent: _Sent, arrival: Arrival) -> None:
        """Bind what the functions read that a job has brought to a kernel that did not send it."""
        if sent.handed is None:
            found = along(sent.job, arrival.brought, arrival.deleted, self.shell.user_ns)
            more = self.injector.inject(sent.sending, found.values, modules=found.modules)
            arrival.along += more.brought

    def _bring_home_if_main(self) -> None:
        """A wait in the main thread is between two statements of the user's: names may change."""
        if threading.current_thread() is threading.main_thread():
            self.bring_home()

    def _while_waiting(self, job: Job, line: StatusLine) -> None:
        """Tell how a job goes that is waited for, where no panel does."""
        if line.is_possible and threading.current_thread() is threading.main_thread():
            line.show(self.row(job))

    def _start_listening(self) -> None:
        if not self._listening:
            self.shell.events.register("pre_run_cell", self._before_cell)
            self.shell.events.register("post_run_cell", self._after_cell)
            self.shell.ast_transformers.append(self.pending)
            self._listening = True

    def _stop_listening(self) -> None:
        if self._listening:
            self.shell.events.unregister("pre_run_cell", self._before_cell)
            self.shell.events.unregister("post_run_cell", self._after_cell)
            self.shell.ast_transformers.remove(self.pending)
            self._listening = False

    def _before_cell(self, info: Any) -> None:
        self.bring_home()
        self._sent_before = self._number
        self.pending.binds = frozenset()
        self.pending.before_cell(info.raw_cell)

    def _after_cell(self, result: Any) -> None:
        """Note what the cell has bound: to the very same object, as may be, that does not show."""
        binds, self.pending.binds = self.pending.binds, frozenset()
        if binds and result.success:
            self.injector.note_bound(binds, self._sent_before)

    # What is still to come

    def expected(self) -> list[Expected]:
        """Return what is still to come, in the order in which it was sent."""
        return [sent.expected for sent in self._sent.values() if sent.arrival is None]

    def not_brought(self) -> list[Expected]:
        """Return what will not come any more, of jobs that have ended."""
        return [
            replace(sent.expected, names=frozenset(sent.lost), is_lost=True)
            for sent in self._sent.values()
            if sent.lost
        ]

    def lost(self, job: Job) -> Mapping[str, str]:
        """Return what a job was to bring and did not, each name with why."""
        return self._sent[job.id].lost

    def forget(self, job: Job) -> None:
        """Let cells read what is here by the names that a job was to bring."""
        if job.id in self._sent:
            self._forget(self._sent[job.id])

    def _forget(self, sent: _Sent) -> None:
        sent.forgotten, sent.lost = True, {}

    def may_bring(self, sending: Sending, name: str) -> bool:
        """Tell whether a job may still bind a name: the user has not bound it since."""
        return self.injector.may_bring(sending, name)

    def use_of(self, text: str) -> NameUse | None:
        """Return what a cell does with names; None of one that is sent, or is no Python."""
        if self._is_sent(text):
            return None
        try:
            return use_of(text, self.shell, self._magics)
        except SyntaxError:
            return None

    def _is_sent(self, text: str) -> bool:
        """Tell whether a cell is one that is sent, by whatever name its magic is called."""
        if not text.lstrip().startswith("%%"):
            return False
        magics = self.shell.magics_manager.magics["cell"]
        name = text.split(None, 1)[0].removeprefix("%%")
        seen: set[str] = set()  # an alias may lead to itself
        while name not in seen and isinstance(alias := magics.get(name), MagicAlias):
            seen.add(name)
            name = alias.magic_name
        return name in _SENT

    def policy(self) -> str:
        """Return what is done about a cell that reads a pending name."""
        return self._notebook.settings.pending

    def describe(self, job: Job) -> str:
        """Return which job it is, in words; its state is its panel's to tell."""
        return words.name(self.row(job))


_SENT = ("slurm", "local", "submit")


def _takes_place(job: Job, earlier: Job) -> bool:
    """Tell whether a job is an earlier one once more: of the same cell, or sent again."""
    if job.spec.get("again") == earlier.id:
        return True
    cell = job.spec.get("origin", {}).get("cell")
    if cell and cell == earlier.spec.get("origin", {}).get("cell"):
        return True
    return bool(job.spec.get("source")) and job.spec["source"] == earlier.spec.get("source")


def _lost(sent: _Sent, arrival: Arrival) -> Mapping[str, str]:
    # Who waited for a cell has seen its error, and goes on as after any cell.
    is_seen = sent.waits and sent.job.state is not JobState.COMPLETED
    if sent.forgotten or is_seen:
        return {}
    return expected.lost(sent.job, sent.expected.names, arrival)


def _say_nothing(_job: Job) -> None:
    """Leave the telling to the panel."""
