"""``nbsubmit sandbox``: a private, real Slurm on this machine, in plain words."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from nbsubmit.sandbox.command import NOT_EXECUTABLE, NOT_FOUND, run_command
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.errors import SandboxError
from nbsubmit.sandbox.sandbox import Sandbox, find
from nbsubmit.sandbox.sandbox import down as take_down
from nbsubmit.sandbox.sandbox import up as bring_up

_VARIABLE = "NBSUBMIT_SANDBOX"
_DEFAULTS = SandboxConfig(Path())
_TROUBLES = {NOT_FOUND: "was not found.", NOT_EXECUTABLE: "cannot be run."}


@click.group()
def sandbox() -> None:
    """Start and stop a private, real Slurm on this machine: to learn, to try, to test.

    It runs as you, in a folder, from the distribution's own packages. Its nodes are pretended:
    they may have more CPUs than this machine, and GPUs that do not exist.
    """


_Command = Callable[..., None]
_DEFAULT_PLACE = f"Where it lives; without it ${_VARIABLE}, or ~/.nbsubmit-sandbox."


def _folder_option(told: str = _DEFAULT_PLACE) -> Callable[[_Command], _Command]:
    path = click.Path(file_okay=False, path_type=Path)
    return click.option("--folder", type=path, default=None, help=told)


def _size_options(command: _Command) -> _Command:
    for option in (
        click.option("--accounting/--no-accounting", help="Make sacct work; starts a database."),
        _number("--gpus", _DEFAULTS.gpus, 0, "Pretended GPUs of each node."),
        _number("--cpus", _DEFAULTS.cpus, 1, "CPUs of each node."),
        _number("--nodes", _DEFAULTS.nodes, 1, "Number of nodes."),
    ):
        command = option(command)
    return command


def _number(name: str, default: int, least: int, told: str) -> Callable[[_Command], _Command]:
    kind = click.IntRange(min=least)
    return click.option(name, type=kind, default=default, show_default=True, help=told)


@sandbox.command()
@_folder_option()
@_size_options
def up(folder: Path | None, nodes: int, cpus: int, gpus: int, accounting: bool) -> None:
    """Start it and leave it running until `down`."""
    asked = SandboxConfig(_place(folder), nodes, cpus, gpus, accounting=accounting)
    with _plain_errors():
        running = bring_up(asked)
    state = "is up already, as it was started" if running.found else "is up"
    click.echo(f"Slurm {state}: {_describe(running.config)}.")
    if running.found and running.config != asked:
        click.echo("To have it otherwise, take it down first.")
    click.echo(f"Its folder: {running.folder}")
    click.echo("To use it in this shell:\n")
    for name, value in running.environ.items():
        click.echo(f"    export {name}={shlex.quote(value)}")
    click.echo(f"\nTo stop it:  nbsubmit sandbox down{_folder_words(running.folder)}")


@sandbox.command()
@_folder_option()
def down(folder: Path | None) -> None:
    """Stop it with all its jobs. Logs stay in its folder."""
    place = _place(folder)
    with _plain_errors():
        was_up = take_down(place)
    click.echo(f"Slurm in {place} is down." if was_up else f"No Slurm was up in {place}.")


@sandbox.command()
@_folder_option()
def status(folder: Path | None) -> None:
    """Say what runs; the exit code is 0 when it is up."""
    place = _place(folder)
    running = find(place)
    if running is None:
        click.echo(f"No Slurm is up in {place}.")
        sys.exit(1)
    now = running.status()
    click.echo(f"Slurm is up in {running.folder}: {_describe(running.config)}.")
    for daemon, alive in now.daemons.items():
        node = f", {now.nodes[daemon]}" if daemon in now.nodes else ""
        click.echo(f"  {daemon:<10} {'runs' if alive else 'does not run'}{node}")
    if not now.nodes:
        click.echo("  The controller does not answer.")


@sandbox.command(
    context_settings={"allow_interspersed_args": False},
    short_help="Run COMMAND with a Slurm of its own.",
)
@_folder_option("Where it lives; without it a folder that goes away with it.")
@_size_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    folder: Path | None,
    nodes: int,
    cpus: int,
    gpus: int,
    accounting: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with a Slurm of its own, which goes down with it; give its exit code.

    With --folder, one that is up there is used, and left up.
    """
    config = SandboxConfig(folder or _DEFAULTS.folder, nodes, cpus, gpus, accounting=accounting)
    with _plain_errors(), _for_now(config, folder) as running:
        code = run_command(running, command)
    if code in _TROUBLES:
        click.echo(f"nbsubmit sandbox run: {command[0]!r} {_TROUBLES[code]}", err=True)
    sys.exit(code)


@contextlib.contextmanager
def _for_now(config: SandboxConfig, folder: Path | None) -> Iterator[Sandbox]:
    """Have a sandbox for the time of the block; one that was up before stays up."""
    if folder is None:
        place = Path(tempfile.mkdtemp(prefix="nbsubmit-sandbox-"))
        config = replace(config, folder=place, ephemeral=True)
    running = bring_up(config, owner=os.getpid())
    try:
        yield running
    finally:
        if not running.found:
            running.down()


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except SandboxError as error:
        raise click.ClickException(str(error)) from error


def _place(folder: Path | None) -> Path:
    default = os.environ.get(_VARIABLE) or "~/.nbsubmit-sandbox"
    return (folder or Path(default)).expanduser().absolute()


def _folder_words(folder: Path) -> str:
    return "" if folder == _place(None) else f" --folder {shlex.quote(str(folder))}"


def _describe(config: SandboxConfig) -> str:
    nodes = "1 node" if config.nodes == 1 else f"{config.nodes} nodes"
    gpus = f", {config.gpus} pretended GPUs" if config.gpus else ""
    sacct = "with accounting" if config.accounting else "no accounting"
    return f"{nodes} of {config.cpus} CPUs{gpus} and {config.memory_mb} MB; {sacct}"
