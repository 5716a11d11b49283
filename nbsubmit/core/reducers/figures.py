"""matplotlib's figures: to pickle one does not change it, as it does by matplotlib's own ways.

And what tells a colour bar and an image that the colours have changed goes on telling them, which
matplotlib leaves behind.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any

from nbsubmit.core.reducers import Context, Reducer


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of what holds a figure's callbacks, or is told by them."""
    from matplotlib.cbook import CallbackRegistry

    if issubclass(kind, CallbackRegistry):
        return reduce_callbacks
    return reduce_colorizer if kind in _classes("matplotlib.colorizer", "Colorizer") else None


def reduce_callbacks(callbacks: Any, context: Context) -> Any:
    """Reduce as matplotlib does, and put back the number that it takes from its counter.

    A figure would else be another one each time that somebody looks whether it has changed.
    """
    reduced = callbacks.__reduce_ex__(5)
    state = reduced[2] if len(reduced) > 2 else None
    if isinstance(state, dict) and isinstance(state.get("_cid_gen"), int):
        callbacks._cid_gen = itertools.count(state["_cid_gen"])
        kept = {**state["callbacks"]}
        for signal, number, method in _of_colours(callbacks):
            kept[signal] = {**kept.get(signal, {}), number: method}
        return (*reduced[:2], {**state, "callbacks": kept}, *reduced[3:])
    return reduced


def _of_colours(callbacks: Any) -> Iterator[tuple[str, int, Any]]:
    """Yield what tells colour bars and images.

    Whoever holds these callbacks holds those too, so that nothing more travels by it.
    """
    told = (
        *_classes("matplotlib.colorbar", "Colorbar"),
        *_classes("matplotlib.colorizer", "_ScalarMappable"),
    )
    for signal, by_number in callbacks.callbacks.items():
        for number, reference in by_number.items():
            method = reference()
            if isinstance(getattr(method, "__self__", None), told):
                yield signal, number, method


def reduce_colorizer(colorizer: Any, context: Context) -> Any:
    """Have what maps numbers to colours listen to its norm again.

    The norm itself does not lead back to it: it may travel without any figure.
    """
    make, arguments, state = colorizer.__reduce_ex__(5)[:3]
    return make, arguments, state, None, None, listen


def listen(colorizer: Any, state: dict[str, Any]) -> None:
    """Set the attributes, and connect to the norm."""
    vars(colorizer).update(state)
    colorizer._id_norm = colorizer.norm.callbacks.connect("changed", colorizer.changed)


def _classes(module: str, name: str) -> tuple[type, ...]:
    """Return a class of matplotlib's, where it has been loaded and has one by this name."""
    found = getattr(sys.modules.get(module), name, None)
    return (found,) if isinstance(found, type) else ()
