"""Which values are sources of random numbers: several tasks that have one draw the same from it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

_KINDS = {
    "numpy.random": ("Generator", "RandomState", "BitGenerator"),
    "random": ("Random",),
    "torch": ("Generator",),
}


def generators(values: Mapping[str, Any]) -> list[str]:
    """Return the names whose values are sources of random numbers, of modules that are loaded."""
    kinds = tuple(
        getattr(sys.modules[module], name)
        for module, names in _KINDS.items()
        if module in sys.modules
        for name in names
        if isinstance(getattr(sys.modules[module], name, None), type)
    )
    return [name for name, value in values.items() if isinstance(value, kinds)]
