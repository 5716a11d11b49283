"""What a cell finds around itself that lies in modules and not in names: settings and chance.

A cell that draws figures in the notebook's style, prints frames at the notebook's width or is to be
silent about warnings would not do so in another process by itself. So these few settings travel,
each when its module is there, and what the cell changes of them comes back.

Chance is not a setting. Two jobs with one state would draw the same numbers. A job that the
notebook waits for gets the state and brings it back, as if the cell had run in the notebook; any
other gets a seed that is drawn from it: jobs differ, and are the same again when the notebook is.
"""

from __future__ import annotations

import base64
import importlib
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import cloudpickle

from nbsubmit.core.ambient.kind import Chance, Kind, Values, same
from nbsubmit.core.ambient.kinds import KINDS
from nbsubmit.core.ambient.pending import Pending
from nbsubmit.core.ambient.pending import from_text as from_text
from nbsubmit.core.ambient.process import SHELL as SHELL

# A shell may start long after its module has been loaded, and says so itself.
MODULES = tuple(module for module in KINDS if module != SHELL)


def _is_loaded(module: str) -> bool:
    """Tell whether a module is there, and not merely promised."""
    return type(sys.modules.get(module)).__name__ not in ("NoneType", "_LazyModule")


def snapshot() -> dict[str, Values]:
    """Return what lies in the modules that are there, by module."""
    return {module: kind.get() for module, kind in KINDS.items() if _is_loaded(module)}


def pending() -> Pending:
    """Return what keeps the chance of modules that are not loaded here yet."""
    modules = [module for module, kind in KINDS.items() if kind.is_chance]
    return Pending(modules, lambda module, values: KINDS[module].put(values))


def pack(
    found: Mapping[str, Values], *, waits: bool, kept: Pending | None = None
) -> dict[str, str]:
    """Return what a job is to find around itself, as text, by module.

    Parameters
    ----------
    found : mapping
        What `snapshot` gave.
    waits : bool
        The notebook waits for the job, so that chance may go on in it; else seeds are drawn.
    kept : Pending, optional
        The chance of modules that are not here.
    """
    packed: dict[str, str] = {}
    if kept is not None:
        for module, text in kept.texts().items():
            packed[module] = text if waits else _as_text({"seed": kept.draw(module)})
    for module, values in found.items():
        kind = KINDS[module]
        if not kind.travels:
            continue
        if isinstance(kind, Chance) and not waits:
            values = {"seed": kind.draw()}
        packed[module] = _as_text(values)
    return packed


def _as_text(values: Values) -> str:
    """Return values as text, without those that cannot travel."""
    try:
        data = cloudpickle.dumps(values)
    except Exception:
        return _as_text({n: v for n, v in values.items() if _can_travel(v)})
    return base64.b64encode(data).decode("ascii")


def _can_travel(value: Any) -> bool:
    try:
        cloudpickle.dumps(value)
    except Exception:
        return False
    return True


class Around:
    """What a job finds around itself.

    Parameters
    ----------
    packed : mapping
        What `pack` gave.
    """

    def __init__(self, packed: Mapping[str, str]) -> None:
        self._packed = packed
        self._before: dict[str, Values] = {}
        self._applied: dict[str, Values] = {}

    def sent(self, module: str) -> Values:
        """Return what was sent of a module."""
        return from_text(self._packed[module]) if module in self._packed else {}

    def apply(self) -> None:
        """Set what lies in the modules that are there."""
        for module in MODULES:
            if _is_loaded(module):
                self.apply_to(module)

    def apply_to(self, module: str) -> None:
        """Set what lies in one module, which has been loaded just now."""
        if module in self._applied:
            return
        kind = KINDS[module]
        self._before[module] = kind.get()
        if module in self._packed:
            try:
                _put(kind, self.sent(module))
            except Exception as error:  # another version of the package may not know all of them
                warnings.warn(f"{module}'s settings could not be sent: {error}", stacklevel=2)
        self._applied[module] = kind.get()

    def changes(self) -> dict[str, str]:
        """Return what the cell has changed, as text, by module."""
        found = {}
        for module, before in self._applied.items():
            kind = KINDS[module]
            changed = kind.changes(before, kind.get())
            if changed:
                found[module] = _as_text(changed)
        return found

    def restore(self) -> None:
        """Put all back: the process may be the notebook's own."""
        for module, before in self._before.items():
            _put(KINDS[module], before)


def bring(
    changes: Mapping[str, str],
    sent: Mapping[str, Values],
    *,
    waits: bool,
    kept: Pending | None = None,
) -> dict[str, str]:
    """Set here what a job changed, unless it was changed here meanwhile.

    Parameters
    ----------
    changes : mapping
        What `Around.changes` gave.
    sent : mapping
        What `snapshot` gave when the job was sent.
    waits : bool
        The notebook has waited for the job.
    kept : Pending, optional
        Takes the chance of modules that are not here.

    Returns
    -------
    dict
        What could not be set, with the reason.
    """
    refused: dict[str, str] = {}
    for module, text in changes.items():
        kind = KINDS.get(module)
        if kind is None or (kind.is_kernels and not waits):
            continue
        if kind.is_chance and not _is_loaded(module):
            if kept is not None:
                kept.hold(module, text)
            continue
        if not _is_loaded(module):
            importlib.import_module(module)
        now = kind.get()
        then = sent.get(module, now)  # if it was not there, nobody has changed anything in it
        values = kind.at_home(from_text(text), then)
        free = {n: v for n, v in values.items() if same(now.get(n), then.get(n))}
        if free:
            refused |= kind.refused(free)
            kind.put(free)
    return refused


def _put(kind: Kind, values: Values) -> None:
    """Set what differs: to set some of them anew has a price, or warns."""
    if "seed" in values:
        kind.put(values)
        return
    now = kind.get()
    different = {n: v for n, v in values.items() if not same(now.get(n), v)}
    if different:
        kind.put(different)
