"""``nbsubmit jobs``, ``show``, ``logs`` and ``cancel``: a store's jobs from a shell."""

from __future__ import annotations

import click

from nbsubmit.client import jobs as client
from nbsubmit.client import words
from nbsubmit.client.rows import row_of
from nbsubmit.core.sizes import size_of

store_option = click.option(
    "--folder",
    type=click.Path(file_okay=False),
    help="The store; by default NBSUBMIT_FOLDER, or .nbsubmit here.",
)
_id = click.argument("job_id", metavar="ID")


@click.command()
@click.option("--sizes", is_flag=True, help="Show how much room each takes.")
@store_option
def jobs(sizes: bool, folder: str | None) -> None:
    """List the jobs of a store, oldest first."""
    found = client.jobs(folder)
    if not found:
        click.echo("no jobs here")
        return
    room = [size_of(job.folder).total if sizes else None for job in found]
    lines = [words.list_line(row_of(job), size) for job, size in zip(found, room, strict=True)]
    click.echo(words.table(lines))


@click.command()
@_id
@store_option
def show(job_id: str, folder: str | None) -> None:
    """Show one job: its state, what was sent and what came back."""
    job = client.attach(job_id, folder)
    row = row_of(job)
    click.echo(words.details(row))
    click.echo(f"folder: {job.folder.path}")
    if row.error:
        click.echo("\n".join(row.error))


@click.command()
@_id
@store_option
def logs(job_id: str, folder: str | None) -> None:
    """Print what a job has printed; its standard error goes to standard error."""
    job = client.attach(job_id, folder)
    click.echo(job.stdout(), nl=False)
    click.echo(job.stderr(), nl=False, err=True)


@click.command()
@_id
@store_option
def cancel(job_id: str, folder: str | None) -> None:
    """End a job."""
    job = client.attach(job_id, folder)
    if job.cancel():
        click.echo(f"job {job.id} is being cancelled")
    else:
        click.echo(f"job {job.id} had ended: {job.status}")
