"""What a cell of the notebook does with names, by all that the kernel knows."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core.names import NameUse, analyse
from nbsubmit.notebook.own_magics import OwnMagics, known_to_analysis


def use_of(text: str, shell: InteractiveShell, magics: OwnMagics) -> NameUse:
    """Return what a cell does with names.

    Raises
    ------
    SyntaxError
        If it is no Python.
    """
    return analyse(
        text,
        transform=shell.transform_cell,
        star_names=_public_names,
        magics=lambda: known_to_analysis(magics.found()),
    )


def _public_names(module: str) -> Iterable[str] | None:
    """What ``from module import *`` binds, if the module is known here."""
    found = sys.modules.get(module)
    if found is None:
        return None
    public = getattr(found, "__all__", None)
    return public or [name for name in vars(found) if not name.startswith("_")]
