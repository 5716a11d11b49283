"""``nbsubmit``: the command and its parts."""

from __future__ import annotations

import sys

import click

from nbsubmit.cli.demo import demo
from nbsubmit.cli.jobs import cancel, jobs, logs, show
from nbsubmit.cli.sandbox import sandbox
from nbsubmit.core.errors import NbsubmitError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nbsubmit")
def commands() -> None:
    """Send notebook cells to Slurm and get their values, figures and errors back."""


for command in (jobs, show, logs, cancel, demo, sandbox):
    commands.add_command(command)


def main() -> None:
    """Run the command; what goes wrong on purpose is one block of text, not a traceback."""
    try:
        commands()
    except NbsubmitError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(1)
