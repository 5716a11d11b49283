"""matplotlib's figures: to pickle one does not change it, as it does by matplotlib's own ways."""

from __future__ import annotations

import itertools
from typing import Any

from nbsubmit.core.reducers import Context, Reducer


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of what holds a figure's callbacks."""
    from matplotlib.cbook import CallbackRegistry

    return reduce_callbacks if issubclass(kind, CallbackRegistry) else None


def reduce_callbacks(callbacks: Any, context: Context) -> Any:
    """Reduce as matplotlib does, and put back the number that it takes from its counter.

    A figure would else be another one each time that somebody looks whether it has changed.
    """
    reduced = callbacks.__reduce_ex__(5)
    state = reduced[2] if len(reduced) > 2 else None
    if isinstance(state, dict) and isinstance(state.get("_cid_gen"), int):
        callbacks._cid_gen = itertools.count(state["_cid_gen"])
    return reduced
