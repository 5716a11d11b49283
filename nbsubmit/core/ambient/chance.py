"""Which values are sources of random numbers: several tasks that have one draw the same from it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from nbsubmit.core.origin import attributes

_KINDS = {
    "numpy.random": ("Generator", "RandomState", "BitGenerator"),
    "random": ("Random",),
    "torch": ("Generator",),
}


def generators(values: Mapping[str, Any]) -> list[str]:
    """Return the names whose values are sources of random numbers, of modules that are loaded."""
    found = (
        attributes(sys.modules.get(module)).get(name)
        for module, names in _KINDS.items()
        for name in names
    )
    kinds = tuple(kind for kind in found if isinstance(kind, type))
    return [name for name, value in values.items() if isinstance(value, kinds)]
