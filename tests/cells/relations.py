"""Which names are one object, and which arrays lie in the same memory."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from typing import Any


def same_objects(values: Mapping[str, Any]) -> list[list[str]]:
    """Return the groups of names that are bound to the very same object."""
    groups: dict[int, list[str]] = {}
    for name, value in values.items():
        if not _is_interned(value):
            groups.setdefault(id(value), []).append(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _is_interned(value: Any) -> bool:
    """Tell whether it is the interpreter's choice if equal values are one object."""
    return isinstance(value, (int, float, complex, str, bytes, tuple, frozenset, type(None)))


def shared_memory(values: Mapping[str, Any]) -> list[str]:
    """Return the pairs of names whose arrays or tensors share memory, or whose axes and figure."""
    pairs = itertools.combinations(sorted(values), 2)
    return [f"{a} ~ {b}" for a, b in pairs if _share(values[a], values[b])]


def _share(one: Any, other: Any) -> bool:
    if one is other:
        return False
    if _figure_of(one) is not None and _figure_of(one) is _figure_of(other):
        return True
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return False
    arrays = itertools.product(_arrays(one), _arrays(other))
    return any(numpy.shares_memory(a, b) for a, b in arrays if numpy.may_share_memory(a, b))


def _figure_of(value: Any) -> Any:
    figures = sys.modules.get("matplotlib.figure")
    if figures is None:
        return None
    return value if isinstance(value, figures.Figure) else getattr(value, "figure", None)


def _arrays(value: Any) -> Iterator[Any]:
    """Give the arrays whose memory a change of the value shows in."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        yield value.detach().numpy()
    elif isinstance(value, sys.modules["numpy"].ndarray) and not value.dtype.hasobject:
        yield value
