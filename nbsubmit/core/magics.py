"""The shell's magics as they travel: what the notebook has made goes, extensions are loaded anew.

A magic goes by its sign and name, ``%mine`` or ``%%mine``, which no name of the notebook looks
like. What comes with IPython is in every job and goes nowhere.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from nbsubmit.core.definitions.known import codes_of
from nbsubmit.core.record import dataclass

SIGNS = {"line": "%", "cell": "%%"}
# Stands before the name of an extension that a cell has loaded.
LOADED = "%load_ext "
# The aliases of magics that IPython has from the start, with the magics that they stand for.
_USUAL = {
    "ed": "edit", "hist": "history", "rep": "recall", "SVG": "svg", "HTML": "html",
    "file": "writefile",
}  # fmt: skip
_METHODS = {"run_line_magic": "%", "run_cell_magic": "%%"}
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Extension:
    """A magic that an extension has brought, or the extension itself: it is loaded there.

    Attributes
    ----------
    name : str
        What ``%load_ext`` is told.
    settings : mapping
        What ``%config`` has set.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


class KernelsOwn:
    """A magic that speaks of the notebook's kernel, and that no job has."""

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError("a magic of the notebook's kernel cannot be sent")


def of_shell(shell: Any) -> dict[str, Any]:
    """Return the magics of a shell, by sign and name, but for those that come with IPython."""
    usual = {name: _colourless(cmd) for name, cmd in shell.alias_manager.default_aliases}
    found: dict[str, Any] = {
        f"%{name}": Extension(module)
        for name, module in getattr(shell.magics_manager, "lazy_magics", {}).items()
        if not _is_of_ipython(module)
    }
    for kind, sign in SIGNS.items():
        for name, function in shell.magics_manager.magics[kind].items():
            value = _as_it_travels(shell, kind, name, function)
            if value is not None and usual.get(name) != _colourless(getattr(value, "cmd", "")):
                found[sign + name] = value
    return found


def _colourless(command: str) -> str:
    # IPython takes this out of its own aliases where there are no colours.
    return command.replace(" --color", "")


def _as_it_travels(shell: Any, kind: str, name: str, function: Any) -> Any:
    """Return what goes for a magic; None if every job has it."""
    if is_a(function, "LazyMagic"):  # it would be loaded by whatever is asked of it
        return None if _is_of_ipython(function.spec) else Extension(function.spec.partition(":")[0])
    if is_a(function, "MagicAlias"):
        return None if _USUAL.get(name) == function.magic_name else function
    if is_a(function, "Alias"):
        return function
    holder = getattr(function, "__self__", None)
    module = _module_of(function if holder is None else type(holder))
    if _is_of_ipython(module):
        return None
    if module.partition(".")[0] in ("ipykernel", "nbsubmit"):
        return KernelsOwn()
    extension = _extension_of(module, shell.extension_manager.loaded)
    if extension:
        return Extension(extension, _settings(holder))
    by_name = getattr(holder, "magics", {})
    is_one_of_its_own = isinstance(by_name, dict) and by_name.get(kind, {}).get(name) == function
    return holder if is_one_of_its_own else function


def is_a(function: Any, name: str) -> bool:
    """Tell whether a magic is of this type of IPython's, without loading anything."""
    kind = type(function)
    return kind.__name__ == name and kind.__module__ in ("IPython.core.magic", "IPython.core.alias")


def _module_of(definition: Any) -> str:
    return str(getattr(definition, "__module__", None) or type(definition).__module__)


def _is_of_ipython(module: str) -> bool:
    return module.startswith("IPython.") and not module.startswith("IPython.extensions.")


def _extension_of(module: str, loaded: Iterable[str]) -> str:
    """Return the loaded extension that most probably has brought what a module defines."""
    path = module.split(".")
    alike = {name: _alike(path, name.split(".")) for name in sorted(loaded)}
    best = max(alike, key=lambda name: alike[name], default="")
    return best if best and alike[best] else ""


def _alike(one: list[str], other: list[str]) -> int:
    """Return how far two paths run together; for IPython's own extensions they must all the way."""
    count = 0
    for count, (a, b) in enumerate(zip(one, other, strict=False)):  # noqa: B007
        if a != b:
            break
    else:
        count += 1
    return 0 if one[0] == "IPython" and one != other else count


def _settings(magics: Any) -> dict[str, Any]:
    """Return what ``%config`` has set of a group of magics, as far as it is plain."""
    if not hasattr(magics, "trait_names"):
        return {}
    names: list[str] = magics.trait_names(config=True)
    defaults = magics.trait_defaults()
    values = {name: getattr(magics, name) for name in names}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, _PLAIN) and value != defaults.get(name)
    }


def called_by(code: types.CodeType) -> Iterator[str]:
    """Yield the magics that code may call, as IPython has written the calls; and more than those.

    Which of its strings is the name the code alone does not tell.
    """
    for part in codes_of(code):
        for method in _METHODS.keys() & set(part.co_names):
            for constant in part.co_consts:
                if isinstance(constant, str):
                    yield _METHODS[method] + constant
