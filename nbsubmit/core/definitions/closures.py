"""What a function keeps between calls: its closure, its attributes, its defaults.

Two functions that close over one variable share the cell in which it lies. So a function that a job
has changed is not made anew at home: what has changed is put where it was.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any

from nbsubmit.core.definitions.known import globals_of

_SLOTS = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__name__", "__qualname__")
# No attribute is called so, but by whoever looks for trouble.
_CELL, _GLOBAL = "closure of ", "global "


def parts_of(function: types.FunctionType, home: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a function keeps, by attribute, and by the variable that it closes over.

    One that is not of the notebook's namespace, as ``%run`` leaves it, keeps its globals too.
    """
    parts = {name: getattr(function, name) for name in _SLOTS}
    if function.__globals__ is not home:
        names = globals_of(function.__code__)
        known = {_GLOBAL + n: function.__globals__[n] for n in names if n in function.__globals__}
        parts |= known
    for name, cell in _cells(function).items():
        try:
            parts[name] = cell.cell_contents
        except ValueError:  # not bound
            continue
    return parts | vars(function)


def _cells(function: types.FunctionType) -> dict[str, types.CellType]:
    names = function.__code__.co_freevars
    return dict(zip((_CELL + name for name in names), function.__closure__ or (), strict=True))


def change(function: types.FunctionType, parts: Mapping[str, Any], gone: Iterable[str]) -> None:
    """Give a function some of these parts, and take others away."""
    cells = _cells(function)
    for name, value in parts.items():
        if name in cells:
            cells[name].cell_contents = value
        elif name.startswith(_GLOBAL):
            function.__globals__[name.removeprefix(_GLOBAL)] = value
        elif not name.startswith(_CELL):
            setattr(function, name, value)
    for name in gone:
        if name in cells:
            del cells[name].cell_contents
        elif name.startswith(_GLOBAL):
            function.__globals__.pop(name.removeprefix(_GLOBAL), None)
        else:
            vars(function).pop(name, None)
