"""``nbsubmit jobs``, ``show`` and ``cancel``: a store's jobs from a shell."""

from __future__ import annotations

import sys
from typing import Any

import click

from nbsubmit.cli.following import follow as follow_jobs
from nbsubmit.cli.words import JobId, States, json_option, store_option, tell
from nbsubmit.client import jobs as client
from nbsubmit.client import words
from nbsubmit.client.facts import all_facts, facts
from nbsubmit.client.rows import row_of
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job
from nbsubmit.core.sizes import size_of
from nbsubmit.core.state import JobState


@click.command()
@click.option("--live", is_flag=True, help="Those alone that have not ended.")
@click.option("--state", "states", type=States(), metavar="STATE,…", multiple=True,
              help="Those alone that are in these states.")  # fmt: skip
@click.option("-f", "--follow", is_flag=True, help="Keep it up to date until none is live.")
@click.option("--sizes", is_flag=True, help="Show how much room each takes.")
@json_option
@store_option
def jobs(
    live: bool,
    states: tuple[frozenset[JobState], ...],
    follow: bool,
    sizes: bool,
    as_json: bool,
    folder: str | None,
) -> None:
    """List the jobs of a store, oldest first.

    With --follow a terminal shows the list as it is, and anything else a line for each change.
    Slurm is asked no more often for that than by a notebook.
    """
    if follow and (as_json or sizes):
        raise click.UsageError("--follow goes neither with --json nor with --sizes")

    def chosen(job: Job) -> bool:
        state = job.status.state
        return not (live and state.ended) and (not states or state in frozenset().union(*states))

    if follow:
        follow_jobs(folder, chosen)
        return
    found = [job for job in client.jobs(folder) if chosen(job)]
    if as_json:
        tell([_facts(job, sizes=sizes) for job in found])
    elif not found:
        click.echo("no such jobs here" if live or states else "no jobs here")
    else:
        room = [size_of(job.folder).total if sizes else None for job in found]
        lines = [words.list_line(row_of(job), size) for job, size in zip(found, room, strict=True)]
        click.echo(words.table(lines))


def _facts(job: Job, *, sizes: bool) -> dict[str, Any]:
    size = {"bytes": size_of(job.folder).total} if sizes else {}
    return {**facts(job, row_of(job)), **size}


@click.command()
@click.argument("job_id", metavar="ID", type=JobId())
@json_option
@store_option
def show(job_id: str, as_json: bool, folder: str | None) -> None:
    """Show one job: its state, what was sent and what came back."""
    job = client.attach(job_id, folder)
    row = row_of(job)
    if as_json:
        tell(all_facts(job, row))
        return
    click.echo(words.details(row))
    click.echo(plain(f"folder: {job.folder.path}"))
    if row.error:
        click.echo("\n".join(row.error))


@click.command()
@click.argument("job_ids", metavar="ID...", type=JobId(), nargs=-1, required=True)
@json_option
@store_option
def cancel(job_ids: tuple[str, ...], as_json: bool, folder: str | None) -> None:
    """End jobs."""
    told = [_cancelled(job_id, folder) for job_id in job_ids]
    if as_json:
        tell(told)
    for one in told if not as_json else ():
        if one["error"]:
            click.echo(plain(one["error"]), err=True)
        elif one["cancelled"]:
            click.echo(f"job {one['id']} is being cancelled")
        else:
            click.echo(f"job {one['id']} had ended: {one['status']}")
    sys.exit(1 if any(one["error"] for one in told) else 0)


def _cancelled(job_id: str, folder: str | None) -> dict[str, Any]:
    """Cancel a job, and return what came of it; one that cannot be keeps back no other."""
    told: dict[str, Any] = {"id": job_id, "cancelled": False, "status": None, "error": None}
    try:
        job = client.attach(job_id, folder)
        told["id"] = job.id
        told["cancelled"] = job.cancel()
        told["status"] = str(job.status)
    except (NbsubmitError, OSError) as error:
        told["error"] = f"job {told['id']} could not be cancelled: {error}"
    return told
