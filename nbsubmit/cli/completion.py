"""``nbsubmit completion``: what a shell needs to complete this command's words by TAB."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

VARIABLE = "_NBSUBMIT_COMPLETE"
_SHELLS = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}


# Click leaves lines as they are that stand below a backspace.
_HELP = """Print what has a shell complete commands, options, ids and states.

\b
bash   eval "$(nbsubmit completion bash)"    as a line of ~/.bashrc
zsh    eval "$(nbsubmit completion zsh)"     as a line of ~/.zshrc, after compinit
fish   nbsubmit completion fish > ~/.config/fish/completions/nbsubmit.fish
"""


@click.command(help=_HELP)
@click.argument("shell", type=click.Choice([*_SHELLS]))
def completion(shell: str) -> None:
    """Print what a shell needs."""
    from nbsubmit.cli.main import commands

    source = _SHELLS[shell](commands, {}, "nbsubmit", VARIABLE)
    # Its own `source` would look which bash there is, which is not the one that reads this.
    click.echo(source.source_template % source.source_vars())
    click.echo("# Where to put this:  nbsubmit completion --help")
