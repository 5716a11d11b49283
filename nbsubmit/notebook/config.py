"""The settings as IPython's own configuration has them: ``%config NbSubmit.wait = "always"``.

What is said there, or as ``c.NbSubmit.wait`` in ``ipython_config.py``, counts for more than the
environment. There is a trait for each field of `Settings`, whichever those are.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets import TraitError, TraitType
from traitlets.config import Configurable

from nbsubmit.core import settings as core
from nbsubmit.core.errors import OptionError
from nbsubmit.core.settings import Settings

NAME = "NbSubmit"


class _Setting(TraitType):  # type: ignore[misc]
    """A setting, which can have the values that it can have in the environment."""

    def validate(self, _obj: Any, value: Any) -> Any:
        try:
            return core.read(self.name, value, f"{NAME}.{self.name}")
        except OptionError as error:
            raise TraitError(str(error)) from None


def configure(
    shell: InteractiveShell, environment: Settings, use: Callable[[Settings], None]
) -> Settings:
    """Have the shell's configuration name the settings; return those that hold now.

    Parameters
    ----------
    shell : InteractiveShell
        The shell; ``%config`` of it knows the settings from now on.
    environment : Settings
        What holds where the configuration says nothing.
    use : callable
        Takes the settings each time that some are changed.

    Raises
    ------
    OptionError
        If the configuration has a value that a setting cannot have.
    """
    traits = {
        setting.name: _Setting(
            getattr(environment, setting.name), help=_help().get(setting.name, "")
        ).tag(config=True)
        for setting in fields(Settings)
    }
    kind = type(NAME, (Configurable,), {"__doc__": "What holds for every job.", **traits})
    try:
        found = kind(parent=shell)
    except TraitError as error:
        raise OptionError(str(error)) from None
    found.observe(lambda _change: use(_settings(found)), names=list(traits))
    others = [one for one in shell.configurables if type(one).__name__ != NAME]
    shell.configurables[:] = [*others, found]
    return _settings(found)


def _settings(configured: Any) -> Settings:
    return Settings(**{one.name: getattr(configured, one.name) for one in fields(Settings)})


def _help() -> dict[str, str]:
    """Return what the settings' own documentation says of each."""
    text = inspect.getdoc(Settings) or ""
    found = re.findall(r"^(\w+) : \w+\n((?:    .*\n?)+)", text, re.MULTILINE)
    return {name: inspect.cleandoc(told) for name, told in found}
