"""Sets of options that configuration files name → words of a magic's line.

An option is written there by its long name, ``mem = "64G"``. ``true`` is one that takes no value,
``false`` takes back what another file says, and a list repeats one that may be repeated.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbsubmit.core.errors import ConfigError, OptionError

if TYPE_CHECKING:
    from nbsubmit.core.options import Grammar

NONE = "none"


@dataclass(frozen=True)
class Said:
    """A value, and where it was said.

    Attributes
    ----------
    value : object
        The value.
    where : str
        A file with the line, or whatever else says it.
    """

    value: Any
    where: str


# Long name of an option → what was said of it.
Options = Mapping[str, Said]


def words(options: Options, grammar: Grammar) -> list[str]:
    """Return what a set of options is on a magic's line.

    Raises
    ------
    ConfigError
        If an option is unknown, cannot be set there, or has a value that it cannot have.
    """
    found: list[str] = []
    for name, said in options.items():
        _check_name(name, said, grammar)
    names = [name for name, said in options.items() if said.value is not False]
    for place, name in enumerate(names):
        said = options[name]
        if not grammar.rivals(name).isdisjoint(names[place + 1 :]):
            continue
        given = _words(name, said, grammar)
        try:
            grammar.parse("", [given])
        except OptionError as error:
            told = str(error).removeprefix(f"{grammar.magic}: ")
            raise ConfigError(f"{said.where}: {told}") from None
        found += given
    return found


def merged(lower: Options, upper: Options) -> dict[str, Said]:
    """Return options of two sets, the upper behind; of what both say it counts, of tables both."""
    found = {**{name: said for name, said in lower.items() if name not in upper}, **upper}
    for name, said in upper.items():
        before = lower[name].value if name in lower else None
        if isinstance(said.value, Mapping) and isinstance(before, Mapping):
            found[name] = Said({**before, **said.value}, said.where)
    return found


def chosen(
    names: Iterable[str], profiles: Mapping[str, Options], where: str
) -> list[tuple[str, Options]]:
    """Return the profiles with these names, in their order; ``none`` is none of them.

    Raises
    ------
    ConfigError
        If there is none by a name, with those that there are.
    """
    found = []
    for name in names:
        if name == NONE:
            continue
        if name not in profiles:
            raise ConfigError(f"there is no profile {name!r}. {_there_is(name, profiles, where)}")
        found.append((name, profiles[name]))
    return found


def _there_is(name: str, profiles: Mapping[str, Options], where: str) -> str:
    if not profiles:
        return f'No configuration file has any: write one below  [profiles."{name}"]  in {where}'
    return f"{nearest(name, profiles)}There are: {', '.join(sorted(profiles))}"


def nearest(name: str, names: Collection[str]) -> str:
    """Return a question after the nearest of some names; empty if none is near."""
    import difflib  # 2 ms; who writes no word wrong needs none

    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}? " if near else ""


def _check_name(name: str, said: Said, grammar: Grammar) -> None:
    if name in grammar.configurable:
        return
    answer = grammar.owned(name)
    if answer:
        raise ConfigError(f"{said.where}: {name} cannot be set. {answer}")
    flag = f"-{name}" if len(name) == 1 else f"--{name}"
    if flag in grammar.flags and grammar.long(flag) in grammar.configurable:
        raise ConfigError(f"{said.where}: write {grammar.long(flag)} for {name}")
    if flag in grammar.flags:
        raise ConfigError(f"{said.where}: {name} is for the line of a cell, not for all jobs")
    near = nearest(name, grammar.configurable)
    raise ConfigError(
        f"{said.where}: there is no option {name!r}. {near}Options are named as on a cell's line, "
        f"without the dashes"
    )


def _words(name: str, said: Said, grammar: Grammar) -> list[str]:
    value = said.value
    if isinstance(value, Mapping):
        if name != "env":
            raise ConfigError(f"{said.where}: {name} is no table; only env is")
        return [f"--{name}={key}={_text(name, each, said)}" for key, each in value.items()]
    if isinstance(value, list):
        if not grammar.repeats(name):
            raise ConfigError(
                f"{said.where}: {name} takes one value; several in one are written "
                f'{name} = "{",".join(str(each) for each in value)}"'
            )
        return [f"--{name}={_text(name, each, said)}" for each in value]
    if value is True:
        if grammar.needs_value(name):
            raise ConfigError(f"{said.where}: {name} needs a value, and true is none")
        return [f"--{name}"]
    if grammar.needs_value(name) is False:
        raise ConfigError(f"{said.where}: {name} takes true or false, not {value!r}")
    return [f"--{name}={_text(name, value, said)}"]


def _text(name: str, value: Any, said: Said) -> str:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ConfigError(f"{said.where}: {name} cannot be {value!r}; write text or a number")
    return str(value)
