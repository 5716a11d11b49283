"""What a cell finds around itself that lies in modules and not in names: settings and chance.

A cell that draws figures in the notebook's style, prints frames at the notebook's width or is to be
silent about warnings would not do so in another process by itself. So these few settings travel,
each when its module is there, and what the cell changes of them comes back.

Chance is not a setting. Two jobs with one state would draw the same numbers. A job that the
notebook waits for gets the state and brings it back, as if the cell had run in the notebook; any
other gets a seed that is drawn from it: jobs differ, and are the same again when the notebook is.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import cloudpickle

from nbsubmit.core.ambient.kind import Chance, Kind, Values, same, seed_of
from nbsubmit.core.ambient.kinds import KINDS
from nbsubmit.core.ambient.pending import Pending, as_text
from nbsubmit.core.ambient.pending import from_text as from_text
from nbsubmit.core.ambient.process import SHELL as SHELL

# A shell may start long after its module has been loaded, and says so itself.
MODULES = tuple(dict.fromkeys(kind.module for kind in KINDS.values() if kind.module != SHELL))


def _is_loaded(module: str) -> bool:
    """Tell whether a module is there, and not merely promised."""
    return type(sys.modules.get(module)).__name__ not in ("NoneType", "_LazyModule")


def snapshot() -> dict[str, Values]:
    """Return what lies in the modules that are there, by kind."""
    return {name: kind.get() for name, kind in KINDS.items() if _is_loaded(kind.module)}


def pending() -> Pending:
    """Return what is kept for modules that are not loaded here yet."""
    modules = {name: kind.module for name, kind in KINDS.items() if kind.can_be_kept}
    return Pending(modules, lambda name, values: KINDS[name].put(values))


def pack(
    found: Mapping[str, Values], *, waits: bool, kept: Pending | None = None
) -> dict[str, str]:
    """Return what a job is to find around itself, as text, by kind.

    Parameters
    ----------
    found : mapping
        What `snapshot` gave.
    waits : bool
        The notebook waits for the job, so that chance may go on in it; else seeds are drawn.
    kept : Pending, optional
        What waits for modules that are not here.
    """
    packed: dict[str, str] = {}
    if kept is not None:
        for name, text in kept.texts().items():
            goes_on = waits or not KINDS[name].is_chance
            packed[name] = text if goes_on else _as_text({"seed": kept.draw(name)})
    for name, values in found.items():
        kind = KINDS[name]
        if not kind.travels:
            continue
        if isinstance(kind, Chance) and not waits:
            values = {"seed": kind.draw()}
        packed[name] = _as_text(values)
    return packed


def _as_text(values: Values) -> str:
    """Return values as text, without those that cannot travel."""
    try:
        return as_text(values)
    except Exception:
        return as_text({n: v for n, v in values.items() if _can_travel(v)})


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
    task : int, optional
        Which task of an array it is: each has seeds of its own, and has them again when it is run
        again.
    """

    def __init__(self, packed: Mapping[str, str], task: int | None = None) -> None:
        self._packed = packed
        self._task = task
        self._before: dict[str, Values] = {}
        self._applied: dict[str, Values] = {}

    def sent(self, name: str) -> Values:
        """Return what was sent of a kind."""
        values = from_text(self._packed[name]) if name in self._packed else {}
        if self._task and "seed" in values:
            values = {"seed": seed_of(values["seed"], self._task)}
        return values

    def apply(self) -> None:
        """Set what lies in the modules that are there."""
        for module in MODULES:
            if _is_loaded(module):
                self.apply_to(module)

    def apply_to(self, module: str) -> None:
        """Set what lies in one module, which has been loaded just now."""
        for name, kind in KINDS.items():
            if kind.module == module and name not in self._applied:
                self._apply(name, kind)

    def _apply(self, name: str, kind: Kind) -> None:
        self._before[name] = kind.get()
        if name in self._packed:
            try:
                _put(kind, self.sent(name))
            except Exception as error:  # another version of the package may not know all of them
                warnings.warn(f"{kind.module}'s settings could not be sent: {error}", stacklevel=3)
        self._applied[name] = kind.get()

    def changes(self) -> dict[str, str]:
        """Return what the cell has changed, as text, by kind."""
        found = {}
        for name, before in self._applied.items():
            kind = KINDS[name]
            changed = kind.changes(before, kind.get())
            if changed:
                found[name] = _as_text(changed)
        return found

    def restore(self) -> None:
        """Put all back: the process may be the notebook's own."""
        for name, before in self._before.items():
            _put(KINDS[name], before)


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
        Takes what has to wait for modules that are not here.

    Returns
    -------
    dict
        What could not be set, with the reason.
    """
    refused: dict[str, str] = {}
    for name, text in changes.items():
        kind = KINDS.get(name)
        if kind is None or (kind.is_kernels and not waits):
            continue
        if kind.can_be_kept and not _is_loaded(kind.module):
            if kept is not None:
                kept.hold(name, from_text(text))
            continue
        if not _is_loaded(kind.module):
            importlib.import_module(kind.module)
        now = kind.get()
        then = sent.get(name, now)  # if it was not there, nobody has changed anything in it
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
