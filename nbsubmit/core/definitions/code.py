"""Functions in Python ↔ their code, their cells and what else they have."""

from __future__ import annotations

import importlib
import types
from collections.abc import Mapping
from typing import Any

from cloudpickle import cloudpickle as internals

from nbsubmit.core import home
from nbsubmit.core.definitions import known, parts


def reduce_function(
    func: types.FunctionType, module: types.ModuleType | None, names: Mapping[str, None]
) -> Any:
    """Reduce a function that is bound to a namespace where it arrives.

    Parameters
    ----------
    func : function
        The function.
    module : module or None
        The module whose namespace that is; None stands for the home.
    names : mapping
        The globals that it mentions.
    """
    arguments = (func.__code__, func.__name__, func.__closure__, module)
    state = (dict(func.__dict__), _slots(func), _submodules(func, names))
    return make_function, arguments, state, None, None, restore_function


def reduce_code(code: types.CodeType) -> Any:
    """Reduce code as cloudpickle does, and have it know its file."""
    return make_code, (internals._code_reduce(code)[1], code.co_filename)


def make_code(arguments: tuple[Any, ...], file: str) -> types.CodeType:
    """Build code that knows its file, which cloudpickle 3.1.3 forgets: tracebacks show its lines.

    `arguments` are those that cloudpickle would build it from.
    """
    return types.CodeType(*arguments).replace(co_filename=file)


def reduce_cell(cell: types.CellType) -> Any:
    """Make the cell first and fill it later: functions that share it share it still."""
    contents: tuple[Any, ...]
    try:
        contents = (cell.cell_contents,)
    except ValueError:  # not bound yet
        contents = ()
    return types.CellType, (), contents, None, None, fill_cell


def fill_cell(cell: types.CellType, contents: tuple[Any, ...]) -> None:
    """Give a cell what it holds."""
    if contents:
        cell.cell_contents = contents[0]


def _is_unbound(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is _is_unbound
    except ValueError:
        return True


def _submodules(func: types.FunctionType, names: Mapping[str, None]) -> list[str]:
    """The loaded modules that a function reaches through packages.

    ``import xml.dom`` binds ``xml``, and ``xml.dom`` is there only because it was imported.
    """
    held = [func.__globals__.get(name) for name in names]
    held += [cell.cell_contents for cell in func.__closure__ or () if not _is_unbound(cell)]
    found: dict[str, None] = {}
    for code in known.codes_of(func.__code__):
        modules = internals._find_imported_submodules(code, held)
        found |= dict.fromkeys(module.__name__ for module in modules)
    return list(found)


def _slots(func: types.FunctionType) -> dict[str, Any]:
    """What a function has besides its code; what it has not is left out."""
    slots = {
        "__qualname__": func.__qualname__,
        "__module__": func.__module__,
        "__doc__": func.__doc__,
        "__defaults__": func.__defaults__,
        "__kwdefaults__": func.__kwdefaults__,
        "__annotations__": parts.annotations_of(func),
        "__type_params__": getattr(func, "__type_params__", None) or None,
    }
    return {name: value for name, value in slots.items() if value is not None}


def make_function(
    code: types.CodeType,
    name: str,
    cells: tuple[types.CellType, ...] | None,
    module: types.ModuleType | None = None,
) -> types.FunctionType:
    """Build a function of a module; by default of the home namespace."""
    namespace = home.current() if module is None else vars(module)
    return types.FunctionType(code, namespace, name, None, cells)


def restore_function(
    func: types.FunctionType, state: tuple[dict[str, Any], dict[str, Any], list[str]]
) -> None:
    """Give a function its attributes and defaults, once they have been loaded."""
    attributes, slots, submodules = state
    for module in submodules:
        importlib.import_module(module)
    func.__dict__.update(attributes)
    for name in ("__doc__", "__module__"):  # taken from code and namespace otherwise
        setattr(func, name, slots.get(name))
    for name, value in slots.items():
        setattr(func, name, value)
