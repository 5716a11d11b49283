"""``nbsubmit clean``: jobs of a store that are no longer needed."""

from __future__ import annotations

import json
import sys

import click

from nbsubmit.cli.words import JobId, States, store_option
from nbsubmit.client import removals
from nbsubmit.client.cleaning import cleaner as cleaner_of
from nbsubmit.core.errors import OptionError


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1, type=JobId())
@click.option("--older", metavar="AGE", help="Those that ended so long ago: 30d, 2w, 12h.")
@click.option("--keep", metavar="N", help="All but the N that were sent last; 0 keeps none.")
@click.option("--state", "states", metavar="STATE,…", multiple=True, help="Those that ended so.",
              shell_complete=States(ended=True).shell_complete)  # fmt: skip
@click.option("--all", "_all", is_flag=True, help="Of every notebook, as is always so here.")
@click.option("--dry-run", is_flag=True, help="Tell what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON; with --yes or --dry-run.")
@store_option
def clean(
    ids: tuple[str, ...],
    older: str | None,
    keep: str | None,
    states: tuple[str, ...],
    _all: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    folder: str | None,
) -> None:
    """Remove jobs that have ended; without any option tell what there is.

    A job that is live, that another job needs, or that a notebook or a script has open stays.
    """
    cleaner = cleaner_of(folder)
    wish = removals.wish_of(cleaner, ids, older, keep, states)
    if wish.is_empty and not as_json:
        click.echo(removals.overview(cleaner, "nbsubmit clean", "in the store"))
        return
    if wish.is_empty:
        raise OptionError("--json: say what is to go, as in  --keep 0 --dry-run")
    if as_json and not (yes or dry_run):
        raise OptionError("--json does not ask: add --yes, or --dry-run to remove nothing")
    plan = cleaner.plan(wish)
    if not yes and not as_json:
        click.echo(removals.preview(plan))
        if not plan.going or dry_run:
            return
        if not sys.stdin.isatty():
            raise OptionError("nobody is there to be asked: add --yes to remove them")
        click.confirm("Remove them?", abort=True)
    if not dry_run:
        plan = cleaner.remove(plan)
    if as_json:
        click.echo(json.dumps(removals.as_json(plan, done=not dry_run)))
    else:
        click.echo(removals.told(plan, done=not dry_run))
