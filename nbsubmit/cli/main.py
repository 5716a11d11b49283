"""``nbsubmit``: the command and its parts, each loaded when it is called.

``--help`` takes 50 ms of a processor so; with all parts it would take 370.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from nbsubmit.core.errors import ConfigError, NbsubmitError, OptionError
from nbsubmit.core.harmless import plain

# Command → its module, and what the list of commands says of it.
COMMANDS = {
    "jobs": ("jobs", "List jobs; --follow keeps the list up to date."),
    "show": ("jobs", "Show one job: its state, what was sent and what came back."),
    "logs": ("logs", "Print what a job has printed; -f goes on with it."),
    "cancel": ("jobs", "End jobs."),
    "resubmit": ("resubmit", "Send jobs again, with other options."),
    "clean": ("clean", "Remove jobs that have ended, or tell what there is."),
    "config": ("config", "Show what is configured here, and where it was said."),
    "doctor": ("doctor", "Check what jobs need, here and on a node."),
    "demo": ("demo", "Train a model in a job and bring it back."),
    "sandbox": ("sandbox", "Start and stop a private, real Slurm on this machine."),
    "completion": ("completion", "Print what has a shell complete all this by TAB."),
}
# What shells call an end by an interrupt, and by a reader that has gone.
_INTERRUPTED, _UNREAD = 130, 141


class _Commands(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names, in the order of a job's life."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"nbsubmit.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that a line names; one that there is not is answered with the nearest.

        Raises
        ------
        UsageError
            If there is none.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # 2 ms, and few lines are wrong

            near = difflib.get_close_matches(args[0], COMMANDS)
            if not near:
                raise
            told = f"{error.message} Did you mean {' or '.join(near)}?"
            raise click.UsageError(told, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, of which none is imported for that."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whoever reads no more has all that is wanted."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            # What is still to be written goes nowhere, or the interpreter would say so at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(_UNREAD)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nbsubmit")
def commands() -> None:
    """Send notebook cells to Slurm and get their values, figures and errors back.

    ID is enough of a job's id, from its beginning or its end, or Slurm's own; ID_7 is task 7 of an
    array. The exit code is 0 if all is well, 1 if something went wrong, and 2 if a line cannot be
    understood.
    """


def main() -> None:
    """Run the command; what goes wrong on purpose is one block of text, not a traceback."""
    try:
        code = commands.main(prog_name="nbsubmit", standalone_mode=False)
    except NbsubmitError as error:
        click.echo(plain(f"{type(error).__name__}: {error}"), err=True)
        is_usage = isinstance(error, OptionError) and not isinstance(error, ConfigError)
        sys.exit(2 if is_usage else 1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)
