"""Settings that are not a cell's own: built-in ← configuration files ← environment.

The environment's names are ``NBSUBMIT_`` and the setting's name in capitals. What the files say is
the business of `config_files`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from nbsubmit.core.errors import OptionError
from nbsubmit.core.units import parse_size

STORE_NAME = ".nbsubmit"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _one_of(*choices: str, yes: str = "", no: str = "") -> Any:
    """Return a field of which the first choice is the default; two may be said as yes and no."""
    words = {**dict.fromkeys(_TRUE, yes), **dict.fromkeys(_FALSE, no)}
    words = {word: choice for word, choice in words.items() if choice}
    return field(default=choices[0], metadata={"choices": choices, "words": words})


@dataclass(frozen=True)
class Floors:
    """What a site allows at least, whatever its users set.

    Attributes
    ----------
    min_poll_seconds : float
        The least seconds between two queries to a scheduler; by default 0, which is no floor.
    min_beat_seconds : float
        The least seconds between two signs of life of a running job; likewise.
    """

    min_poll_seconds: float = 0.0
    min_beat_seconds: float = 0.0

    def of(self, name: str) -> float:
        """Return the least value of a setting; 0 where there is none."""
        return float(getattr(self, f"min_{name}", 0.0))


def _check_path(path: str) -> None:
    if "\0" in path:
        raise ValueError(f"{path!r} holds a NUL, as no path can")


@dataclass(frozen=True)
class Settings:
    """What holds for every job of a session.

    Attributes
    ----------
    folder : str, default ``.nbsubmit``
        The store, which holds the folders of jobs; a relative one is beside the notebook.
    backend : str, default ``auto``
        What ``%%submit`` uses: a backend's name, or ``auto`` for the best there is.
    poll_seconds : float, default 15
        The least seconds between two queries to a scheduler; more than 0, and a day at most.
    beat_seconds : float, default 5
        Seconds between two signs of life of a running job; more than 0, and a day at most.
    size_limit : str, default ``4G``
        How much a cell may send that was not named with ``--in``: ``500M``, ``4G``, in steps of
        1,000, a number alone in M; 0 for no limit.
    by_value : str, default none
        Modules and packages, separated by commas, whose source goes with every job.
    notebook : str, default none
        The notebook's path, where the front end does not tell.
    wait : str, default ``never``
        Whether a cell waits for its job as if it had ``--wait``: ``never``; ``headless``, where
        a program runs the notebook and nobody looks; or ``always``.
    pending : str, default ``wait``
        What a cell does that runs here and reads a name which a job is still to bring: ``wait``
        for it, ``raise`` an error, or ``ignore`` that and read what is there.
    reuse : bool, default no
        Take the result of the same cell with the same inputs where it has succeeded.
    profile : str, default none
        The profile of a cell whose line names none; several are separated by commas.
    floors : Floors
        What the site allows at least; no user sets it.
    """

    folder: str = field(default=STORE_NAME, metadata={"check": _check_path})
    backend: str = "auto"
    poll_seconds: float = 15.0
    beat_seconds: float = 5.0
    size_limit: str = field(default="4G", metadata={"check": parse_size})
    by_value: str = ""
    notebook: str = ""
    wait: str = _one_of("never", "headless", "always", yes="always", no="never")
    pending: str = _one_of("wait", "raise", "ignore")
    reuse: bool = False
    profile: str = ""
    floors: Floors = Floors()


# Those that a user sets.
NAMES = tuple(setting.name for setting in fields(Settings) if setting.name != "floors")


def variable_of(name: str) -> str:
    """Return the environment variable that sets a setting."""
    return f"NBSUBMIT_{name.upper()}"


def of_environment(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the settings that the environment names.

    Raises
    ------
    OptionError
        If a variable's value is not of its setting's kind.
    """
    environ = os.environ if environ is None else environ
    named = {name: variable_of(name) for name in NAMES if variable_of(name) in environ}
    return {name: read(name, environ[variable], variable) for name, variable in named.items()}


def replaced(settings: Settings, **changes: Any) -> Settings:
    """Return settings of which some are others, none below what the site allows."""
    return floored(replace(settings, **changes))


def floored(settings: Settings) -> Settings:
    """Return settings of which none is below what the site allows."""
    raised: dict[str, Any] = {
        name: settings.floors.of(name)
        for name in NAMES
        if settings.floors.of(name) and getattr(settings, name) < settings.floors.of(name)
    }
    return replace(settings, **raised) if raised else settings


def read(name: str, value: Any, said: str) -> Any:
    """Return the value of a setting that was given as text, or as a value of its kind.

    Parameters
    ----------
    name : str
        The setting.
    value : object
        What was given.
    said : str
        Where, for the error.

    Raises
    ------
    OptionError
        If the setting cannot have this value.
    """
    setting = Settings.__dataclass_fields__[name]
    choices = setting.metadata.get("choices")
    if choices:
        return _chosen(value, choices, setting.metadata["words"], said)
    found = _of_kind(value, type(setting.default), said)
    check = setting.metadata.get("check")
    if check is not None:
        try:
            check(found)
        except ValueError as error:
            raise OptionError(f"{said}: {error}") from None
    return found


def _chosen(value: Any, choices: tuple[str, ...], words: Mapping[str, str], said: str) -> str:
    text = str(value).strip().lower()
    found = words.get(text, text)
    if found not in choices:
        raise OptionError(f"{said}={value!r} is none of {', '.join(choices)}")
    return found


def _of_kind(value: Any, kind: type, said: str) -> Any:
    if kind is float:
        return _number(value, said)
    if kind is bool and str(value).strip().lower() in (*_TRUE, *_FALSE):
        return str(value).strip().lower() in _TRUE
    if not isinstance(value, kind):
        raise OptionError(f"{said}={value!r} is not {_KINDS.get(kind, kind.__name__)}")
    return value


_KINDS = {str: "text", bool: "yes or no"}
# A day: who asks or shows a sign of life less often may as well not.
_LONGEST_SECONDS = 86_400


def _number(value: Any, said: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise OptionError(f"{said}={value!r} is not a number") from None
    if isinstance(value, bool) or not 0 < number <= _LONGEST_SECONDS:
        raise OptionError(
            f"{said}={value!r} must be seconds: more than zero, and {_LONGEST_SECONDS} at most"
        )
    return number
