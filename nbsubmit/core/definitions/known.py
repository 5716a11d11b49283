"""Which classes this process knows that travelled by value, by ids that are the same everywhere.

The ids are cloudpickle's, so that a class which a process pool in the job brings back is the same.
"""

from __future__ import annotations

import sys
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cloudpickle import cloudpickle as internals

from nbsubmit.core.origin import is_made_by_hand

_namespace: ContextVar[Mapping[str, Any]] = ContextVar("nbsubmit_namespace")
_definitions: ContextVar[Callable[[], object]] = ContextVar("nbsubmit_definitions")


def known_classes() -> Mapping[type, str]:
    """Return the classes that this process knows, with their ids."""
    return internals._DYNAMIC_CLASS_TRACKER_BY_CLASS  # type: ignore[no-any-return]


def is_known(kind: type) -> bool:
    """Tell whether a class has travelled by value."""
    try:
        return kind in known_classes()
    except TypeError:  # a metaclass whose classes cannot be hashed
        return False


def is_class(value: Any) -> bool:
    """Tell whether a value is a class; before Python 3.11 ``list[int]`` claims to be one."""
    return issubclass(type(value), type)


def tracker_of(definition: Any) -> str:
    """Return the id of a class or type variable; it gets one if it has none."""
    return internals._get_or_create_tracker_id(definition)  # type: ignore[no-any-return]


def find(tracker: str) -> Any:
    """Return what has this id, or None."""
    return internals._DYNAMIC_CLASS_TRACKER_BY_ID.get(tracker)


def remember(tracker: str, definition: Any) -> Any:
    """Return what has this id already, or else the definition, which has it from now on."""
    return internals._lookup_class_or_track(tracker, definition)


@contextmanager
def adopting(namespace: Mapping[str, Any]) -> Iterator[None]:
    """Have classes that are not known taken from here if they are here by the same name.

    In a new kernel the notebook's cells have been run again, or will be.
    """
    token = _namespace.set(namespace)
    try:
        yield
    finally:
        _namespace.reset(token)


def adopt(tracker: str, qualname: str) -> type | None:
    """Return the class of this name, which has this id from now on; None if there is none."""
    first, *rest = qualname.split(".")
    found = _namespace.get({}).get(first)
    for name in rest:
        found = getattr(found, name, None)
    if not is_class(found) or found.__module__ != "__main__":
        return None
    remember(tracker, found)
    return found


def is_importable(definition: Any, name: str | None = None) -> bool:
    """Tell whether another process finds a definition by module and name."""
    if name is None:
        by_name = internals._should_pickle_by_reference(definition)
        return by_name and not _is_of_made_module(definition)
    return module_and_name(definition, name) is not None


def module_and_name(definition: Any, name: str) -> tuple[Any, str] | None:
    """Return the module in which a definition is found, and its name there; None if in none."""
    found = internals._lookup_module_and_qualname(definition, name=name)
    if found is None or internals._is_registered_pickle_by_value(found[0]):
        return None
    return None if is_made_by_hand(found[0]) else found


def _is_of_made_module(definition: Any) -> bool:
    module = sys.modules.get(str(getattr(definition, "__module__", None)))
    return isinstance(module, types.ModuleType) and is_made_by_hand(module)


def is_builtin_type(kind: type) -> bool:
    """Tell whether a type has no place in any module and cloudpickle knows it all the same."""
    try:
        return kind in internals._BUILTIN_TYPE_NAMES
    except TypeError:  # a metaclass whose classes cannot be hashed
        return False


def codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code and those that are nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_of(constant)


def globals_of(code: types.CodeType) -> Mapping[str, None]:
    """Return the names of globals that a code and those nested in it mention."""
    return internals._extract_code_globals(code)  # type: ignore[no-any-return]


@contextmanager
def as_another_process() -> Iterator[None]:
    """Forget the classes that this process knows for a while, as a new process would not have them.

    A job that runs inside the notebook's own process would share its classes with the notebook.
    """
    by_class, by_id = (
        internals._DYNAMIC_CLASS_TRACKER_BY_CLASS,
        internals._DYNAMIC_CLASS_TRACKER_BY_ID,
    )
    internals._DYNAMIC_CLASS_TRACKER_BY_CLASS = weakref.WeakKeyDictionary()
    internals._DYNAMIC_CLASS_TRACKER_BY_ID = weakref.WeakValueDictionary()
    try:
        yield
    finally:
        internals._DYNAMIC_CLASS_TRACKER_BY_CLASS = by_class
        internals._DYNAMIC_CLASS_TRACKER_BY_ID = by_id


class UnknownClass(LookupError):
    """A class travelled by its id alone and this process does not have it."""


def lookup_class(tracker: str, name: str) -> type:
    """Return the class that is known by this id.

    Raises
    ------
    UnknownClass
        If there is none.
    """
    found = find(tracker)
    if found is None and (load := _definitions.get(None)) is not None:
        load()
        found = find(tracker)
    if found is None:
        raise UnknownClass(f"{name} is not known here")
    return found  # type: ignore[no-any-return]


@contextmanager
def defined_by(load: Callable[[], object]) -> Iterator[None]:
    """Have this called when a class is not known here: it loads what defines it."""
    token = _definitions.set(load)
    try:
        yield
    finally:
        _definitions.reset(token)
