"""Modules that were made by hand ↔ what they hold."""

from __future__ import annotations

import sys
import types
from typing import Any

_OF_LOADING = ("__builtins__", "__spec__", "__loader__", "__cached__")


def reduce_module(module: types.ModuleType) -> Any:
    """A module that cannot be imported goes with what it holds, but for how it was loaded."""
    state = {name: value for name, value in vars(module).items() if name not in _OF_LOADING}
    is_known = sys.modules.get(module.__name__) is module
    arguments = (module.__name__, module.__doc__)
    return types.ModuleType, arguments, (state, is_known), None, None, fill_module


def fill_module(module: types.ModuleType, parts: tuple[dict[str, Any], bool]) -> None:
    """Give a module what it holds, and let it be imported if it could be where it comes from."""
    state, is_known = parts
    vars(module).update(state)
    if is_known:
        sys.modules.setdefault(module.__name__, module)
