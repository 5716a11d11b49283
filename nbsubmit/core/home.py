"""The namespace that the functions which arrive are bound to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Namespace = dict[str, Any]

_home: ContextVar[Namespace] = ContextVar("nbsubmit_home")


@contextmanager
def at_home(namespace: Namespace) -> Iterator[None]:
    """Bind the functions that are loaded meanwhile to this namespace."""
    token = _home.set(namespace)
    try:
        yield
    finally:
        _home.reset(token)


def current() -> Namespace:
    """Return this namespace."""
    return _home.get()
