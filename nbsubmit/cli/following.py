"""The list of jobs as it changes, until none is live: in place in a terminal, else line by line."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence

import click

from nbsubmit.client import jobs as client
from nbsubmit.client import watching, words
from nbsubmit.client.meters import Meters
from nbsubmit.client.rows import JobRow, row_of
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState

# How often what is known is shown; how often a scheduler is asked is the watcher's affair.
_PAUSE_SECONDS = 0.5


def follow(folder: str | None, chosen: Callable[[Job], bool]) -> None:
    """Show the jobs of a store as they change, and return when none is live.

    Parameters
    ----------
    folder : str or None
        The store.
    chosen : callable
        Tells whether a job is to be shown.
    """
    seen = _Seen(folder)
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    show = _Table().show if is_terminal else _Changes().show
    while True:
        jobs = seen.jobs()
        over = all(job.is_over for job in jobs)  # before they are shown, so the last is the end
        show([seen.row(job) for job in jobs if chosen(job)])
        if over:
            return
        time.sleep(_PAUSE_SECONDS)


class _Seen:
    """The jobs of a store, each opened once, and looked at until it has ended."""

    def __init__(self, folder: str | None) -> None:
        self._store = client.store_in(folder)
        self._jobs: dict[str, Job] = {}
        self._meters: dict[str, Meters] = {}
        self._last: dict[str, JobRow] = {}

    def jobs(self) -> list[Job]:
        """Return them all, oldest first, those that are new too."""
        folders = {each.id: each for each in self._store.folders()}
        gone = [id_ for id_, job in self._jobs.items() if id_ not in folders and job.is_over]
        for id_ in gone:
            del self._jobs[id_]
        self._open(each for id_, each in folders.items() if id_ not in self._jobs)
        return list(self._jobs.values())

    def _open(self, folders: Iterable[JobFolder]) -> None:
        # One whose sender is about to write it down is seen the next time.
        new = [each for each in folders if each.spec_file.exists()]
        for job in client.opened(new, watcher=watching.watcher()) if new else ():
            self._jobs[job.id] = job
            self._meters[job.id] = Meters(job)
            if not job.is_over:
                watching.watcher().add(job)

    def row(self, job: Job) -> JobRow:
        """Return what is shown of a job; of one that has ended it stays."""
        if job.id in self._last:
            return self._last[job.id]
        over = job.is_over
        row = row_of(job, meters=self._meters[job.id])
        if over:
            self._last[job.id] = row
        return row


class _Changes:
    """Prints a line for each job whose state is another than it was."""

    def __init__(self) -> None:
        self._states: dict[str, JobState] = {}

    def show(self, rows: Sequence[JobRow]) -> None:
        for row in rows:
            if self._states.get(row.id) is not row.state:
                self._states[row.id] = row.state
                click.echo("  ".join(part for part in words.list_line(row) if part))
        sys.stdout.flush()


class _Table:
    """Draws a table in a terminal over the one that it drew before."""

    def __init__(self) -> None:
        self._height = 0
        self._drawn = ""

    def show(self, rows: Sequence[JobRow]) -> None:
        columns, height = shutil.get_terminal_size()
        lines = _fitting(rows, max(height - 2, 1))
        text = "".join(f"{words.cropped(line, columns - 1)}\n" for line in lines)
        if text != self._drawn:
            up = f"\x1b[{self._height}A\r\x1b[J" if self._height else ""
            click.echo(up + text, nl=False, color=True)
            sys.stdout.flush()
            self._height, self._drawn = len(lines), text


def _fitting(rows: Sequence[JobRow], height: int) -> list[str]:
    """Return the lines of a table that is no higher: of more jobs, the live and the latest."""
    if not rows:
        return ["no such jobs here"]
    shown = rows
    if len(rows) > height:
        best = sorted(rows, key=lambda row: (row.state.ended, [-ord(c) for c in row.id]))
        chosen = {row.id for row in best[: height - 1]}
        shown = [row for row in rows if row.id in chosen]
    lines = words.table([words.list_line(row) for row in shown]).splitlines()
    more = len(rows) - len(shown)
    return [f"... and {more} more", *lines] if more else lines
