"""What configuration files add to what a cell or an executor asks for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.core import config_files
from nbsubmit.core.config_files import Configuration
from nbsubmit.core.errors import ConfigError
from nbsubmit.core.options import Grammar
from nbsubmit.core.profiles import chosen, words
from nbsubmit.core.spec import CellOptions, Resources
from nbsubmit.core.splitting import listed

# What is configured for every job is for the cluster's, not for those of this machine.
_WITH_DEFAULTS = ("slurm",)
# What sbatch's own option of this name takes.
_SBATCHS = ("all", "energy", "task", "lustre", "filesystem", "network")


def layers(
    asked: CellOptions, configuration: Configuration, grammar: Grammar, backend: str
) -> list[list[str]]:
    """Return the words that come before those of a line, the weightiest last.

    Parameters
    ----------
    asked : CellOptions
        What the line says by itself.
    configuration : Configuration
        What the files say.
    grammar : Grammar
        How a line is written.
    backend : str
        Where the job goes. What is configured for every job is for Slurm's.

    Raises
    ------
    ConfigError
        If there is no such profile, or the files say what cannot be.
    """
    found = []
    if backend in _WITH_DEFAULTS and not asked.no_defaults:
        found.append(words(configuration.defaults, grammar))
    if asked.profiles:
        found += profile_words(asked.profiles, configuration, grammar)
    else:
        usual = listed(configuration.settings.profile)
        found += profile_words(usual, configuration, grammar, "the setting `profile`")
    return [each for each in found if each]


def profile_words(
    names: Sequence[str],
    configuration: Configuration,
    grammar: Grammar,
    asked_by: str = "--profile",
) -> list[list[str]]:
    """Return the words of some profiles, each for itself.

    Parameters
    ----------
    names : sequence of str
        Their names.
    configuration : Configuration
        What the files say.
    grammar : Grammar
        How a line is written.
    asked_by : str
        What names them, for the error.

    Raises
    ------
    ConfigError
        If there is no such profile, or what it says cannot be.
    """
    try:
        found = chosen(names, configuration.profiles, str(configuration.user_file))
    except ConfigError as error:
        told = f"{grammar.magic}: {asked_by}: {error}{_of_sbatch(names)}"
        raise ConfigError(told) from None
    return [words(options, grammar) for _, options in found]


def _of_sbatch(names: Sequence[str]) -> str:
    if not any(name.lower() in _SBATCHS for name in names):
        return ""
    return (
        ". (sbatch's option of this name, which records profiles in HDF5, gives way to it: in the "
        "cell,  !srun --profile=…  does that)"
    )


def check(configuration: Configuration) -> None:
    """Make sure that all options which the files name are such, with values that they can have.

    Raises
    ------
    ConfigError
        Naming the first that is not, and where it stands.
    """
    grammar = grammar_of("nbsubmit")
    for options in (configuration.defaults, *configuration.profiles.values()):
        words(options, grammar)


# To make it takes 2 ms.
@functools.cache
def grammar_of(magic: str) -> Grammar:
    """Return how the line of a magic, or of something alike, is written."""
    return Grammar(magic, OPTIONS, OWNED)


def of_executor(asked: CellOptions, profile: str | None, backend: str) -> CellOptions:
    """Return what an executor asks for over what is configured.

    Raises
    ------
    ConfigError
        If there is no such profile, or the files say what cannot be.
    """
    configuration = config_files.load()
    grammar = grammar_of("AutoExecutor")
    before = layers(CellOptions(profiles=listed(profile or "")), configuration, grammar, backend)
    if not before:
        return asked
    return _over(grammar.parse("", before), asked, grammar)


def _over(base: CellOptions, asked: CellOptions, grammar: Grammar) -> CellOptions:
    """Return options of which those that were asked for count for more."""
    mine, given = base.resources, asked.resources
    said = {word.lstrip("-") for word in given.demands}
    rivals = {rival for name in said for rival in grammar.rivals(name)}
    resources = Resources(
        name=given.name or mine.name,
        cpus=given.cpus if given.cpus is not None else mine.cpus,
        gpus=given.gpus if given.gpus is not None else mine.gpus,
        memory_mib=_either(given.memory_mib, None if "mem" in rivals else mine.memory_mib),
        time_seconds=_either(given.time_seconds, mine.time_seconds),
        extra={
            **{name: value for name, value in mine.extra.items() if name not in rivals},
            **given.extra,
        },
    )
    return replace(
        asked,
        resources=resources,
        python=asked.python or base.python,
        setup=(*base.setup, *asked.setup),
        env={**base.env, **asked.env},
        by_value=(*base.by_value, *asked.by_value),
    )


def _either(given: int | None, else_: int | None) -> int | None:
    return else_ if given is None else given
