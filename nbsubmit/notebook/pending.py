"""Names that jobs are still to bring, and cells here that read them.

A cell that reads one waits inside of its own run, so that an interrupt ends the waiting as it ends
any cell, and the cells behind it are not run. What it waits for was found before it ran, by its
text; a cell that reads no such name is left as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import clear_output

from nbsubmit.core.changes.functions import reached
from nbsubmit.core.changes.within import leads_to
from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.errors import InputFailed, NbsubmitError
from nbsubmit.core.inject import Sending
from nbsubmit.core.job import Job
from nbsubmit.core.names import NameUse
from nbsubmit.notebook.expected import Expected, told
from nbsubmit.notebook.status_line import StatusLine


class StillPending(NbsubmitError):
    """A cell reads a name that a job is still to bring, and the settings say not to wait."""


@dataclass
class Reads:
    """What a cell reads of what jobs bring.

    Attributes
    ----------
    due : dict
        Name → the jobs that are to bring it, in the order in which they were sent: the last wins.
    besides : dict
        Further names that what they bring may read, with why.
    through : dict
        The same as `due`, for names whose objects the cell has by another name, inside of another
        object, or as a view: what is read is here, and a job is to change it.
    """

    due: dict[str, list[Expected]] = field(default_factory=dict)
    besides: dict[str, str] = field(default_factory=dict)
    through: dict[str, list[Expected]] = field(default_factory=dict)

    @property
    def along(self) -> frozenset[str]:
        """What comes along with all of this."""
        return frozenset().union(*(one.along for due in self.due.values() for one in due))

    @property
    def here(self) -> dict[str, list[Expected]]:
        """All that has to have come for a cell that runs here."""
        return self.through | self.due


class Knows(Protocol):
    """Knows the jobs of a notebook."""

    shell: InteractiveShell

    def expected(self) -> Sequence[Expected]:
        """Return what is still to come, in the order in which it was sent."""

    def not_brought(self) -> Sequence[Expected]:
        """Return what will not come any more, of jobs that have ended."""

    def lost(self, job: Job) -> Mapping[str, str]:
        """Return what a job was to bring and did not, each name with why."""

    def may_bring(self, sending: Sending, name: str) -> bool:
        """Tell whether a job may still bind a name: the user has not bound it since."""

    def use_of(self, cell: str) -> NameUse | None:
        """Return what a cell of the notebook does with names; None if it is no Python."""

    def policy(self) -> str:
        """Return what is done about a cell that reads a pending name."""

    def describe(self, job: Job) -> str:
        """Return which job it is, in words."""

    def bring_home(self) -> None:
        """Bind what the jobs have brought that have ended."""


class Pending:
    """Finds what a cell reads of what is still to come, and waits for it.

    Parameters
    ----------
    session : Knows
        Knows the jobs.
    """

    def __init__(self, session: Knows) -> None:
        self._session = session
        self._due: dict[str, list[Expected]] = {}
        self._looked_up: frozenset[str] = frozenset()
        # What the cell binds or deletes if it runs to its end.
        self.binds: frozenset[str] = frozenset()

    def wait_for_names(self, names: Iterable[str]) -> None:
        """Wait for what jobs are to bring of names that are read here, as the settings say."""
        if self._session.policy() != "ignore":
            self.wait_for(self.read_by(names).here)

    def inputs(self, names: Iterable[str], without: Iterable[str] = ()) -> Reads:
        """Return what a cell that is sent will have from other jobs.

        Raises
        ------
        InputFailed
            If one of them has not brought it and never will.
        """
        reads = self.read_by(names, without)
        # What goes from job to job are names, and classes with whatever is of them; an object
        # that the cell has in another way is changed here first.
        home = self._session.shell.user_ns
        through = {n: due for n, due in reads.through.items() if not is_class(home.get(n))}
        # So is a list of which tasks that were sent again fill the places.
        for name, jobs in reads.due.items():
            filling = [one for one in jobs if one.job.spec.get("first")]
            if filling:
                through[name] = [*through.get(name, ()), *filling]
        if through and self._session.policy() != "ignore":
            self.wait_for(through)
            reads = self.read_by(names, without)
        lost = {name: [one for one in due if one.is_lost] for name, due in reads.due.items()}
        if self._session.policy() != "ignore":
            self.wait_for(lost)
        due = {name: [one for one in due if not one.is_lost] for name, due in reads.due.items()}
        return Reads({name: jobs for name, jobs in due.items() if jobs}, reads.besides)

    def read_by(self, names: Iterable[str], without: Iterable[str] = ()) -> Reads:
        """Return what jobs are to bring, or have failed to, of names that a cell reads."""
        jobs = sorted(
            (*self._session.expected(), *self._session.not_brought()),
            key=lambda one: one.sending.number,
        )
        found = Reads()
        names, seen = set(names) if jobs else set(), set(without)
        while names - seen:
            new = reached(names - seen, self._session.shell.user_ns) - seen
            seen |= names | new
            for name in sorted(new):
                for one in self._bringing(name, jobs):
                    found.due.setdefault(name, []).append(one)
                    along = one.along - seen
                    found.besides |= dict.fromkeys(sorted(along), f"used by {name}")
                    names |= along
                if name not in found.due:
                    self._look_through(name, jobs, found)
        return found

    def _look_through(self, name: str, jobs: Sequence[Expected], found: Reads) -> None:
        """Note the jobs that change what the value of a name is, holds or looks at."""
        changing = [one for one in jobs if one.objects]
        if not changing or name not in self._session.shell.user_ns:
            return
        objects = {number: None for one in changing for number in one.objects}
        for number in set(leads_to(self._session.shell.user_ns[name], objects)):
            for one in changing:
                by, _ = one.objects.get(number, ("", None))
                is_known = one in found.through.get(by, ())
                if by in one.names and not is_known and self._session.may_bring(one.sending, by):
                    found.through.setdefault(by, []).append(one)

    def _bringing(self, name: str, jobs: Sequence[Expected]) -> list[Expected]:
        """Return the jobs that are to bring a name: the last that binds it, and what changes it.

        What is lost counts only of the last.
        """
        may = self._session.may_bring
        found = [one for one in jobs if name in one.names and may(one.sending, name)]
        last = max((n for n, one in enumerate(found) if name in one.binds), default=0)
        return [one for one in found[last:] if not one.is_lost or one is found[-1]]

    # Cells that run here

    def before_cell(self, text: str) -> None:
        """Look what a cell reads that is about to run."""
        self._due = {}
        if not self._session.expected() and not self._session.not_brought():
            return
        use = self._session.use_of(text)
        self.binds = use.sure_writes | use.sure_deletes if use is not None else frozenset()
        if use is not None and self._session.policy() != "ignore":
            self._due = self._due_for(use)

    def _due_for(self, use: NameUse) -> dict[str, list[Expected]]:
        """Return what a cell waits for that runs here.

        One that looks up a name as text, as by `globals()`, reads that too. It may ask whether
        there is one, and so it is told of what did not come only where an older value is.
        """
        found = self.read_by(use.reads | use.strings).here
        self._looked_up = use.strings - use.reads
        return found

    def visit(self, tree: ast.Module) -> ast.Module:
        """Have a cell begin with the waiting, if it has to wait for something."""
        if not self._due or not tree.body:
            return tree
        first = next((n for n, node in enumerate(tree.body) if not _stays_first(node)), None)
        if first is None:
            return tree
        place = tree.body[first]
        call = ast.parse(_CALL).body[0]
        for node in ast.walk(call):
            ast.copy_location(node, place)
        _waiting.append(self)
        tree.body.insert(first, call)
        return tree

    def wait(self) -> None:
        """Wait for all that the cell reads.

        Raises
        ------
        InputFailed
            If a job has failed that was to bring one of the names.
        StillPending
            If nothing is to be waited for.
        KeyboardInterrupt
            If somebody interrupts the waiting.
        """
        __tracebackhide__ = True
        due, self._due = self._due, {}
        looked_up, self._looked_up = self._looked_up, frozenset()
        self.wait_for(due, looked_up)

    def wait_for(
        self, due: Mapping[str, Sequence[Expected]], looked_up: Collection[str] = ()
    ) -> None:
        """Wait for the jobs that are to bring some names.

        Parameters
        ----------
        due : mapping
            The names, and the jobs.
        looked_up : collection of str
            Those of them that are no error where there is no older value.
        """
        __tracebackhide__ = True
        session, jobs = self._session, _by_job(due)
        for job, names in jobs.items():
            if job.is_over:
                continue
            what = f"{', '.join(names)} of {session.describe(job)}"
            if session.policy() == "raise":
                raise StillPending(
                    f"{what}: still to come. Wait for it by hand, or have every cell wait that "
                    f"needs it:  NBSUBMIT_PENDING=wait"
                )
            _wait(job, what)
        session.bring_home()
        sendings = {one.job.id: one.sending for found in due.values() for one in found}
        for job, names in jobs.items():
            lost, sending = session.lost(job), sendings[job.id]
            old = session.shell.user_ns
            of_these = [
                n
                for n in names
                if n in lost and session.may_bring(sending, n) and (n not in looked_up or n in old)
            ]
            if of_these:
                missed = {name: lost[name] for name in of_these}
                raise InputFailed(told(job, missed), job.id, job.folder.path)


class WaitingEnded(KeyboardInterrupt):
    """Somebody has interrupted a cell that waited for a job."""

    def _render_traceback_(self) -> list[str]:
        """Show the message alone: no line of the user's is to blame."""
        return [f"{KeyboardInterrupt.__name__}: {self}"]


# Kernels send the name of an error's class, and clients know an interrupt by it.
WaitingEnded.__name__ = KeyboardInterrupt.__name__


def _wait(job: Job, what: str) -> None:
    shows = not StatusLine().is_possible  # there the line that tells how the job goes will do
    if shows:
        print(f"waiting for {what}; an interrupt ends the waiting, not the job", flush=True)
    try:
        job.wait()
    except KeyboardInterrupt:
        raise WaitingEnded(f"the waiting for {what} was ended; the job goes on") from None
    if shows:
        clear_output()


def _by_job(due: Mapping[str, Sequence[Expected]]) -> dict[Job, list[str]]:
    """Return what each job is to bring of these names, in the order in which they were sent."""
    found: dict[Job, list[str]] = {}
    pairs = ((one, name) for name, expected in due.items() for one in expected)
    for one, name in sorted(pairs, key=lambda pair: pair[0].sending.number):
        found.setdefault(one.job, []).append(name)
    return found


def _stays_first(node: ast.stmt) -> bool:
    """Tell whether a statement has to stand at the beginning."""
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


# A cell's code can only name what it calls.
_CALL = f"__import__({__name__!r}, fromlist=['*']).wait_for_cell()"
_waiting: list[Pending] = []


def wait_for_cell() -> Any:
    """Wait for what the cell that is running reads; its first statement is this call."""
    __tracebackhide__ = True
    if _waiting:
        _waiting.pop().wait()
