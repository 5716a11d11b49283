"""``nbsubmit doctor``: what usually goes wrong on a new cluster, and how to mend it."""

from __future__ import annotations

import json
import sys

import click

from nbsubmit.cli.words import WithCellOptions, any_store_option, of_an_option
from nbsubmit.client.doctor import Wish, look
from nbsubmit.client.doctor.words import line, summary
from nbsubmit.core.finding import Grade


@click.command(cls=WithCellOptions, context_settings={"ignore_unknown_options": True})
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")
@click.option("--no-job", is_flag=True, help="Send no tiny job, so see nothing of the nodes.")
@click.option("--patience", metavar="SECONDS", type=click.FloatRange(min=1), default=120.0,
              help="So long the tiny job may take; by default 120.")  # fmt: skip
@any_store_option
@click.argument("words", metavar="[OPTIONS]...", nargs=-1, type=click.UNPROCESSED,
                shell_complete=of_an_option)  # fmt: skip
def doctor(
    as_json: bool, no_job: bool, patience: float, folder: str | None, words: tuple[str, ...]
) -> None:
    """Check what a job needs, here and on a node, and say how to mend what is wrong.

    A tiny job goes where yours would. Options for it are those of a cell's line: --partition,
    --account, --profile, --python. The exit code is 1 if there are problems.
    """
    wish = Wish(words, folder, not no_job, patience)
    found = []
    for finding in look(wish, lambda text: click.echo(text, err=True)):
        found.append(finding)
        if not as_json:
            click.echo(line(finding))
    if as_json:
        click.echo(json.dumps([finding.to_json() for finding in found]))
    else:
        click.echo(summary(found))
    sys.exit(1 if any(finding.grade is Grade.PROBLEM for finding in found) else 0)
