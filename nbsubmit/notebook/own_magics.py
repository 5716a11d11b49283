"""The magics that this notebook has besides IPython's: on their way to a job, and back from one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import MagicAlias, Magics

from nbsubmit.core import names
from nbsubmit.core.magics import LOADED, SIGNS, Extension, KernelsOwn, of_shell
from nbsubmit.core.names import NameUse
from nbsubmit.core.reserved import is_magic

# A cell that calls one of these may bring the magic that it calls further down.
_BRINGING = frozenset({"%load_ext", "%reload_ext", "%alias_magic", "%alias", "%run"})


class OwnMagics:
    """The magics of one shell that do not come with IPython.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def found(self) -> dict[str, Any]:
        """Return what goes for each, by sign and name."""
        return of_shell(self._shell)

    def unknown(self, use: NameUse, source: str) -> list[str]:
        """Return the magics that a cell surely calls and that there are not here."""
        if use.magics.keys() & _BRINGING or "register" in source:
            return []
        return [name for name, sure in use.magics.items() if sure and not self._is_here(name)]

    def _is_here(self, name: str) -> bool:
        # A line magic may be meant where a cell magic is called without a body.
        kinds = ("cell",) if name.startswith("%%") else ("line", "cell")
        manager = self._shell.magics_manager
        plain = name.lstrip("%")
        lazy = getattr(manager, "lazy_magics", {})
        return plain in lazy or any(plain in manager.magics[kind] for kind in kinds)

    # Bringing home

    def functions(self) -> dict[str, Any]:
        """Return the functions of all magics, by sign and name, to know later which are new."""
        tables = self._shell.magics_manager.magics
        return {sign + n: f for kind, sign in SIGNS.items() for n, f in tables[kind].items()}

    def bring(self, values: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
        """Have the magics that a job has made, and load the extensions that it has loaded.

        Parameters
        ----------
        values : mapping
            What the job brought.
        before : mapping
            What `functions` gave when the job was sent: what is newer stays.

        Yields
        ------
        str
            Each that is here now.
        """
        now = self.functions()
        for name, value in values.items():
            if isinstance(value, Extension):
                self._shell.extension_manager.load_extension(name.removeprefix(LOADED))
                yield name
            elif now.get(name) is before.get(name) and not self._has(now.get(name), value):
                self._register(name, value)
                yield name

    def _has(self, function: Any, value: Any) -> bool:
        """Tell whether a magic is this one already, changed in place or not."""
        return function is value or getattr(function, "__self__", None) is value

    def _register(self, name: str, value: Any) -> None:
        kind = "cell" if name.startswith("%%") else "line"
        plain = name.lstrip("%")
        if isinstance(value, Magics):
            self._shell.configurables.append(value)
            value = value.magics[kind][plain]
        self._shell.register_magic_function(value, kind, plain)


def known_to_analysis(found: Mapping[str, Any]) -> names.Magics:
    """Return what the analysis of a cell has to know of these magics."""
    aliases = {
        name: (SIGNS[value.magic_kind] + value.magic_name, value.magic_params or "")
        for name, value in found.items()
        if isinstance(value, MagicAlias)
    }
    own = (n for n, v in found.items() if n not in aliases and not isinstance(v, KernelsOwn))
    return names.Magics(aliases, frozenset(own))


def parted(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the names of the notebook among values that came back, and the magics."""
    own = {name: value for name, value in values.items() if not is_magic(name)}
    return own, {name: value for name, value in values.items() if is_magic(name)}
