"""Settings that are not a cell's own: built-in ← environment.

The environment's names are ``NBSUBMIT_`` and the setting's name in capitals.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from nbsubmit.core.errors import OptionError
from nbsubmit.core.units import parse_memory

STORE_NAME = ".nbsubmit"


@dataclass(frozen=True)
class Settings:
    """What holds for every job of a session.

    Attributes
    ----------
    folder : str
        The store of job folders; a relative one is beside the notebook.
    backend : str
        What ``%%submit`` uses: a backend's name, or ``auto`` for the best there is.
    poll_seconds : float
        The least time between two queries to a scheduler.
    beat_seconds : float
        How often a running job shows that it is alive.
    size_limit : str
        How much a cell may send that was not named with ``--in``, as ``--mem`` is written; 0 for
        no limit.
    by_value : str
        Modules and packages, separated by commas, whose source goes with every job.
    """

    folder: str = STORE_NAME
    backend: str = "auto"
    poll_seconds: float = 15.0
    beat_seconds: float = 5.0
    size_limit: str = "4G"
    by_value: str = ""


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that hold here.

    Raises
    ------
    OptionError
        If a variable's value is not of its setting's kind.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Any] = {}
    for setting in fields(Settings):
        variable = f"NBSUBMIT_{setting.name.upper()}"
        if variable in environ:
            found[setting.name] = _read(variable, environ[variable], type(setting.default))
    settings = replace(Settings(), **found)
    try:
        parse_memory(settings.size_limit)
    except ValueError as error:
        raise OptionError(f"NBSUBMIT_SIZE_LIMIT: {error}") from None
    return settings


def replaced(settings: Settings, **changes: Any) -> Settings:
    """Return settings of which some are others."""
    return replace(settings, **changes)


def _read(variable: str, text: str, kind: Callable[[str], Any]) -> Any:
    try:
        value = kind(text)
    except ValueError:
        raise OptionError(f"{variable}={text!r} is not a number") from None
    if isinstance(value, float) and not value > 0:
        raise OptionError(f"{variable}={text!r} must be more than zero")
    return value
