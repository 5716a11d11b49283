"""Classes of values: what `dataclasses.dataclass` makes, without compiling code for each class.

That one writes ``__init__`` and its like as text for each class, and has the text compiled whenever
the class's module is imported: by every worker anew. Of what a worker's start takes over that of
Python with cloudpickle, that was 44 % for 31 classes (103 of 234 million instructions, by
callgrind). `dataclasses.fields`, `replace` and `asdict` know these classes too.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

# A class of which so many are made is worth compiling: 1.4 µs instead of 8.7 for each one more.
_OFTEN = 200

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, *, frozen: bool = False) -> Any:
        """Make a class of values; used as its namesake is, of whose options it takes this one."""
        if cls is None:
            return lambda decorated: dataclass(decorated, frozen=frozen)
        made = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
        fields = dataclasses.fields(made)
        names = tuple(field.name for field in fields)
        if not all(
            f.init and f.repr and f.compare and not f.kw_only and f.hash is None for f in fields
        ):
            raise TypeError(f"{cls.__qualname__}: of a field's options only its default is heeded")
        methods = {
            "__init__": _init(made, names, frozen),
            "__repr__": _repr(names),
            "__eq__": _eq(names),
            "__hash__": _hash(names) if frozen else None,
        }
        if frozen:
            methods |= _frozen(made, names)
        own = {name for name, value in vars(made).items() if (name, value) != ("__hash__", None)}
        for name, method in methods.items():
            if name not in own:
                setattr(made, name, method)
        return made


def _init(made: type[Any], names: tuple[str, ...], frozen: bool) -> Callable[..., None]:
    fields = dataclasses.fields(made)
    left = itertools.count(_OFTEN, -1)
    missing = dataclasses.MISSING
    defaults = {f.name: f.default for f in fields if f.default is not missing}
    makers = {f.name: f.default_factory for f in fields if f.default_factory is not missing}
    finishes = hasattr(made, "__post_init__")

    def init(self: Any, /, *args: Any, **given: Any) -> None:
        if next(left) == 0:
            made.__init__ = _compiled_init(made, frozen)
        values = vars(self)
        values.update(zip(names, args, strict=False))
        for name in names[len(args) :]:
            if name in given:
                values[name] = given.pop(name)
            elif name in defaults:
                values[name] = defaults[name]
            elif name in makers:
                values[name] = makers[name]()
            else:
                raise TypeError(f"{made.__qualname__}() is not given its {name!r}")
        if len(args) > len(names):
            raise TypeError(f"{made.__qualname__}() is given {len(args)} values for {len(names)}")
        if given:
            raise TypeError(f"{made.__qualname__}() cannot take {', '.join(map(repr, given))}")
        if finishes:
            self.__post_init__()

    return init


def _compiled_init(made: type[Any], frozen: bool) -> Any:
    """Return the one that `dataclasses` makes."""
    fields = [
        (f.name, f.type, dataclasses.field(default=f.default, default_factory=f.default_factory))
        for f in dataclasses.fields(made)
    ]
    told = {"__qualname__": made.__qualname__}
    if hasattr(made, "__post_init__"):
        told["__post_init__"] = made.__post_init__
    twin = dataclasses.make_dataclass(made.__name__, fields, namespace=told, frozen=frozen)
    return vars(twin)["__init__"]


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    def show(self: Any) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({values})"

    return show


def _eq(names: tuple[str, ...]) -> Callable[[Any, object], bool]:
    values = operator.attrgetter(*names)

    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    return equal


def _hash(names: tuple[str, ...]) -> Callable[[Any], int]:
    values = operator.attrgetter(*names)

    def number(self: Any) -> int:
        return hash(values(self))

    return number


def _frozen(made: type[Any], names: tuple[str, ...]) -> dict[str, Callable[..., None]]:
    """Return what keeps fields as they are; a class made of this one may have others."""

    def check(self: object, name: str) -> None:
        if type(self) is made or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to or delete {name!r}")

    def put(self: object, name: str, value: object) -> None:
        check(self, name)
        super(made, self).__setattr__(name, value)

    def remove(self: object, name: str) -> None:
        check(self, name)
        super(made, self).__delattr__(name)

    return {"__setattr__": put, "__delattr__": remove}
