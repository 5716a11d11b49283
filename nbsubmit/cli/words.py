"""The words of a line: options that several commands have, and what TAB offers for their values.

What offers them is imported when TAB is pressed: `nbsubmit.cli.main` tells why.
"""

from __future__ import annotations

import json
from typing import Any

import click
from click.shell_completion import CompletionItem

from nbsubmit.core.state import JobState

# So many of the latest jobs are offered.
_OFFERED = 50
# So long a shell waits for Slurm behind TAB.
_PATIENCE_SECONDS = 2.0


def _is_there(_ctx: click.Context, _param: click.Parameter, folder: str | None) -> str | None:
    """Refuse a folder that was named and is not there: in none all would seem to be well."""
    if folder:
        from nbsubmit.client.jobs import store_in

        path = store_in(folder).path
        if not path.is_dir():
            raise click.BadParameter(f"there is no folder {path}")
    return folder


_HELP = "The store; by default NBSUBMIT_FOLDER, or .nbsubmit here."
store_option = click.option(
    "--folder", type=click.Path(file_okay=False), callback=_is_there, help=_HELP
)
# Of one that is yet to be made.
any_store_option = click.option("--folder", type=click.Path(file_okay=False), help=_HELP)
json_option = click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")


class JobId(click.ParamType):  # type: ignore[type-arg]
    """Enough of a job's id, its handle, or one of these and ``_`` and a task."""

    name = "id"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the latest jobs of the store, by the ends of their ids too."""
        from nbsubmit.client.jobs import store_in

        try:
            folders = store_in(ctx.params.get("folder")).folders()[-_OFFERED:]
        except Exception:  # whatever it is, TAB is not the place to tell of it
            return []
        ids = [folder.id for folder in reversed(folders)]
        found = [id_ for id_ in ids if id_.startswith(incomplete)]
        found = found or [end for id_ in ids if (end := id_[-4:]).startswith(incomplete)]
        return [CompletionItem(text) for text in found]


class States(click.ParamType):  # type: ignore[type-arg]
    """States of jobs, separated by commas."""

    name = "states"

    def __init__(self, *, ended: bool = False) -> None:
        self._names = [s.value for s in JobState if s.ended or not ended]

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[JobState]:
        """Return the states; in any case, as people write them."""
        names = [name for text in str(value).upper().split(",") if (name := text.strip())]
        unknown = [name for name in names if name not in self._names]
        if unknown:
            self.fail(f"there is no {unknown[0]!r}; there are {', '.join(self._names)}", param, ctx)
        return frozenset(map(JobState, names))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the states that are not there yet."""
        before, comma, last = incomplete.upper().rpartition(",")
        given = before.split(",")
        names = [n for n in self._names if n.startswith(last) and n not in given]
        return [CompletionItem(f"{before}{comma}{name}") for name in names]


class WithCellOptions(click.Command):
    """A command that takes the options of a cell's line too, and offers them."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer its own options, and those of the line."""
        from nbsubmit.client.cells import FOR_CELLS
        from nbsubmit.client.configured import grammar_of

        own = super().shell_complete(ctx, incomplete)
        unfit = {item.value for item in own} | FOR_CELLS
        return own + [
            CompletionItem(flag)
            for flag in grammar_of("slurm").offered
            if flag.startswith("--") and flag.startswith(incomplete) and flag not in unfit
        ]


def of_a_line(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer what may stand next among a job's id and the options of a cell's line."""
    if not ctx.params.get(param.name or ""):
        return JobId().shell_complete(ctx, param, incomplete)
    return of_an_option(ctx, param, incomplete)


def of_an_option(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer what may stand behind the option of a cell's line that is the last word."""
    from nbsubmit.backends.slurm.offers import Offers
    from nbsubmit.client.configured import grammar_of

    words = [str(word) for word in ctx.params.get(param.name or "") or ()]
    grammar = grammar_of("slurm")
    if not words or not grammar.takes_value(words[-1]):
        return []
    option = grammar.long(words[-1])
    if option == "profile":
        return profiles(incomplete)
    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    found = [word for word in Offers(_PATIENCE_SECONDS).of(option) if word not in given]
    return [CompletionItem(f"{before}{comma}{word}") for word in found if word.startswith(last)]


def profiles(incomplete: str) -> list[CompletionItem]:
    """Offer the profiles that are configured here."""
    from nbsubmit.core import config_files

    try:
        names = sorted(config_files.load().profiles)
    except Exception:  # whatever it is, TAB is not the place to tell of it
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def tell(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2))
