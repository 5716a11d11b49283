"""``nbsubmit config``: what is configured here, and where it was said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from nbsubmit.client import configured, words
from nbsubmit.core import config_files
from nbsubmit.core.config_files import ConfigFile, Configuration
from nbsubmit.core.harmless import plain
from nbsubmit.core.profiles import Options
from nbsubmit.core.settings import NAMES


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")
def config(as_json: bool) -> None:
    """Show each setting, the options of jobs, and where they were said.

    It is what holds for a notebook or a script in this folder.
    """
    found = config_files.load()
    configured.check(found)
    click.echo(json.dumps(_as_json(found), default=str) if as_json else _told(found))


def _told(found: Configuration) -> str:
    settings = [
        (name, _value(getattr(found.settings, name)), found.origins[name]) for name in NAMES
    ]
    parts: dict[str, list[tuple[str, ...]]] = {
        "settings": [*settings],
        "defaults: options of each job for Slurm": _lines(found.defaults),
        **{f"profile {name}": _lines(found.profiles[name]) for name in sorted(found.profiles)},
        "floors": _lines(found.floors),
        "files": [_file(each) for each in found.files],
    }
    shown = [f"{title}\n{words.table(_indented(lines))}" for title, lines in parts.items() if lines]
    return plain("\n\n".join(shown))


def _lines(options: Options) -> list[tuple[str, ...]]:
    return [(name, _value(said.value), said.where) for name, said in options.items()]


def _file(file: ConfigFile) -> tuple[str, ...]:
    state = (
        f"not used: {file.distrust}" if file.distrust else "read" if file.is_there else "not there"
    )
    return file.kind, str(file.path), state


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ",".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value) or "-"


def _indented(lines: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(f"  {first}", *map(_on_a_line, rest)) for first, *rest in lines]


def _on_a_line(text: str) -> str:
    return plain(text).replace("\n", "\\n")


def _as_json(found: Configuration) -> dict[str, Any]:
    return {
        "settings": {
            name: {"value": getattr(found.settings, name), "where": found.origins[name]}
            for name in NAMES
        },
        "defaults": _plain(found.defaults),
        "profiles": {name: _plain(options) for name, options in found.profiles.items()},
        "floors": _plain(found.floors),
        "files": [vars(file) for file in found.files],
    }


def _plain(options: Options) -> dict[str, Any]:
    return {name: {"value": said.value, "where": said.where} for name, said in options.items()}
