"""What ``%jobs`` does: see jobs, look at one, send one again, debug one, end or remove one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

from IPython.display import publish_display_data

from nbsubmit.client import words
from nbsubmit.client.cells import check_options, is_cell
from nbsubmit.core.errors import NbsubmitError, OptionError, SubmitError
from nbsubmit.core.harmless import for_stream, plain
from nbsubmit.core.job import Job
from nbsubmit.core.postmortem import PostMortem
from nbsubmit.core.sizes import size_of
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.notebook.attach import attach
from nbsubmit.notebook.debugger import debug
from nbsubmit.notebook.manual import OF_JOBS
from nbsubmit.notebook.panels import Panels
from nbsubmit.notebook.place import Place
from nbsubmit.notebook.plain import show_error
from nbsubmit.notebook.replay import Replay, shown
from nbsubmit.notebook.session import Session
from nbsubmit.notebook.tasks import FEW, first_failed, print_logs

ACTIONS = (
    "list", "show", "logs", "attach", "resubmit", "debug", "cancel", "forget", "clean", "doctor",
)  # fmt: skip


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
        try:
            action, *rest = shlex.split(line) or ["list"]
        except ValueError as error:
            raise OptionError(f"%jobs: {error} in: {line}") from None
        if action in ("help", "-h", "--help"):
            print(OF_JOBS)
            return
        if action not in ACTIONS:
            raise OptionError(f"%jobs: what is {action!r}?\n\n{OF_JOBS}")
        getattr(self, f"_{action}")(rest)

    def _list(self, rest: list[str]) -> None:
        unknown = [word for word in rest if word not in ("--all", "--sizes")]
        if unknown:
            raise OptionError(f"%jobs list: what is {unknown[0]!r}?\n\n{OF_JOBS}")
        everyone = "--all" in rest
        jobs = self._session.jobs(everyone=everyone)
        if not jobs:
            here = "no jobs of this notebook; --all lists the store's"
            print("no jobs yet" if everyone else here)
            return
        # To look at all its files takes time on a shared disk, so nobody waits for it unasked.
        sizes = [size_of(job.folder).total if "--sizes" in rest else None for job in jobs]
        rows = map(self._session.arrivals.row, jobs)
        print(words.table([words.list_line(*line) for line in zip(rows, sizes, strict=True)]))

    def _show(self, rest: list[str]) -> None:
        job = self._one(rest)
        row = self._session.arrivals.row(job)
        print(words.details(row))
        print(plain(f"folder: {job.folder.path}"))
        replay = Replay(job)
        replay.more()
        if replay.result is not None:
            publish_display_data(shown(replay.result["data"]), replay.result["metadata"])
        if row.error:
            show_error(row)

    def _logs(self, rest: list[str]) -> None:
        job = self._one(rest)
        if isinstance(job, TaskedJob):
            print_logs(job)
            return
        out, err = job.stdout(), job.stderr()
        sys.stdout.write(for_stream(out, sys.stdout))
        sys.stderr.write(for_stream(err, sys.stderr))
        if not (out or err):
            print(words.nothing_printed(self._session.arrivals.row(job)))

    def _debug(self, rest: list[str]) -> None:
        job = first_failed(self._one(rest) if rest else self._session.latest_failed())
        namespace: dict[str, Any] = {}
        found = PostMortem(self._session.apart(job, namespace), namespace)
        row = self._session.arrivals.row(job)
        print(f"{words.title(row)}; {row.reason}".rstrip("; "))
        debug(self._session.shell, found)

    def _cancel(self, rest: list[str]) -> None:
        if not rest:
            raise OptionError("%jobs cancel: which one? %jobs list shows the ids")
        for text in rest:
            job = self._session.find(text)
            try:
                is_alive = job.cancel()
            except (OSError, SubmitError) as error:
                print(
                    f"job {job.id}: that it is to end is noted, and could not be said ({error}). "
                    f"It is said again as long as this notebook runs, or by another %jobs cancel"
                )
                continue
            if is_alive:
                print(f"job {job.id} is being cancelled")
            else:
                print(f"job {job.id} had ended: {job.status}")

    def _forget(self, rest: list[str]) -> None:
        if not rest:
            raise OptionError("%jobs forget: which one? %jobs list shows the ids")
        job = self._one(rest)
        if not job.done():
            raise OptionError(f"%jobs forget: job {job.id} is {job.status}; it may still bring it")
        self._session.arrivals.forget(job)
        print(f"what job {job.id} did not bring is not asked for any more")

    def _clean(self, rest: list[str]) -> None:
        from nbsubmit.notebook.clean import clean  # 36 ms, and few do

        clean(self._session, rest)

    def _doctor(self, rest: list[str]) -> None:
        from nbsubmit.notebook.doctor import doctor  # 37 ms, and few do

        doctor(self._session, rest)

    def _attach(self, rest: list[str]) -> None:
        attach(self._session, self._panels, rest)

    def _resubmit(self, rest: list[str]) -> None:
        ids = [word for word in rest[:1] if not word.startswith("-")]
        more = rest[len(ids) :]
        check_options(more, "%jobs resubmit")
        if ids:
            new = [self._send_again(self._session.find(ids[0]), shlex.join(more))]
        elif _FAILED in more:
            new = self._all_failed([word for word in more if word != _FAILED])
        else:
            raise OptionError("%jobs resubmit: which one? %jobs list shows the ids")
        shows = self._session.has_widgets and len(new) <= FEW
        for job in new:
            if shows:
                self._panels.show(job, Place(self._session.shell))
            elif ids:
                print(f"{words.name(self._session.arrivals.row(job))}: sent again")

    def _all_failed(self, more: list[str]) -> list[Job]:
        """Send all again that failed of this notebook; what cannot be sent keeps back no other."""
        new: list[Job] = []
        failures = self._session.failures()
        for failure in failures:
            job = failure.job
            if not is_cell(job):
                print(f"{_which(job)} is a call of a function: its resubmit() sends it again")
                continue
            try:
                new.append(self._send_again(job, shlex.join(more), failure.only))
            except (NbsubmitError, OSError) as error:
                if isinstance(error, OptionError) and not new:
                    raise
                print(plain(f"{_which(job)} was not sent: {error}"))
            else:
                print(f"{_which(job, failure.only)} was sent again as job {new[-1].id}")
        if not failures:
            print("there is nothing to send: what failed of this notebook was sent again")
        return new

    def _send_again(self, job: Job, more: str, only: Sequence[int] | None = None) -> Job:
        newer = self._session.newer_than(job)
        new = self._again(job, more, only)
        replaced = sorted(newer & self._session.arrivals.to_come(new))
        if replaced:
            print(f"{', '.join(replaced)}: what is there now will be replaced by job {new.id}")
        return new

    def _one(self, rest: list[str]) -> Job:
        if len(rest) > 1:
            raise OptionError(f"%jobs: one id at a time\n\n{OF_JOBS}")
        return self._session.find(rest[0] if rest else "")


_FAILED = "--failed"


def _which(job: Job, only: Sequence[int] | None = None) -> str:
    tasks = f" ({len(only)} of its tasks)" if only else ""
    return " ".join(
        part for part in (f"job {job.id}", job.name, f"{job.status.state}{tasks}") if part
    )
