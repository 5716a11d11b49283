"""What ``%jobs`` does: see jobs, look at one, send one again, debug one, end or remove one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

from IPython.display import publish_display_data

from nbsubmit.client import words
from nbsubmit.client.cells import check_options, is_cell
from nbsubmit.core.errors import NbsubmitError, OptionError
from nbsubmit.core.job import Job
from nbsubmit.core.sizes import size_of
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.notebook.attach import attach
from nbsubmit.notebook.panels import Panels
from nbsubmit.notebook.place import Place
from nbsubmit.notebook.plain import show_error
from nbsubmit.notebook.replay import Replay
from nbsubmit.notebook.session import Session
from nbsubmit.notebook.tasks import FEW, first_failed, print_logs

ACTIONS = (
    "list", "show", "logs", "attach", "resubmit", "debug", "cancel", "forget", "clean",
)  # fmt: skip
_USAGE = """\
%jobs list [--all]   this notebook's jobs, or all in the store; --sizes shows how large they are
%jobs show [ID]      one job: state, names, output, error
%jobs logs [ID]      all that it printed
%jobs attach [ID...] show panels here and bring in names; --all for all that run, that have ended
                     since, and that the last kernel had
%jobs resubmit ID [OPTIONS]   send it again; the options are added to those that it had
%jobs resubmit ID --failed    of an array, run the tasks again that failed
%jobs resubmit --failed [OPTIONS]    all that failed of this notebook and was not sent again since
%jobs debug [ID]     IPython's debugger where it failed, with the values as they were there
%jobs cancel ID      end it
%jobs forget ID      of one that failed: let cells read what is here by the names it did not bring
%jobs clean          what jobs there are, and how much room each way to remove some would make
%jobs clean [--older 30d] [--keep N] [--state FAILED,…] [--all] [--dry-run] [ID…]
                     remove those that have ended and are all of this; --all is every notebook's

ID is enough of an id's beginning or end, and ID_7 is task 7 of an array; without one it is the
latest job, to debug the latest that failed."""


class JobCommands:
    """The actions of ``%jobs``.

    Parameters
    ----------
    session : Session
        Knows the jobs.
    panels : Panels
        Shows them.
    again : callable
        Sends a job again: the job, further options and places of tasks in, the new job out.
    """

    def __init__(self, session: Session, panels: Panels, again: Callable[..., Job]) -> None:
        self._session = session
        self._panels = panels
        self._again = again

    def run(self, line: str) -> None:
        """Do what a line says.

        Raises
        ------
        OptionError
            If it says nothing that can be done.
        UnknownJob
            If there is no such job.
        """
        words_ = shlex.split(line)
        action, rest = (words_[0], words_[1:]) if words_ else ("list", [])
        if action not in ACTIONS:
            raise OptionError(f"%jobs: what is {action!r}?\n\n{_USAGE}")
        getattr(self, f"_{action}")(rest)

    def _list(self, rest: list[str]) -> None:
        unknown = [word for word in rest if word not in ("--all", "--sizes")]
        if unknown:
            raise OptionError(f"%jobs list: what is {unknown[0]!r}?\n\n{_USAGE}")
        everyone = "--all" in rest
        jobs = self._session.jobs(everyone=everyone)
        if not jobs:
            here = "no jobs of this notebook; --all lists the store's"
            print("no jobs yet" if everyone else here)
            return
        # To look at all its files takes time on a shared disk, so nobody waits for it unasked.
        sizes = [size_of(job.folder).total if "--sizes" in rest else None for job in jobs]
        rows = map(self._session.row, jobs)
        print(words.table([words.list_line(*line) for line in zip(rows, sizes, strict=True)]))

    def _show(self, rest: list[str]) -> None:
        job = self._one(rest)
        row = self._session.row(job)
        print(words.details(row))
        print(f"folder: {job.folder.path}")
        replay = Replay(job)
        replay.more()
        if replay.result is not None:
            publish_display_data(replay.result["data"], replay.result["metadata"])
        if row.error:
            show_error(row)

    def _logs(self, rest: list[str]) -> None:
        job = self._one(rest)
        if isinstance(job, TaskedJob):
            print_logs(job)
            return
        sys.stdout.write(job.stdout())
        sys.stderr.write(job.stderr())

    def _debug(self, rest: list[str]) -> None:
        from nbsubmit.core.postmortem import PostMortem  # few look, and then seldom
        from nbsubmit.notebook.debugger import debug

        job = first_failed(self._one(rest) if rest else self._session.latest_failed())
        namespace: dict[str, Any] = {}
        found = PostMortem(self._session.apart(job, namespace), namespace)
        row = self._session.row(job)
        print(f"{words.title(row)}; {row.reason}".rstrip("; "))
        debug(self._session.shell, found)

    def _cancel(self, rest: list[str]) -> None:
        if not rest:
            raise OptionError("%jobs cancel: which one? %jobs list shows the ids")
        for text in rest:
            job = self._session.find(text)
            if job.cancel():
                print(f"job {job.id} is being cancelled")
            else:
                print(f"job {job.id} had ended: {job.status}")

    def _forget(self, rest: list[str]) -> None:
        if not rest:
            raise OptionError("%jobs forget: which one? %jobs list shows the ids")
        job = self._one(rest)
        if not job.done():
            raise OptionError(f"%jobs forget: job {job.id} is {job.status}; it may still bring it")
        self._session.forget(job)
        print(f"what job {job.id} did not bring is not asked for any more")

    def _clean(self, rest: list[str]) -> None:
        from nbsubmit.notebook.clean import clean  # few do, and then seldom

        clean(self._session, rest)

    def _attach(self, rest: list[str]) -> None:
        attach(self._session, self._panels, rest)

    def _resubmit(self, rest: list[str]) -> None:
        ids = [word for word in rest[:1] if not word.startswith("-")]
        more = rest[len(ids) :]
        check_options(more, "%jobs resubmit")
        if ids:
            new = [self._again(self._session.find(ids[0]), shlex.join(more))]
        elif _FAILED in more:
            new = self._all_failed([word for word in more if word != _FAILED])
        else:
            raise OptionError("%jobs resubmit: which one? %jobs list shows the ids")
        shows = self._session.has_widgets and len(new) <= FEW
        for job in new:
            if shows:
                self._panels.show(job, Place(self._session.shell))
            elif ids:
                print(f"{words.name(self._session.row(job))}: sent again")

    def _all_failed(self, more: list[str]) -> list[Job]:
        """Send all again that failed of this notebook; what cannot be sent keeps back no other."""
        new: list[Job] = []
        for failure in self._session.failures():
            job = failure.job
            if not is_cell(job):
                print(f"{_which(job)} is a call of a function: its resubmit() sends it again")
                continue
            try:
                new.append(self._again(job, shlex.join(more), failure.only))
            except (NbsubmitError, OSError) as error:
                if isinstance(error, OptionError) and not new:
                    raise
                print(f"{_which(job)} was not sent: {error}")
            else:
                print(f"{_which(job, failure.only)} was sent again as job {new[-1].id}")
        if not new:
            print("there is nothing to send: what failed of this notebook was sent again")
        return new

    def _one(self, rest: list[str]) -> Job:
        if len(rest) > 1:
            raise OptionError(f"%jobs: one id at a time\n\n{_USAGE}")
        return self._session.find(rest[0] if rest else "")


_FAILED = "--failed"


def _which(job: Job, only: Sequence[int] | None = None) -> str:
    tasks = f" ({len(only)} of its tasks)" if only else ""
    return " ".join(
        part for part in (f"job {job.id}", job.name, f"{job.status.state}{tasks}") if part
    )
