"""Exceptions that are several: shells show them in another way than single ones."""

from __future__ import annotations

import builtins

_GROUP = getattr(builtins, "BaseExceptionGroup", ())  # since Python 3.11


def has_group(error: BaseException | None) -> bool:
    """Tell whether an exception is a group, or was raised while one was handled."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, _GROUP):
            return True
        seen.add(id(error))
        error = error.__context__
    return False
