"""``nbsubmit logs``: what a job has printed, all of it, its end, or as it comes."""

from __future__ import annotations

import sys
from contextlib import suppress

import click

from nbsubmit.cli.words import JobId, store_option
from nbsubmit.client import jobs as client
from nbsubmit.client import watching, words
from nbsubmit.client.rows import row_of
from nbsubmit.client.tail import Tail
from nbsubmit.core.errors import OptionError
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.core.tasks import name_of

# So many tasks at most are shown together.
_FEW = 8
_PAUSE_SECONDS = 0.25
FAILED, LIVE = 3, 4


@click.command()
@click.argument("job_id", metavar="ID", type=JobId())
@click.option("-f", "--follow", is_flag=True, help="Go on with what it prints until it has ended.")
@click.option("-n", "--lines", type=click.IntRange(min=0), metavar="LINES",
              help="Begin with so many of the last lines; by default with the first.")  # fmt: skip
@click.option("--stdout", "only", flag_value="stdout", help="Standard output alone.")
@click.option("--stderr", "only", flag_value="stderr", help="Standard error alone.")
@click.option("--exit-code", is_flag=True,
              help="Let the exit code tell how the job stands: 0 COMPLETED, 3 ended otherwise, "
              "4 live.")  # fmt: skip
@store_option
def logs(
    job_id: str,
    follow: bool,
    lines: int | None,
    only: str | None,
    exit_code: bool,
    folder: str | None,
) -> None:
    """Print what a job has printed; its standard error goes to standard error.

    Of an array, ID_7 is task 7; a few tasks are shown together. An interrupt ends the following,
    never the job.
    """
    job = client.attach(job_id, folder, watcher=watching.watcher())
    printer = _Printer(job, lines, only)
    if follow:
        _follow(job, printer)
    else:
        printer.print(last=True)
        if not printer.has_printed and sys.stderr.isatty():
            click.echo(words.nothing_printed(row_of(job)), err=True)
    if exit_code:
        state = job.status.state
        sys.exit(0 if state is JobState.COMPLETED else FAILED if state.ended else LIVE)


class _Printer:
    """Prints the logs of a job, or of its tasks, each from where it ended the last time."""

    def __init__(self, job: Job, lines: int | None, only: str | None) -> None:
        parts = job.tasks if isinstance(job, TaskedJob) else [job]
        if len(parts) > _FEW:
            raise OptionError(
                f"job {job.id} has {len(parts)} tasks: name one of them, as {job.id}_"
                f"{name_of(parts[0].folder)}"
            )
        self._logs: list[tuple[str, bool, Tail]] = []
        for part in parts:
            task = name_of(part.folder) if isinstance(job, TaskedJob) else ""
            if only != "stderr":
                self._logs.append((task, False, Tail(part.folder.log_out, lines)))
            if only != "stdout":
                self._logs.append((task, True, Tail(part.folder.log_err, lines)))
        self.has_printed = False
        self._said = ""
        self._in_line = False

    def print(self, *, last: bool = False) -> None:
        """Print what is new; the last time, what may be half a character too."""
        for task, is_error, tail in self._logs:
            for text in tail.read():
                self._echo(text, task, is_error)
            if last and (text := tail.end()):
                self._echo(text, task, is_error)
        sys.stdout.flush()

    def _echo(self, text: str, task: str, is_error: bool) -> None:
        if task != self._said:
            click.echo(f"{chr(10) * self._in_line}--- task {task} ---")
            self._said = task
        click.echo(text, nl=False, err=is_error, color=True)
        self.has_printed = True
        self._in_line = not text.endswith("\n")


def _follow(job: Job, printer: _Printer) -> None:
    told = None
    while True:
        over = job.is_over  # before it is read, so that nothing is missed of it
        printer.print(last=over)
        if job.status != told and sys.stderr.isatty():
            told = job.status
            click.echo(words.title(row_of(job)), err=True)
        if over:
            return
        with suppress(TimeoutError):  # an end wakes it
            job.wait(_PAUSE_SECONDS)
