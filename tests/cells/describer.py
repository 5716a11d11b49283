"""One value → text: type and content, never an address.

An object that occurs twice within one value is written once, so ``[[0]] * 3`` differs from three
lists. Nothing is changed by looking: no iterator is advanced, and nothing is imported.
"""

from __future__ import annotations

import copyreg
import enum
import functools
import io
import re
import types
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from tests.cells import libraries
from tests.cells.allowed import NOT_COMPARED
from tests.cells.functions import cell_contents, code_of, source_of

Namespace = dict[str, Any]

_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented))
_IMMUTABLE = (tuple, frozenset, type, types.ModuleType, enum.Enum)
_IMMUTABLE_OF = {"datetime", "decimal", "fractions", "pathlib", "re", "uuid"}
_CLASS_NOISE = {
    "__dict__", "__weakref__", "__module__", "__firstlineno__", "__static_attributes__",
    "__slotnames__", "_abc_impl", "__annotations_cache__",
}  # fmt: skip
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


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
        return ("" if kind is list else self.class_name(kind)) + extra

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
        closure = self.each(map(cell_contents, value.__closure__ or ()))
        parts = {
            "defaults": self.text(value.__defaults__),
            "keywords": self.text(value.__kwdefaults__),
            "closure": closure,
            "attributes": self.text(dict(value.__dict__)),
            "annotations": self.text(value.__annotations__),
            "doc": repr(value.__doc__),
            "code": code_of(value.__code__),
            "text": source_of(value),
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
