"""The settings as IPython's own configuration has them: ``%config NbSubmit.wait = "always"``.

What is said there, or as ``c.NbSubmit.wait`` in ``ipython_config.py``, counts for more than the
environment and configuration files. There is a trait for each setting, whichever those are.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
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

    def __init__(self, value: Any, least: float, **more: Any) -> None:
        super().__init__(value, **more)
        self._least = least

    def validate(self, _obj: Any, value: Any) -> Any:
        said = f"{NAME}.{self.name}"
        try:
            found = core.read(self.name, value, said)
        except OptionError as error:
            raise TraitError(str(error)) from None
        if self._least and found < self._least:
            print(f"{said} = {self._least:g}: the site allows no less")
            return self._least
        return found


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
        name: _Setting(
            getattr(environment, name), environment.floors.of(name), help=_help().get(name, "")
        ).tag(config=True)
        for name in core.NAMES
    }
    kind = type(NAME, (Configurable,), {"__doc__": "What holds for every job.", **traits})
    try:
        found = kind(parent=shell)
    except TraitError as error:
        raise OptionError(str(error)) from None
    found.observe(lambda _change: use(_settings(found, environment)), names=list(traits))
    others = [one for one in shell.configurables if type(one).__name__ != NAME]
    shell.configurables[:] = [*others, found]
    return _settings(found, environment)


def _settings(configured: Any, environment: Settings) -> Settings:
    given = {name: getattr(configured, name) for name in core.NAMES}
    return core.replaced(environment, **given)


def _help() -> dict[str, str]:
    """Return what the settings' own documentation says of each."""
    text = inspect.getdoc(Settings) or ""
    found = re.findall(r"^(\w+) : .+\n((?:    .*\n?)+)", text, re.MULTILINE)
    return {name: inspect.cleandoc(told) for name, told in found}
