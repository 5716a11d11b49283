"""Type variables, new types and type aliases ↔ what they say."""

from __future__ import annotations

import typing
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nbsubmit.core.definitions import known


def _by_reference(definition: Any) -> Any:
    found = known.module_and_name(definition, definition.__name__)
    return None if found is None else (getattr, found)


def _reduce_variable(variable: Any) -> Any:
    """Take a type variable of any kind apart."""
    reference = _by_reference(variable)
    if reference is not None:
        return reference
    arguments = (
        known.tracker_of(variable),
        type(variable),
        variable.__name__,
        getattr(variable, "__constraints__", ()),
        _options(variable),
        variable.__module__,
    )
    return make_variable, arguments


def _options(variable: Any) -> dict[str, Any]:
    flags = ("covariant", "contravariant", "infer_variance")
    options = {flag: True for flag in flags if getattr(variable, f"__{flag}__", False)}
    bound = getattr(variable, "__bound__", None)
    # In `class Node[T: Node]` the bound needs the class, which needs the variable.
    if bound is not None and not ("infer_variance" in options and _is_dynamic(bound)):
        options["bound"] = bound
    if getattr(variable, "has_default", bool)():
        options["default"] = variable.__default__
    return options


def _is_dynamic(bound: Any) -> bool:
    return not (isinstance(bound, type) and known.is_importable(bound))


def make_variable(
    tracker: str,
    kind: Any,
    name: str,
    constraints: tuple[Any, ...],
    options: dict[str, Any],
    module: str,
) -> Any:
    """Return the type variable that is known by this id, or make it."""
    found = known.find(tracker)
    if found is None:
        made = kind(name, *constraints, **options)
        with suppress(AttributeError):
            made.__module__ = module
        found = known.remember(tracker, made)
    return found


def _reduce_new_type(new: Any) -> Any:
    """Take what NewType makes apart."""
    reference = _by_reference(new)
    if reference is not None:
        return reference
    return make_new_type, (new.__name__, new.__supertype__, new.__qualname__, new.__module__)


def make_new_type(name: str, supertype: Any, qualname: str, module: str) -> Any:
    """Make it again."""
    new_type: Any = typing.NewType
    made = new_type(name, supertype)
    made.__qualname__, made.__module__ = qualname, module
    return made


def _reduce_alias(alias: Any) -> Any:
    """Take what a ``type`` statement makes apart."""
    reference = _by_reference(alias)
    return reference or (make_alias, (alias.__name__, alias.__value__, alias.__type_params__))


def make_alias(name: str, value: Any, parameters: tuple[Any, ...]) -> Any:
    """Make it again."""
    return typing.TypeAliasType(name, value, type_params=parameters)  # type: ignore[attr-defined]


_KINDS: dict[str, Callable[[Any], Any]] = {
    "TypeVar": _reduce_variable,
    "ParamSpec": _reduce_variable,
    "TypeVarTuple": _reduce_variable,
    "NewType": _reduce_new_type,
    "TypeAliasType": _reduce_alias,
}
# Some are newer than the oldest Python.
REDUCERS = {
    kind: reduce for name, reduce in _KINDS.items() if (kind := getattr(typing, name, None))
}
