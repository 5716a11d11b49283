"""Whether code changes an object, by its own text and that of the functions it hands it to."""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping
from enum import IntEnum
from functools import lru_cache
from itertools import islice
from typing import Any

from nbsubmit.core.changes.kinds import (
    CHANGING,
    PARTS,
    WHOLE,
    Kind,
    is_fixed,
    kind_of,
    methods_of_data,
)  # fmt: skip
from nbsubmit.core.changes.text import STATEMENT, Text, read_function
from nbsubmit.core.changes.within import within
from nbsubmit.core.home import Namespace
from nbsubmit.core.origin import MAIN


class _Unknown:
    """Stands for an object that is not here: what another job brings, or a part of one that is."""


_AWAITED, _PART = _Unknown(), _Unknown()


# So much of what an object holds is asked for its methods.
_MOST_PARTS = 50
_BINDING = ("STORE_DEREF", "DELETE_DEREF")


class Extent(IntEnum):
    """How far a change reaches: to nothing, to an object itself, to what it holds as well."""

    NOTHING = 0
    ITSELF = 1
    PARTS = 2


class Judge:
    """Tells what code of a notebook changes in place.

    Parameters
    ----------
    namespace : dict
        The notebook's.
    awaited : mapping
        Names whose values other jobs are to bring, each with what the text does of which that
        comes: of what kind a value will be nobody knows yet, but functions are written down there.
    """

    def __init__(self, namespace: Namespace, awaited: Mapping[str, Text] | None = None) -> None:
        self._namespace = namespace
        self._awaited = awaited or {}
        self._asked: set[tuple[int, str, int]] = set()

    def changed(self, text: Text) -> dict[str, Extent]:
        """Return the names of the notebook's whose objects code changes, and how far."""
        found = {}
        for name in text.names - text.own:
            if name in self._awaited:
                found[name] = self._extent(name, _AWAITED, text)
            elif name in self._namespace:
                found[name] = self._extent(name, self._namespace[name], text)
        return {name: extent for name, extent in found.items() if extent}

    def changed_by(self, function: types.FunctionType) -> dict[str, Extent]:
        """Return the names of the notebook's whose objects a function changes, and how far."""
        text = _text_of(function.__code__)
        return self.changed(text) if text is not None else {}

    def _extent(self, name: str, value: Any, text: Text) -> Extent:
        asked = (id(text), name, id(value))
        if is_fixed(value) or asked in self._asked:  # a function that calls itself
            return Extent.NOTHING
        self._asked.add(asked)
        found = Extent.NOTHING
        try:
            for alias, what in _aliases(name, value, text):
                shown = self._shown(alias, what, text, value)
                here = max(shown, self._by_functions(alias, what, text))
                found = max(found, Extent.PARTS if here and what is _PART else here)
        finally:
            self._asked.discard(asked)
        return found

    def _shown(self, name: str, value: Any, text: Text, whole: Any) -> Extent:
        """Return how far the code itself changes an object that it knows by a name.

        Parameters
        ----------
        name : str
            The name.
        value : object
            What the name stands for: the object, or a part of it.
        text : Text
            What the code does.
        whole : object
            The object.
        """
        found = Extent.NOTHING
        for step, way in text.ways.get(name, ()):
            meant = value if step == WHOLE else _PART
            if (
                way == STATEMENT
                or self._is_changing(meant, way)
                or (meant is _PART and self._changes_parts(whole, way))
            ):
                is_shallow = way == STATEMENT or not _is_unknown(meant)
                shallow = Extent.ITSELF if is_shallow and step == WHOLE else Extent.PARTS
                found = max(found, shallow)
        return found

    def _is_changing(self, value: Any, method: str) -> bool:
        """Tell whether a method changes an object."""
        if isinstance(value, types.FunctionType):
            return False
        if isinstance(value, type):
            return self._changes_class(value, method)
        if value is _PART:
            return method in CHANGING
        if value is _AWAITED:
            return method in CHANGING or method not in methods_of_data()
        kind = kind_of(value)
        return kind is None or method in kind.changing

    def _changes_parts(self, whole: Any, method: str) -> bool:
        """Tell whether a method of the notebook's changes an object that another one holds."""
        if isinstance(whole, _Unknown):
            return False
        for part in islice(within(whole), _MOST_PARTS):
            found = _method(type(part), method)
            is_own = isinstance(found, types.FunctionType) and found.__module__ == MAIN
            if is_own and part is not whole and self._changes_first(found, part):
                return True
        return False

    def _changes_first(self, function: types.FunctionType, value: Any) -> bool:
        """Tell whether a function changes what it is handed first."""
        text = _text_of(function.__code__)
        if text is None or not text.parameters:
            return text is None
        return bool(self._extent(text.parameters[0], value, text))

    def is_changed_by_a_call(self, value: Any) -> bool:
        """Tell whether what is called changes what it holds: an object, or its variables."""
        if isinstance(value, functools.partial):
            return self.is_changed_by_a_call(value.func)
        if isinstance(value, types.MethodType):
            function = value.__func__
            if not isinstance(function, types.FunctionType) or function.__module__ != MAIN:
                return False
            return self._changes_first(function, value.__self__)
        if isinstance(value, types.BuiltinFunctionType):
            kind = None if is_fixed(value.__self__) else kind_of(value.__self__)
            return kind is not None and value.__name__ in kind.changing
        if isinstance(value, types.FunctionType) and value.__module__ == MAIN:
            return self._changes_own_variables(value)
        return False

    def _changes_own_variables(self, function: types.FunctionType) -> bool:
        """Tell whether a function binds a variable around it, or changes its object."""
        names = function.__code__.co_freevars
        steps = dis.get_instructions(function.__code__)
        if any(step.opname in _BINDING and step.argval in names for step in steps):
            return True
        text = _text_of(function.__code__)
        variables = zip(names, function.__closure__ or (), strict=True)
        return text is not None and any(
            self._extent(name, cell.cell_contents, text)
            for name, cell in variables
            if _is_set(cell)
        )

    def _changes_class(self, kind: type, method: str) -> bool:
        found = _method(kind, method)
        if not isinstance(found, classmethod) or kind.__module__ != MAIN:
            return False
        text = _text_of(found.__func__.__code__)
        return text is not None and bool(self._extent(text.parameters[0], kind, text))

    def _by_functions(self, name: str, value: Any, text: Text) -> Extent:
        """Return how far functions of the notebook change an object that they are handed."""
        found = Extent.NOTHING
        for step, callee, place in text.handed.get(name, ()):
            function, skipped = self._resolve(callee, text)
            parameter = _parameter(function, place, skipped) if function is not None else None
            if function is None or parameter is None:
                continue
            extent = self._extent(parameter, value if step == WHOLE else _PART, function)
            found = max(found, extent if step == WHOLE or not extent else Extent.PARTS)
        return found

    def _resolve(self, callee: str, text: Text) -> tuple[Text | None, int]:
        """Return what the function by a name does, and how many arguments it has before the first.

        Of a method that is the object; of a class, its ``__init__`` is called.
        """
        if callee in text.functions:
            return text.functions[callee], 0
        name, _, attribute = callee.partition(".")
        if name in self._awaited:
            return self._awaited[name].functions.get(callee), 0
        if not name or name not in self._namespace:
            return None, 0
        found, skipped = self._namespace[name], 0
        if attribute:
            owner = found if isinstance(found, type) else type(found)
            if owner.__module__ != MAIN:
                return None, 0
            of_class = isinstance(found, type)
            found = _method(owner, attribute)
            skipped = int(isinstance(found, classmethod) or not of_class)
            if isinstance(found, staticmethod):
                skipped = 0
            found = getattr(found, "__func__", found)
        elif isinstance(found, type) and found.__module__ == MAIN:
            found, skipped = _method(found, "__init__"), 1
        if not isinstance(found, types.FunctionType):
            found = getattr(found, "__wrapped__", None)
        if not isinstance(found, types.FunctionType) or found.__module__ != MAIN:
            return None, 0
        return _text_of(found.__code__), skipped


def _is_set(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _is_unknown(value: Any) -> bool:
    """Tell whether nobody knows what the methods of an object change."""
    return isinstance(value, _Unknown) or (not isinstance(value, type) and kind_of(value) is None)


def _method(kind: type, name: str) -> Any:
    return inspect.getattr_static(kind, name, None)


def _aliases(name: str, value: Any, text: Text) -> Iterator[tuple[str, Any]]:
    """Yield the names by which code knows an object or parts of it, and what each stands for."""
    waiting, seen = [(name, value)], set[tuple[str, bool]]()
    while waiting:
        known, what = waiting.pop()
        if (known, what is _PART) in seen:
            continue
        seen.add((known, what is _PART))
        yield known, what
        for alias, step in text.aliases.get(known, ()):
            if step == WHOLE or _gives_part(what, step):
                waiting.append((alias, what if step == WHOLE else _PART))


def _gives_part(value: Any, step: str) -> bool:
    kind: Kind | None = None if isinstance(value, _Unknown) else kind_of(value)
    if kind is not None:
        return step in kind.parts
    return step in PARTS or not isinstance(value, _Unknown)


def _parameter(function: Text, place: int | str, skipped: int) -> str | None:
    if isinstance(place, str):
        return place if place in function.own else None
    number = place + skipped
    return function.parameters[number] if number < len(function.parameters) else None


# To find and parse a method of 30 lines takes 4 ms.
@lru_cache(maxsize=512)
def _text_of(code: types.CodeType) -> Text | None:
    """Return what a function does, if its text is known."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name:
            return read_function(node)
        if isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
            found = read_function(node)
            if list(found.parameters) == list(code.co_varnames[: code.co_argcount]):
                return found
    return None
