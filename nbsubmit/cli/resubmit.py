"""``nbsubmit resubmit``: jobs once more, with other resources."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import click

from nbsubmit.cli.jobs import store_option
from nbsubmit.client import again, cells, failures
from nbsubmit.client import jobs as client
from nbsubmit.core.errors import NbsubmitError, OptionError
from nbsubmit.core.job import Job


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--failed", is_flag=True, help="All that failed and was not sent again since.")
@store_option
@click.argument("words", metavar="[ID] [OPTIONS]...", nargs=-1, type=click.UNPROCESSED)
def resubmit(failed: bool, words: tuple[str, ...], folder: str | None) -> None:
    """Send a job again; the options are added to those that it had.

    ID --failed runs the tasks of an array again that failed. What a cell brings waits until a
    notebook attaches to it.
    """
    ids, more = [word for word in words[:1] if not word.startswith("-")], list(words)
    more = more[len(ids) :]
    cells.check_options(more, "nbsubmit resubmit")
    if ids:
        whole, only = cells.part_again(client.attach(ids[0], folder), failed=failed)
        click.echo(f"job {_sent(whole, more, only).id}: sent again")
        return
    if not failed:
        raise OptionError("which one? Name a job as  nbsubmit jobs  does, or give --failed")
    _all_failed(client.jobs(folder), more)


def _all_failed(jobs: Sequence[Job], more: list[str]) -> None:
    count = 0
    for failure in failures.not_sent_again(jobs, jobs):
        job = failure.job
        try:
            new = _sent(job, more, failure.only)
        except (NbsubmitError, OSError) as error:
            click.echo(f"job {job.id} was not sent: {error}", err=True)
            continue
        count += 1
        tasks = f" ({len(failure.only)} of its tasks)" if failure.only else ""
        click.echo(f"job {job.id} {job.status.state}{tasks} was sent again as job {new.id}")
    if not count:
        click.echo("there is nothing to send: what failed was sent again")


def _sent(job: Any, more: list[str], only: Sequence[int] | None) -> Job:
    if cells.is_cell(job):
        return again.send_again(job, {"options": shlex.join(more)}, only)
    if more:
        raise OptionError(
            f"job {job.id} is a call of a function, which has parameters instead of options: "
            f"nbsubmit.attach({job.id!r}).resubmit(mem_gb=8)"
        )
    return again.send_again(job, {}, only)
