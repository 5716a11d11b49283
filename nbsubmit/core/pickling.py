"""One value ↔ bytes, with functions bound to the namespace they arrive in.

Three things differ from plain cloudpickle, all of them about the notebook's own definitions:

* A function whose globals are the *home* namespace (the notebook's, or the job's) travels without
  them. Where it is loaded it is bound to the home there, so it sees what the cell binds and its
  ``global`` counters count. The globals that it mentions are reported, so that they can travel
  as names.
* A module that cannot be imported elsewhere by its name travels with all that it holds, and its
  functions stay bound to it.
* A class that the other side already has travels as its id alone. One that the other side does not
  have is built there from its parts, and never written to afterwards (as in cloudpickle issues 376
  and 439); see `nbsubmit.core.definitions`.

cloudpickle's private parts are used here and in `nbsubmit.core.definitions`, nowhere else.
"""

from __future__ import annotations

import copyreg
import enum
import io
import operator
import pickle
import sys
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import cloudpickle

from nbsubmit.core import definitions, everywhere, magics, reducers
from nbsubmit.core.definitions import known, needs
from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.home import Namespace
from nbsubmit.core.origin import attributes, is_made_by_hand

if TYPE_CHECKING:
    from nbsubmit.core.memory import Spans
    from nbsubmit.core.reducers import Apart
    from nbsubmit.core.reducers.owners import Owners

# The name by which an object was sent, and what it holds now if it is to be changed.
Reference = str | tuple[str, Any]
Lookup = Callable[[Reference], Any]

# Functions that are of no type of Python's own: of numpy, and of whatever Cython has compiled.
_LOOKED_UP = frozenset({"ufunc", "cython_function_or_method"})
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)
_TAKEN_APART = (BaseException, types.CodeType, types.CellType, types.ModuleType)


class HomeReducers:
    """What is pickled differently; mixed into the pickler and into the one that traces."""

    home: Namespace
    known: Mapping[type, str]
    mentioned: dict[str, str]
    files: set[str]
    modules: dict[str, None]
    # What the reducers of arrays need; see `nbsubmit.core.reducers.Context`.
    shared: Spans | None
    apart: list[Apart]
    private: dict[int, Any]
    private_buffers: dict[int, Any]
    owners: Owners | None
    one_of: dict[int, Any]

    def prepare(
        self,
        home: Namespace,
        known: Mapping[type, str] | None = None,
        shared: Spans | None = None,
    ) -> None:
        """Say whose functions go without their globals, and what the other side has."""
        self.home = home
        self.known = known or {}
        # Global name → the function that mentions it, in the order of meeting.
        self.mentioned = {}
        self.files = set()
        # Of what is pickled by reference, in the order of meeting.
        self.modules = {}
        # Those that went by value.
        self.classes: list[type] = []
        self._needs: dict[type, frozenset[str]] = {}
        # By `id`, types whose instances are nothing special: thousands are asked about only once.
        # 100,000 of them are pickled in 190 ms instead of 560.
        self._left_alone: dict[int, type] = {}
        self.shared, self.owners = shared, None
        self.apart, self.private, self.private_buffers, self.one_of = [], {}, {}, {}
        self.begin()

    def begin(self) -> None:
        """Forget what was noted of the value before."""
        # Names that have to be there before the value is loaded.
        self.needed: set[str] = set()
        # Whether it is nothing but Python's own containers, text and numbers.
        self.plain = True
        self._noted: set[int] = set()
        # Of types whose instances are asked about each, and by nothing else: what asks. Arrays are
        # pickled in 0.7 of the time.
        self._asking: dict[int, reducers.Reducer] = {}

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if id(kind) in self._noted:
            return NotImplemented
        if id(kind) in self._asking:
            return self._asking[id(kind)](obj, self)
        self.plain = False
        self._note_needs(kind)
        if id(kind) in self._left_alone:
            self._noted.add(id(kind))
            return NotImplemented
        if kind.__name__ in _LOOKED_UP:
            self._note_place(obj)
            return NotImplemented
        reduced = everywhere.reduce(obj)
        if reduced is not NotImplemented:
            return reduced
        reducer = reducers.find(kind)
        if reducer is not None:
            reduced = reducer(obj, self)
            if reduced is not NotImplemented:
                return reduced
        if is_class(obj):
            return self._reduce_class(obj)
        if isinstance(obj, enum.Enum):
            from nbsubmit.core.definitions import enums

            return enums.reduce_member(obj)
        reduce = definitions.find(type(obj))
        if reduce is not None:
            reduced = reduce(obj)
            if reduced is NotImplemented:
                self._note_module(obj)
            return reduced
        if isinstance(obj, _TAKEN_APART):
            reduced = self._take_apart(obj)
            if reduced is not NotImplemented:
                return reduced
        reduced = cloudpickle.Pickler.reducer_override(self, obj)
        if reduced is NotImplemented and isinstance(obj, _FUNCTIONS):
            if isinstance(obj, types.FunctionType) and not known.is_importable(obj):
                return self._dynamic_function_reduce(obj)
            self._note_module(obj)
        elif reduced is NotImplemented and _are_alike(kind):
            if reducer is not None:
                self._asking[id(kind)] = reducer
            else:
                self._left_alone[id(kind)] = kind
                self._noted.add(id(kind))
        return reduced

    def _take_apart(self, obj: Any) -> Any:
        from nbsubmit.core.definitions import code, exceptions, modules

        if isinstance(obj, BaseException) and exceptions.has_own_init(type(obj)):
            return exceptions.make_exception, (type(obj), obj.args, dict(obj.__dict__))
        if isinstance(obj, types.CodeType):
            return code.reduce_code(obj)
        if isinstance(obj, types.CellType):
            return code.reduce_cell(obj)
        if isinstance(obj, types.ModuleType) and is_made_by_hand(obj):
            return modules.reduce_module(obj)
        return NotImplemented

    def _note_module(self, definition: Any) -> None:
        """Note where a definition is looked up on the other side."""
        name = getattr(definition, "__module__", None)
        if isinstance(name, str):
            self.modules[name] = None

    def _note_place(self, obj: Any) -> None:
        """Note where pickle finds what it takes by name alone."""
        name = getattr(obj, "__qualname__", None) or obj.__name__
        found = known.module_and_name(obj, name)
        if found is not None:
            self.modules[found[0].__name__] = None

    def _note_needs(self, kind: type) -> None:
        try:
            self.needed |= self._needs[kind]
        except KeyError:
            self._needs[kind] = needs.needs_of(kind, self.home)
            self.needed |= self._needs[kind]
        except TypeError:  # a metaclass whose classes cannot be hashed
            self.needed |= needs.needs_of(kind, self.home)

    def _reduce_class(self, kind: type) -> Any:
        tracker = self._tracker(kind)
        if tracker is not None:
            return known.lookup_class, (tracker, kind.__qualname__)
        if known.is_builtin_type(kind) or known.is_importable(kind):
            self._note_module(kind)
            return cloudpickle.Pickler.reducer_override(self, kind)
        from nbsubmit.core.definitions import classes

        self.classes.append(kind)
        return classes.reduce_class(kind)

    def _tracker(self, obj: type) -> str | None:
        try:
            return self.known.get(obj)
        except TypeError:  # a metaclass whose classes cannot be hashed
            return None

    def _dynamic_function_reduce(self, func: types.FunctionType) -> Any:
        from nbsubmit.core.definitions import code, functions

        if functions.is_dispatcher(func):
            return functions.reduce_dispatcher(func)
        module, names = None, known.globals_of(func.__code__)
        if func.__globals__ is not self.home:
            module = self._module_of(func.__globals__)
            if module is None:
                return cloudpickle.Pickler._dynamic_function_reduce(self, func)
        else:
            for name in (*names, *magics.called_by(func.__code__)):
                self.mentioned.setdefault(name, func.__name__)
        self.files.add(func.__code__.co_filename)
        return code.reduce_function(func, module, names)

    def _module_of(self, namespace: Namespace) -> types.ModuleType | None:
        """Return the module made by hand that a function's globals belong to."""
        for module in (sys.modules.get(str(namespace.get("__name__"))), *self.home.values()):
            if isinstance(module, types.ModuleType) and attributes(module) is namespace:
                return module if is_made_by_hand(module) else None
        return None


def _are_alike(kind: type) -> bool:
    """Tell whether how an instance is pickled depends on its type alone."""
    if issubclass(kind, (types.ModuleType, type, *_FUNCTIONS)):
        return False
    # A stand-in says that it is of whatever type it stands for.
    stands_in = any("__class__" in vars(base) for base in kind.__mro__[:-1])
    return kind.__getattribute__ is object.__getattribute__ and not stands_in


class _ByType(dict[type, Callable[[Any], Any]]):
    """What reduces the instances of a type, as cloudpickle has it, in one dictionary.

    cloudpickle's own is a chain of two, which is searched in Python for each object. What has no
    entry gets one that does what pickle does without: to find none takes longer. 100,000 instances
    are pickled in 190 ms instead of 330.
    """

    def __init__(self) -> None:
        super().__init__(cloudpickle.Pickler.dispatch_table.maps[0])

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        if issubclass(kind, type):  # pickle looks classes up by name
            raise KeyError(kind)
        found = self[kind] = copyreg.dispatch_table.get(kind, _reduce)
        return found


_reduce = operator.methodcaller("__reduce_ex__", 5)


class ValuePickler(HomeReducers, cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles values one after another into one stream, with one memo for all."""

    def __init__(
        self,
        file: io.BytesIO | io.RawIOBase,
        home: Namespace,
        known: Mapping[type, str] | None = None,
        buffer_callback: Callable[[pickle.PickleBuffer], bool] | None = None,
        shared: Spans | None = None,
    ) -> None:
        self.dispatch_table = _ByType()  # read by what follows, and not again
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self.memo = dict(everywhere.MEMO)
        file.write(everywhere.FIRST)
        self.prepare(home, known, shared)


class ReferringPickler(ValuePickler):
    """Pickles the objects that the other side has by the names that they have there.

    It asks about every object that it meets, which makes it half as fast as the other.
    """

    sent: Mapping[int, Reference]

    def persistent_id(self, obj: Any) -> Reference | None:
        return self.sent.get(id(obj))


class ReferringUnpickler(pickle.Unpickler):
    """Unpickles what a `ReferringPickler` has written."""

    reference: Lookup

    def persistent_load(self, name: Reference) -> Any:
        return self.reference(name)
