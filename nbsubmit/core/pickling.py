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

cloudpickle's private parts are used here and in `nbsubmit.core.definitions.known`, nowhere else.
"""

from __future__ import annotations

import copy
import copyreg
import enum
import importlib
import io
import operator
import pickle
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import cloudpickle
from cloudpickle import cloudpickle as internals

from nbsubmit.core import definitions, everywhere, magics, reducers
from nbsubmit.core.definitions import classes, enums, functions, known, needs, parts
from nbsubmit.core.definitions.known import as_another_process as as_another_process
from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.definitions.known import known_classes as known_classes
from nbsubmit.core.origin import attributes, is_made_by_hand

if TYPE_CHECKING:
    from nbsubmit.core.memory import Spans
    from nbsubmit.core.reducers import Apart
    from nbsubmit.core.reducers.owners import Owners

Namespace = dict[str, Any]
# The name by which an object was sent, and what it holds now if it is to be changed.
Reference = str | tuple[str, Any]
Lookup = Callable[[Reference], Any]

# Functions that are of no type of Python's own: of numpy, and of whatever Cython has compiled.
_LOOKED_UP = frozenset({"ufunc", "cython_function_or_method"})
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)

_home: ContextVar[Namespace] = ContextVar("nbsubmit_home")
_definitions: ContextVar[Callable[[], object]] = ContextVar("nbsubmit_definitions")


class UnknownClass(LookupError):
    """A class travelled by its id alone and this process does not have it."""


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
        # Of types whose instances are asked about each, and by nothing else: what asks.
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
            return enums.reduce_member(obj)
        reduce = definitions.find(type(obj))
        if reduce is not None:
            reduced = reduce(obj)
            if reduced is NotImplemented:
                self._note_module(obj)
            return reduced
        if isinstance(obj, BaseException) and _has_own_init(type(obj)):
            return make_exception, (type(obj), obj.args, dict(obj.__dict__))
        if isinstance(obj, types.CodeType):
            return make_code, (internals._code_reduce(obj)[1], obj.co_filename)
        if isinstance(obj, types.CellType):
            return _reduce_cell(obj)
        if isinstance(obj, types.ModuleType) and is_made_by_hand(obj):
            return _reduce_module(obj)
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
            return lookup_class, (tracker, kind.__qualname__)
        if known.is_builtin_type(kind) or known.is_importable(kind):
            self._note_module(kind)
            return cloudpickle.Pickler.reducer_override(self, kind)
        self.classes.append(kind)
        return classes.reduce_class(kind)

    def _tracker(self, obj: type) -> str | None:
        try:
            return self.known.get(obj)
        except TypeError:  # a metaclass whose classes cannot be hashed
            return None

    def _dynamic_function_reduce(self, func: types.FunctionType) -> Any:
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
        arguments = (func.__code__, func.__name__, func.__closure__, module)
        state = (dict(func.__dict__), _slots(func), _submodules(func, names))
        return make_function, arguments, state, None, None, restore_function

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
    entry gets one that does what pickle does without: to find none takes longer.
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
        self.prepare(home, known, shared)


class ReferringPickler(ValuePickler):
    """Pickles the objects that the other side has by the names that they have there.

    It asks about every object that it meets, which makes it half as fast as the other.
    """

    sent: Mapping[int, Reference]

    def persistent_id(self, obj: Any) -> Reference | None:
        return self.sent.get(id(obj))


def _has_own_init(kind: type[BaseException]) -> bool:
    """Tell whether pickling would call an ``__init__`` that may not take the exception's args."""
    if kind.__reduce__ is not BaseException.__reduce__ or kind.__reduce_ex__ is not _REDUCE_EX:
        return False
    return isinstance(kind.__init__, types.FunctionType)


_REDUCE_EX = BaseException.__reduce_ex__


def make_exception(
    kind: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]
) -> BaseException:
    """Build an exception as it is, not as it was made."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


def copy_of_exception(error: BaseException) -> BaseException:
    """Return an exception like this one, without running code of its own.

    Raises
    ------
    Exception
        Whatever its class raises.
    """
    if _has_own_init(type(error)):
        return make_exception(type(error), error.args, vars(error))
    return copy.copy(error)


def make_code(arguments: tuple[Any, ...], file: str) -> types.CodeType:
    """Build code that knows its file, which cloudpickle 3.1.3 forgets: tracebacks show its lines.

    `arguments` are those that cloudpickle would build it from.
    """
    return types.CodeType(*arguments).replace(co_filename=file)


def _reduce_cell(cell: types.CellType) -> Any:
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


def _reduce_module(module: types.ModuleType) -> Any:
    """A module that cannot be imported goes with what it holds, but for how it was loaded."""
    state = {name: value for name, value in vars(module).items() if name not in _OF_LOADING}
    is_known = sys.modules.get(module.__name__) is module
    arguments = (module.__name__, module.__doc__)
    return types.ModuleType, arguments, (state, is_known), None, None, fill_module


_OF_LOADING = ("__builtins__", "__spec__", "__loader__", "__cached__")


def fill_module(module: types.ModuleType, parts: tuple[Namespace, bool]) -> None:
    """Give a module what it holds, and let it be imported if it could be where it comes from."""
    state, is_known = parts
    vars(module).update(state)
    if is_known:
        sys.modules.setdefault(module.__name__, module)


def make_function(
    code: types.CodeType,
    name: str,
    cells: tuple[types.CellType, ...] | None,
    module: types.ModuleType | None = None,
) -> types.FunctionType:
    """Build a function of a module; by default of the home namespace."""
    namespace = _home.get() if module is None else vars(module)
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


def lookup_class(tracker: str, name: str) -> type:
    """Return the class that is known by this id.

    Raises
    ------
    UnknownClass
        If there is none.
    """
    found = known.find(tracker)
    if found is None and (load := _definitions.get(None)) is not None:
        load()
        found = known.find(tracker)
    if found is None:
        raise UnknownClass(f"{name} is not known here")
    return found  # type: ignore[no-any-return]


class ReferringUnpickler(pickle.Unpickler):
    """Unpickles what a `ReferringPickler` has written."""

    reference: Lookup

    def persistent_load(self, name: Reference) -> Any:
        return self.reference(name)


@contextmanager
def at_home(namespace: Namespace) -> Iterator[None]:
    """Bind the functions that are loaded meanwhile to this namespace."""
    token = _home.set(namespace)
    try:
        yield
    finally:
        _home.reset(token)


@contextmanager
def defined_by(load: Callable[[], object]) -> Iterator[None]:
    """Have this called when a class is not known here: it loads what defines it."""
    token = _definitions.set(load)
    try:
        yield
    finally:
        _definitions.reset(token)
