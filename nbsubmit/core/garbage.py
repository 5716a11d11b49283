"""Python's collector of garbage, kept from looking at what is only being made.

It looks through all objects again and again while many are made, and finds nothing: lists of some
hundred thousand objects take twice to three times as long for it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Have nothing collected meanwhile, unless nothing is anyway."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
