"""``nbsubmit jobs``, ``show``, ``logs`` and ``cancel``: a store's jobs from a shell."""

from __future__ import annotations

import click

from nbsubmit.client import jobs as client
from nbsubmit.client import words
from nbsubmit.client.rows import row_of

_store = click.option(
    "--folder",
    type=click.Path(file_okay=False),
    help="The store; by default NBSUBMIT_FOLDER, or .nbsubmit here.",
)
_id = click.argument("job_id", metavar="ID")


@click.command()
@_store
def jobs(folder: str | None) -> None:
    """List the jobs of a store, oldest first."""
    rows = [row_of(job) for job in client.jobs(folder)]
    if not rows:
        click.echo("no jobs here")
    else:
        click.echo(words.table([words.list_line(row) for row in rows]))


@click.command()
@_id
@_store
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
@_store
def logs(job_id: str, folder: str | None) -> None:
    """Print what a job has printed; its standard error goes to standard error."""
    job = client.attach(job_id, folder)
    click.echo(job.stdout(), nl=False)
    click.echo(job.stderr(), nl=False, err=True)


@click.command()
@_id
@_store
def cancel(job_id: str, folder: str | None) -> None:
    """End a job."""
    job = client.attach(job_id, folder)
    if job.cancel():
        click.echo(f"job {job.id} is being cancelled")
    else:
        click.echo(f"job {job.id} had ended: {job.status}")
