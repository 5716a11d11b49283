"""Weak references and what is made of them ↔ what they refer to.

What nothing else holds is gone as soon as it has been loaded, as it would be here.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


class _Gone:
    """Nothing keeps an instance."""


def _reduce_reference(reference: weakref.ReferenceType[Any]) -> Any:
    target = reference()
    if target is None:
        return make_dead, ()
    return weakref.ref, (target, reference.__callback__)


def make_dead() -> weakref.ReferenceType[Any]:
    """Return a reference to what is no longer there."""
    return weakref.ref(_Gone())


def _reduce_mapping(mapping: Any) -> Any:
    return type(mapping), (), None, None, iter(dict(mapping).items())


REDUCERS: dict[type, Callable[[Any], Any]] = {
    weakref.ReferenceType: _reduce_reference,
    weakref.WeakValueDictionary: _reduce_mapping,
    weakref.WeakKeyDictionary: _reduce_mapping,
}
