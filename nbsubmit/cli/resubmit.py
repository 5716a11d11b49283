"""``nbsubmit resubmit``: jobs once more, with other resources."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from nbsubmit.cli.words import WithCellOptions, json_option, of_a_line, store_option, tell
from nbsubmit.client import again, cells, failures
from nbsubmit.client import jobs as client
from nbsubmit.core.errors import NbsubmitError, OptionError
from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job


@click.command(cls=WithCellOptions, context_settings={"ignore_unknown_options": True})
@click.option("--failed", is_flag=True, help="All that failed and was not sent again since.")
@json_option
@store_option
@click.argument("words", metavar="[ID] [OPTIONS]...", nargs=-1, type=click.UNPROCESSED,
                shell_complete=of_a_line)  # fmt: skip
def resubmit(failed: bool, as_json: bool, words: tuple[str, ...], folder: str | None) -> None:
    """Send a job again; the options are added to those that it had.

    ID --failed runs the tasks of an array again that failed. What a cell brings waits until a
    notebook attaches to it.
    """
    ids, more = [word for word in words[:1] if not word.startswith("-")], list(words)
    more = more[len(ids) :]
    cells.check_options(more, "nbsubmit resubmit")
    if ids:
        whole, only = cells.part_again(client.attach(ids[0], folder), failed=failed)
        new = _sent(whole, more, only)
        _tell([_told(whole, only, new)], as_json, lambda _: f"job {new.id}: sent again")
    elif failed:
        told = _all_failed(client.jobs(folder), more)
        _tell(told, as_json, _line)
        sys.exit(1 if any(one["error"] for one in told) else 0)
    else:
        raise OptionError("which one? Name a job as  nbsubmit jobs  does, or give --failed")


def _all_failed(jobs: Sequence[Job], more: list[str]) -> list[dict[str, Any]]:
    """Send all again that failed; what cannot be sent keeps back no other."""
    told = []
    for failure in failures.not_sent_again(jobs, jobs):
        try:
            new = _sent(failure.job, more, failure.only)
        except (NbsubmitError, OSError) as error:
            told.append(_told(failure.job, failure.only, None, str(error)))
        else:
            told.append(_told(failure.job, failure.only, new))
    return told


def _told(
    job: Job, only: Sequence[int] | None, new: Job | None, error: str | None = None
) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.status.state.value,
        "tasks": None if only is None else len(only),
        "new": None if new is None else new.id,
        "error": error,
    }


def _tell(told: list[dict[str, Any]], as_json: bool, line: Callable[[dict[str, Any]], str]) -> None:
    if as_json:
        tell(told)
        return
    for one in told:
        click.echo(plain(line(one)), err=bool(one["error"]))
    if not told:
        click.echo("there is nothing to send: what failed was sent again")


def _line(one: dict[str, Any]) -> str:
    if one["error"]:
        return f"job {one['id']} was not sent: {one['error']}"
    tasks = f" ({one['tasks']} of its tasks)" if one["tasks"] else ""
    return f"job {one['id']} {one['state']}{tasks} was sent again as job {one['new']}"


def _sent(job: Any, more: list[str], only: Sequence[int] | None) -> Job:
    if cells.is_cell(job):
        return again.send_again(job, {"options": shlex.join(more)}, only)
    if more:
        raise OptionError(
            f"job {job.id} is a call of a function, which has parameters instead of options: "
            f"nbsubmit.attach({job.id!r}).resubmit(mem_gb=8)"
        )
    return again.send_again(job, {}, only)
