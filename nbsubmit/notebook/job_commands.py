"""What ``%jobs`` does: see jobs, look at one, send one again, debug one that failed, or end one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from typing import Any

from IPython.display import publish_display_data

from nbsubmit.client import words
from nbsubmit.core.errors import OptionError, UnknownJob
from nbsubmit.core.job import Job
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.notebook.panels import Panels
from nbsubmit.notebook.place import Place
from nbsubmit.notebook.plain import show_error
from nbsubmit.notebook.replay import Replay
from nbsubmit.notebook.session import Session
from nbsubmit.notebook.tasks import first_failed, print_logs

ACTIONS = ("list", "show", "logs", "attach", "resubmit", "debug", "cancel")
_USAGE = """%jobs list [--all]   this notebook's jobs, or all in the store
%jobs show [ID]      one job: state, names, output, error
%jobs logs [ID]      all that it printed
%jobs attach [ID]    show its panel here and bring in its names; --all for all of the notebook
%jobs resubmit ID [OPTIONS]   send it again; the options are added to those that it had
%jobs resubmit ID --failed    of an array, run the tasks again that failed
%jobs debug [ID]     IPython's debugger where it failed, with the values as they were there
%jobs cancel ID      end it

ID is enough of an id's beginning or end, and ID_7 is task 7 of an array; without one it is the
latest job, to debug the latest that failed."""


# Options that say what is sent, or how a cell goes on.
_FOR_CELLS = frozenset(
    ("--in", "--without", "--out", "--by-value", "--wait", "--cancel-on-interrupt", "--as")
) | {
    "--dry-run", "--quiet", "--no-panel", "--debug", "--map", "--product",
}  # fmt: skip


class JobCommands:
    """The actions of ``%jobs``.

    Parameters
    ----------
    session : Session
        Knows the jobs.
    panels : Panels
        Shows them.
    again : callable
        Sends a job again: the job and further options in, the new job out.
    """

    def __init__(self, session: Session, panels: Panels, again: Callable[[Job, str], Job]) -> None:
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
        unknown = [word for word in rest if word != "--all"]
        if unknown:
            raise OptionError(f"%jobs list: what is {unknown[0]!r}?\n\n{_USAGE}")
        rows = [self._session.row(job) for job in self._session.jobs(everyone=bool(rest))]
        if not rows:
            print("no jobs yet" if rest else "no jobs of this notebook; --all lists the store's")
            return
        print(words.table([words.list_line(row) for row in rows]))

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

    def _attach(self, rest: list[str]) -> None:
        found = self._session.jobs() if rest in ([], ["--all"]) else [self._one(rest)]
        if not found:
            raise UnknownJob("no job was sent from this notebook yet; %jobs list --all")
        for job in found if rest else found[-1:]:
            self._session.bring_in(job, tell=not self._session.has_widgets)
            self._session.without_panel.discard(job.id)
            if self._session.has_widgets:
                self._panels.show(job, Place(self._session.shell), lingers=True)
            else:
                print(words.title(self._session.row(job)))
        self._session.bring_home()

    def _resubmit(self, rest: list[str]) -> None:
        if not rest or rest[0].startswith("-"):
            raise OptionError("%jobs resubmit: which one? %jobs list shows the ids")
        job = self._session.find(rest[0])
        unfit = [word for word in rest[1:] if word.partition("=")[0] in _FOR_CELLS]
        if unfit:
            raise OptionError(
                f"%jobs resubmit sends what was sent before, so {unfit[0]} has no meaning there; "
                f"run the cell again for that"
            )
        new = self._again(job, shlex.join(rest[1:]))
        if self._session.has_widgets:
            self._panels.show(new, Place(self._session.shell))
        else:
            print(f"{words.name(self._session.row(new))}: sent again")

    def _one(self, rest: list[str]) -> Job:
        if len(rest) > 1:
            raise OptionError(f"%jobs: one id at a time\n\n{_USAGE}")
        return self._session.find(rest[0] if rest else "")
