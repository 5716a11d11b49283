"""Names that jobs are still to bring, and cells here that read them.

A cell that reads one waits inside of its own run, so that an interrupt ends the waiting as it ends
any cell, and the cells behind it are not run. What it waits for was found before it ran, by its
text; a cell that reads no such name is left as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import clear_output

from nbsubmit.core.errors import InputFailed, NbsubmitError
from nbsubmit.core.inject import Sending
from nbsubmit.core.job import Job
from nbsubmit.core.names import NameUse
from nbsubmit.core.pending import reached
from nbsubmit.core.state import JobState
from nbsubmit.notebook.status_line import StatusLine


class StillPending(NbsubmitError):
    """A cell reads a name that a job is still to bring, and the settings say not to wait."""


@dataclass(frozen=True)
class Expected:
    """What one job of this notebook is to bring.

    Attributes
    ----------
    job : Job
        The job.
    sending : Sending
        When it was sent.
    names : frozenset of str
        The names.
    later : mapping
        Name → what a function or class that the job's cell binds to it reads when it is used.
    """

    job: Job
    sending: Sending
    names: frozenset[str]
    later: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def has_failed(self) -> bool:
        """It will not bring what it was to bring."""
        return self.job.is_over and self.job.state is not JobState.COMPLETED


@dataclass
class Reads:
    """What a cell reads of what jobs bring.

    Attributes
    ----------
    due : dict
        Name → the jobs that are to bring it, in the order in which they were sent: the last wins.
    besides : dict
        Further names that what they bring would read, with why.
    """

    due: dict[str, list[Expected]] = field(default_factory=dict)
    besides: dict[str, str] = field(default_factory=dict)


class Knows(Protocol):
    """Knows the jobs of a notebook."""

    shell: InteractiveShell

    def expected(self) -> Sequence[Expected]:
        """Return what is still to come, in the order in which it was sent."""

    def not_brought(self) -> Sequence[Expected]:
        """Return what will not come any more, of jobs that have failed."""

    def may_bring(self, sending: Sending, name: str) -> bool:
        """Tell whether a job may still bind a name: the user has not bound it since."""

    def use_of(self, cell: str) -> NameUse | None:
        """Return what a cell of the notebook does with names; None if it is no Python."""

    def policy(self) -> str:
        """Return what is done about a cell that reads a pending name."""

    def describe(self, job: Job) -> str:
        """Return a job's name and state in words."""

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

    def read_by(self, names: Iterable[str]) -> Reads:
        """Return what jobs are to bring, or have failed to, of names that a cell reads."""
        jobs = sorted(
            (*self._session.expected(), *self._session.not_brought()),
            key=lambda one: one.sending.number,
        )
        found = Reads()
        if not jobs or self._session.policy() == "ignore":
            return found
        names, seen = set(names), set[str]()
        while names - seen:
            new = reached(names - seen, self._session.shell.user_ns)
            seen |= names | new
            for name in sorted(new):
                for one in self._bringing(name, jobs):
                    found.due.setdefault(name, []).append(one)
                    later = one.later.get(name, frozenset()) - seen
                    found.besides |= dict.fromkeys(sorted(later), f"used by {name}")
                    names |= later
        return found

    def _bringing(self, name: str, jobs: Sequence[Expected]) -> list[Expected]:
        """Return the jobs that are to bring a name; one that has failed only if it is the last."""
        may = self._session.may_bring
        found = [one for one in jobs if name in one.names and may(one.sending, name)]
        return [one for one in found if not one.has_failed or one is found[-1]]

    # Cells that run here

    def before_cell(self, text: str) -> None:
        """Look what a cell reads that is about to run."""
        self._due = {}
        if self._session.expected() or self._session.not_brought():
            use = self._session.use_of(text)
            self._due = self.read_by(use.reads).due if use is not None else {}

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
        self.wait_for(due)

    def wait_for(self, due: Mapping[str, Sequence[Expected]]) -> None:
        """Wait for the jobs that are to bring some names."""
        __tracebackhide__ = True
        session, jobs = self._session, _by_job(due)
        for job, names in jobs.items():
            if job.is_over:
                continue
            told = f"{', '.join(names)} of {session.describe(job)}"
            if session.policy() == "raise":
                raise StillPending(
                    f"{told}: still to come. Wait for it by hand, or have every cell wait that "
                    f"needs it:  NBSUBMIT_PENDING=wait"
                )
            _wait(job, told)
        session.bring_home()
        for job, names in jobs.items():
            if job.state is not JobState.COMPLETED and self._is_missed(job, names, due):
                raise InputFailed(
                    f"{', '.join(names)} did not come: job {job.id} is {job.status}.{_of_cell(job)}"
                    f"\nRun its cell again, or send it again:  %jobs resubmit {job.id}\n"
                    f"To go on with what is here by that name:  %jobs forget {job.id}",
                    job.id,
                    job.folder.path,
                )

    def _is_missed(
        self, job: Job, names: Sequence[str], due: Mapping[str, Sequence[Expected]]
    ) -> bool:
        """Tell whether a job that has failed has not brought what is needed."""
        sendings = {one.job.id: one.sending for found in due.values() for one in found}
        brought = {*job.result_names, *(job.found.result.modules if job.found.result else ())}
        may = self._session.may_bring
        return any(name not in brought and may(sendings[job.id], name) for name in names)


def _wait(job: Job, told: str) -> None:
    __tracebackhide__ = True
    shows = not StatusLine().is_possible  # there the line that tells how the job goes will do
    if shows:
        print(f"waiting for {told}; an interrupt ends the waiting, not the job", flush=True)
    try:
        job.wait()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the waiting for {told} was ended; the job goes on") from None
    if shows:
        clear_output()


def _by_job(due: Mapping[str, Sequence[Expected]]) -> dict[Job, list[str]]:
    """Return what each job is to bring of these names, in the order in which they were sent."""
    found: dict[Job, list[str]] = {}
    pairs = ((one, name) for name, expected in due.items() for one in expected)
    for one, name in sorted(pairs, key=lambda pair: pair[0].sending.number):
        found.setdefault(one.job, []).append(name)
    return found


def _of_cell(job: Job) -> str:
    cell = job.spec.get("source", "").strip().partition("\n")[0]
    return f" Its cell begins with:  {cell}" if cell else ""


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
