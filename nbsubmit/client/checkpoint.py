"""``state = nbsubmit.checkpoint(epoch=0)``: what a job goes on from when it is run again.

Its attributes survive the end of a job's time and a preemption. Anywhere but in a job it is a plain
object, so that a cell can be tried out before it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from nbsubmit.core.checkpoint import here
from nbsubmit.core.spec import CellOptions

# So long before its time is over a cell is told, if it has that long.
_WARNING_SECONDS = 60
_SHARE_OF_TIME = 4
_USED = re.compile(r"\bnbsubmit\s*\.\s*checkpoint\b|\bfrom\s+nbsubmit\s+import\b.*\bcheckpoint\b")


class State(SimpleNamespace):
    """The attributes that are kept.

    They are written when the job is told that its end is near. A job that calls `save` itself says
    that this is the moment at which they belong together: from then on nothing else writes them.
    """

    def save(self) -> None:
        """Write the attributes now; outside of a job nothing is written.

        Raises
        ------
        NotPicklable
            If one of them cannot be pickled; what was written before is still there.
        OSError
            If the disk does not take it; likewise.
        """
        keeper = here()
        if keeper is not None and keeper.state is self:
            keeper.save_state()
            keeper.by_hand = True


def checkpoint(**initial: Any) -> State:
    """Return an object whose attributes are still there when the job is run again.

    Parameters
    ----------
    **initial
        The attributes, as they are when the job runs for the first time.

    Returns
    -------
    State
        The object. `save` is its method, and every other attribute is kept.

    Raises
    ------
    TypeError
        If an attribute is called ``save``.

    Examples
    --------
    ::

        %%slurm --time 1h
        state = nbsubmit.checkpoint(epoch=0, model=None)
        while state.epoch < 100:
            state.model = train(state.model)
            state.epoch += 1
            state.save()

    60 seconds before the hour is over (below 4 minutes: when a quarter is left) the job is queued
    again, and the loop goes on where it was. Outside of a job it is a plain object:

    >>> state = nbsubmit.checkpoint(epoch=0)
    >>> state.epoch += 1
    >>> state.save()
    >>> state.epoch
    1
    """
    if "save" in initial:
        raise TypeError("checkpoint() keeps no attribute 'save': it is what writes the others")
    keeper = here()
    if keeper is None:
        return State(**initial)
    if keeper.state is None:
        keeper.state = State(**(keeper.load(keeper.folder.state_file) or {}))
    state: State = keeper.state
    for name, value in initial.items():
        if not hasattr(state, name):
            setattr(state, name, value)
    return state


def is_used(source: str, names: Mapping[str, Any]) -> bool:
    """Tell whether a cell keeps a state, by its text and what it reads."""
    by_name = any(value is checkpoint for value in names.values())
    return by_name or _USED.search(source) is not None


def warned(options: CellOptions) -> CellOptions:
    """Have a job told before its time is over, if it is not told already."""
    resources = options.resources
    if options.signal_seconds is not None or "signal" in resources.extra:
        return options
    seconds = _WARNING_SECONDS
    if resources.time_seconds:
        seconds = min(seconds, max(resources.time_seconds // _SHARE_OF_TIME, 1))
    return replace(options, signal_seconds=seconds)
