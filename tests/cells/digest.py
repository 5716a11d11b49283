"""A namespace → text that is the same exactly if the values are: runs inside the two kernels.

Values are compared by type and content, never by address. An object that occurs twice within one
value is written once, so ``[[0]] * 3`` differs from three lists. Nothing is changed by looking: no
iterator is advanced, and nothing is imported.
"""

from __future__ import annotations

import copyreg
import enum
import functools
import hashlib
import inspect
import io
import json
import re
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.cells import libraries
from tests.cells.allowed import NOT_COMPARED, UNCOUNTED, stays_on_the_node, without_where_and_when
from tests.cells.relations import same_objects, shared_memory

Namespace = dict[str, Any]

_SHOWN = 20_000
_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented))
_IMMUTABLE = (tuple, frozenset, type, types.ModuleType, enum.Enum)
_IMMUTABLE_OF = {"datetime", "decimal", "fractions", "pathlib", "re", "uuid"}
_CLASS_NOISE = {
    "__dict__", "__weakref__", "__module__", "__firstlineno__", "__static_attributes__",
    "__slotnames__", "_abc_impl", "__annotations_cache__",
}  # fmt: skip
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def write(namespace: Namespace, file: str, work: str, count: int) -> None:
    """Write the digest of a notebook's namespace and its folder to a file, as JSON.

    Parameters
    ----------
    namespace : dict
        The notebook's.
    file : str
        Where to write.
    work : str
        The folder in which the notebook began.
    count : int
        The number of the cell that ran last, for its entry in ``Out``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _digest(namespace, Path(work), count)
    Path(file).write_text(json.dumps(found))


def _digest(namespace: Namespace, work: Path, count: int) -> dict[str, Any]:
    mine = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in UNCOUNTED
    }
    handles = sorted(name for name, value in mine.items() if stays_on_the_node(value))
    counted = {name: value for name, value in mine.items() if name not in handles}
    values = dict(counted)
    if count in namespace["Out"]:
        values[f"Out[{count}]"] = namespace["Out"][count]
    return {
        "values": {name: _text(value, namespace) for name, value in values.items()},
        "handles": handles,
        "same object": same_objects(counted),
        "shared memory": shared_memory(counted),
        "files": _files(work),
    }


def _text(value: Any, namespace: Namespace) -> str:
    """What can be read of a value's description, and the hash of all."""
    text = without_where_and_when(describe(value, namespace))
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_SHOWN]}… {hash_of(text.encode())} of {len(text)}"


def _files(work: Path) -> dict[str, str]:
    paths = [path for path in work.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path.relative_to(work)): hash_of(path.read_bytes()) for path in paths}


def hash_of(data: Any) -> str:
    """A short hash of bytes."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def describe(value: Any, namespace: Namespace) -> str:
    """The text of one value."""
    return Describer(namespace).text(value)


class Describer:
    """Walks through one value.

    Parameters
    ----------
    namespace : dict
        The notebook's: an object knows whether its class is the one there.
    """

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []

    def text(self, value: Any) -> str:
        """Describe a value, or refer to where it was met before."""
        if type(value) in _ATOMS:
            return repr(value)
        again = self._again(value)
        return again or self._describe(value)

    def each(self, values: Iterable[Any]) -> str:
        """Describe several values."""
        return ", ".join(self.text(value) for value in values)

    def pairs(self, items: Iterable[tuple[Any, Any]]) -> str:
        """Describe keys with their values, in their order."""
        return ", ".join(
            f"{self.text(key)}: {self.text(value)}" for key, value in items if _is_compared(key)
        )

    def _again(self, value: Any) -> str:
        # Whether equal constants are one object is the business of compiler and libraries.
        if isinstance(value, _IMMUTABLE) or type(value).__module__ in _IMMUTABLE_OF:
            return ""
        number = self._seen.get(id(value))
        if number is not None:
            return f"<again {number}>"
        self._keep(value)
        return ""

    def _keep(self, value: Any) -> None:
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)  # so that its address is not given out again

    def _describe(self, value: Any) -> str:
        known = libraries.describe(self, value)
        if known is not None:
            return known
        for kind, function in _KINDS:
            if isinstance(value, kind):
                return function(self, value)
        if type(value).__module__ == "__main__":
            return self._instance(value)
        return self._reduced(value)

    def class_name(self, kind: type) -> str:
        """The name of a class; of the notebook's own, with whether it is the one there now."""
        if kind.__module__ != "__main__":
            return f"{kind.__module__}.{kind.__qualname__}"
        now = self.namespace.get(kind.__qualname__)
        return kind.__qualname__ if now is kind else f"(another class) {kind.__qualname__}"

    # Kinds of values

    def _container(self, value: Any) -> str:
        # Compared by the base class's own iteration: a subclass may show something else.
        if isinstance(value, OrderedDict):  # it has an order of its own
            contents = self.pairs(OrderedDict.items(value))
        elif isinstance(value, dict):
            contents = self.pairs(dict.items(value))
        else:
            contents = self.each(iter(value))
        return f"{self._head(value)}[{contents}]{self._attributes(value)}"

    def _set(self, value: Any) -> str:
        contents = ", ".join(sorted(Describer(self.namespace).text(item) for item in value))
        return f"{self._head(value)}{{{contents}}}{self._attributes(value)}"

    def _head(self, value: Any) -> str:
        kind = type(value)
        factory = getattr(value, "default_factory", None)
        extra = f" of {self.text(factory)}" if factory is not None else ""
        longest = getattr(value, "maxlen", None)
        extra += f" up to {longest}" if isinstance(longest, int) else ""
        return ("" if kind in (list, dict, tuple, set) else self.class_name(kind)) + extra

    def _attributes(self, value: Any) -> str:
        state = self.pairs(sorted(getattr(value, "__dict__", {}).items()))
        return f" with {{{state}}}" if state else ""

    def _instance(self, value: Any) -> str:
        state = dict(getattr(value, "__dict__", {}))
        for name in copyreg._slotnames(type(value)):  # type: ignore[attr-defined]
            if hasattr(value, name):
                state[name] = getattr(value, name)
        contents = self._exception_arguments(value) if isinstance(value, BaseException) else ""
        base: Any = next((kind for kind in _ATOMS if isinstance(value, kind)), None)
        contents += repr(base(value)) if base is not None else ""
        return f"{self.class_name(type(value))}({contents}; {self.pairs(sorted(state.items()))})"

    def _exception(self, value: BaseException) -> str:
        if type(value).__module__ == "__main__":
            return self._instance(value)
        arguments = self._exception_arguments(value)
        return f"{self.class_name(type(value))}({arguments}){self._attributes(value)}"

    def _exception_arguments(self, value: BaseException) -> str:
        cause = f" from {self.text(value.__cause__)}" if value.__cause__ is not None else ""
        return self.each(value.args) + cause

    def _enum(self, value: enum.Enum) -> str:
        return f"{self.class_name(type(value))}.{value.name}"

    def _class(self, value: type) -> str:
        if value.__module__ != "__main__":
            return f"class {self.class_name(value)}"
        if id(value) in self._seen:
            return f"<again class {value.__qualname__}>"
        self._keep(value)
        bases = ", ".join(map(self.class_name, value.__bases__))
        body = sorted(item for item in vars(value).items() if item[0] not in _CLASS_NOISE)
        members = list(value.__members__) if isinstance(value, enum.EnumMeta) else []
        return f"class {self.class_name(value)}({bases}) {members} {{{self.pairs(body)}}}"

    def _function(self, value: types.FunctionType) -> str:
        if value.__module__ != "__main__" and value.__globals__ is not self.namespace:
            return f"function {value.__module__}.{value.__qualname__}"
        bound = "" if value.__globals__ is self.namespace else " OF ANOTHER NAMESPACE"
        closure = self.each(map(_cell_contents, value.__closure__ or ()))
        parts = {
            "defaults": self.text(value.__defaults__),
            "keywords": self.text(value.__kwdefaults__),
            "closure": closure,
            "attributes": self.text(dict(value.__dict__)),
            "annotations": self.text(value.__annotations__),
            "doc": repr(value.__doc__),
            "code": _code(value.__code__),
            "text": _source(value),
        }
        told = "; ".join(f"{name} {part}" for name, part in parts.items())
        return f"function {value.__module__}.{value.__qualname__}{bound}({told})"

    def _module(self, value: types.ModuleType) -> str:
        return f"module {value.__name__}"

    def _builtin(self, value: Any) -> str:
        owner = value.__self__
        if owner is None or isinstance(owner, types.ModuleType):
            return f"builtin {value.__module__}.{value.__qualname__}"
        return f"builtin {value.__name__} of {self.text(owner)}"

    def _method(self, value: types.MethodType) -> str:
        return f"method {value.__func__.__qualname__} of {self.text(value.__self__)}"

    def _wrapped(self, value: Any) -> str:
        return f"{type(value).__name__}({self.text(value.__func__)})"

    def _property(self, value: property) -> str:
        return f"property({self.each((value.fget, value.fset, value.fdel))})"

    def _cached_property(self, value: Any) -> str:
        return f"cached_property({self.text(value.func)}, {value.attrname})"

    def _cached_function(self, value: Any) -> str:
        # What it has cached stays where it is (see allowed.py).
        return f"cached({self.text(value.__wrapped__)}, {value.cache_parameters()})"

    def _slot(self, value: Any) -> str:
        return f"slot {value.__name__}"

    def _memory(self, value: memoryview) -> str:
        locked = ", read-only" if value.readonly else ""
        return f"memoryview({value.format}, {value.shape}{locked}, {value.tobytes()!r})"

    def _view(self, value: Any) -> str:
        return f"{type(value).__name__}({self.each(value)})"

    def _namespace(self, value: types.SimpleNamespace) -> str:
        return f"SimpleNamespace({self.pairs(sorted(vars(value).items()))})"

    def _proxy(self, value: types.MappingProxyType[Any, Any]) -> str:
        return f"mappingproxy({self.pairs(value.items())})"

    def _stream(self, value: Any) -> str:
        return f"{type(value).__name__}({value.getvalue()!r}, at {value.tell()})"

    def _reduced(self, value: Any) -> str:
        """Describe by what pickle would take of it."""
        try:
            made = value.__reduce_ex__(4)
        except TypeError as error:
            shown = _ADDRESS.sub("0x", repr(value))
            return f"{self.class_name(type(value))} {shown} ({error})"
        if isinstance(made, str):
            return f"{type(value).__module__}.{made}"
        make, arguments, *rest = made
        if make is iter and not arguments[0]:
            return f"{type(value).__name__}, used up"
        rest += [None] * (3 - len(rest))
        parts = [self.text(make), self.each(arguments), self.text(rest[0])]
        parts += [f"[{self.each(rest[1])}]"] if rest[1] is not None else []
        parts += [f"{{{self.pairs(rest[2])}}}"] if rest[2] is not None else []
        return f"{self.class_name(type(value))}({'; '.join(parts)})"


def _is_compared(key: Any) -> bool:
    return not (isinstance(key, str) and key in NOT_COMPARED)


def _cell_contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return "<not bound>"


def _code(code: types.CodeType) -> str:
    constants = [
        _code(item) if isinstance(item, types.CodeType) else _constant(item)
        for item in code.co_consts
    ]
    names = (code.co_name, code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars)
    numbers = (code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags)
    return f"{names}{numbers}[{', '.join(constants)}]"


def _constant(value: Any) -> str:
    if isinstance(value, frozenset):
        return f"frozenset{sorted(map(repr, value))}"
    return repr(value)


def _source(function: types.FunctionType) -> str:
    """What a person may look up; the instructions where there is nothing to read.

    The instructions differ a little with how much of a cell is compiled at once: a notebook
    compiles statement by statement, and so does not know which names are modules.
    """
    try:
        return repr(inspect.getsource(function))
    except (OSError, TypeError) as error:
        return f"no source ({type(error).__name__}), {hash_of(function.__code__.co_code)}"


_MethodWrapper = type([].__len__)
_ClassMethodDescriptor = type(dict.__dict__["fromkeys"])

# In this order: the first that fits describes.
_KINDS: list[tuple[Any, Callable[[Describer, Any], str]]] = [
    (enum.Enum, Describer._enum),
    (type, Describer._class),
    (types.FunctionType, Describer._function),
    (types.ModuleType, Describer._module),
    ((types.BuiltinFunctionType, _MethodWrapper), Describer._builtin),
    (types.MethodType, Describer._method),
    (BaseException, Describer._exception),
    ((list, tuple, dict), Describer._container),
    ((set, frozenset), Describer._set),
    ((type({}.keys()), type({}.values()), type({}.items())), Describer._view),
    (memoryview, Describer._memory),
    (types.SimpleNamespace, Describer._namespace),
    (types.MappingProxyType, Describer._proxy),
    ((staticmethod, classmethod), Describer._wrapped),
    (property, Describer._property),
    (functools.cached_property, Describer._cached_property),
    (functools._lru_cache_wrapper, Describer._cached_function),
    ((types.MemberDescriptorType, types.GetSetDescriptorType), Describer._slot),
    ((types.MethodDescriptorType, types.WrapperDescriptorType), Describer._slot),
    (_ClassMethodDescriptor, Describer._slot),
    ((io.StringIO, io.BytesIO), Describer._stream),
]
