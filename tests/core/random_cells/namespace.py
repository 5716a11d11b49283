"""A namespace that notes each look-up, and cells that are run in it."""

from __future__ import annotations

import ast
import builtins
import functools
import gc
import inspect
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.core.random_cells.place import NAMES, STARRED
from tests.core.random_cells.world import Boom, Enough, Thing, World


class Namespace(dict[str, Any]):
    """A notebook's namespace that notes which kernel values are looked up, by their own name."""

    def __init__(self, world: World) -> None:
        super().__init__({name: Thing(world, name) for name in NAMES})
        self._reads = world.reads
        self._untouched = set(NAMES)
        self.deleted: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.get_noted(name)
        return super().__getitem__(name)

    def get_noted(self, name: str) -> None:
        value = self.get(name)
        if isinstance(value, Thing) and value._origin == name:
            self._reads.add(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self._untouched.discard(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self.get_noted(name)  # what is deleted has to be there
        super().__delitem__(name)
        if name in self._untouched:
            self.deleted.add(name)


class ClassNames(dict[str, Any]):
    """The names of a class body, which the interpreter looks up before it goes round Namespace."""

    def __getitem__(self, name: str) -> Any:
        if name not in self and name not in sys._getframe(1).f_code.co_freevars:
            assert Traced.namespace is not None
            Traced.namespace.get_noted(name)
        return super().__getitem__(name)


class Traced(type):
    """What every class of a cell is made by."""

    namespace: ClassVar[Namespace | None] = None

    @classmethod
    def __prepare__(cls, *_: Any, **__: Any) -> ClassNames:
        return ClassNames()


class Meta(Traced):
    """A metaclass that takes any keywords."""

    def __new__(cls, name: str, bases: Any, body: Any, **_: Any) -> Any:
        return super().__new__(cls, name, bases, body)

    def __init__(cls, name: str, bases: Any, body: Any, **_: Any) -> None:
        super().__init__(name, bases, body)


def build_class(body: Any, name: str, *bases: Any, metaclass: Any = Traced, **given: Any) -> Any:
    """Do what a class statement does."""
    return builtins.__build_class__(body, name, *bases, metaclass=metaclass, **given)


@dataclass(frozen=True)
class Facts:
    """What one run did."""

    reads: set[str]
    bound: set[str]
    deleted: set[str]  # kernel values deleted by their own name, and the name still empty
    ended: bool  # it came to its last line


HELPERS = (
    "tick", "maybe", "use", "call", "poke", "each", "later", "soon", "manager", "keeper",
    "decorate",
)  # fmt: skip


@dataclass(frozen=True)
class Code:
    """A compiled cell, and whether it makes coroutines."""

    main: Any
    awaits: bool


def compiled(source: str) -> Code | None:
    """Return the cell's code; None for the few cells that Python refuses (`global` too late, …)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            code = compile(source, "<cell>", "exec", flags=flags, dont_inherit=True)
        except SyntaxError:
            return None
    return Code(code, _makes_coroutines(code))


def _makes_coroutines(code: types.CodeType) -> bool:
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    return bool(code.co_flags & inspect.CO_COROUTINE) or any(map(_makes_coroutines, inner))


def run(code: Code, seed: int, booms: float = 0.015) -> Facts:
    """Run a cell once; the seed decides what happens."""
    with in_peace(code):
        return _run(code, World(seed, booms))


def _run(code: Code, world: World) -> Facts:
    namespace = Namespace(world)
    before = dict(namespace.items())
    Traced.namespace = namespace
    namespace["__name__"] = "__main__"
    namespace["__builtins__"] = _builtins(world)
    ended = True
    with somewhere(world):
        try:
            world.finish(eval(code.main, namespace))
        except (Enough, Exception):
            ended = False
    after = dict(namespace.items())
    bound = {name for name in NAMES if name in after and after[name] is not before[name]}
    namespace.clear()
    return Facts(world.reads, bound, namespace.deleted - after.keys(), ended)


def _builtins(world: World) -> dict[str, Any]:
    return {
        **vars(builtins),
        **{helper: getattr(world, helper) for helper in HELPERS},
        "__build_class__": build_class,
        "suppress": suppress,
        "lru_cache": functools.lru_cache,
        "Boom": Boom,
        "Meta": Meta,
    }


@contextmanager
def somewhere(world: World) -> Iterator[None]:
    """Let there be a module that cells import, and may do what they like to."""
    module, inner = types.ModuleType("somewhere"), types.ModuleType("somewhere.inner")
    for name in ("a", "b", *STARRED):
        setattr(module, name, Thing(world))
    module.__path__, module.inner = [], inner  # type: ignore[attr-defined]
    sys.modules |= {"somewhere": module, "somewhere.inner": inner}
    yield
    del sys.modules["somewhere"], sys.modules["somewhere.inner"]


@contextmanager
def in_peace(code: Code) -> Iterator[None]:
    """Let nobody hear of coroutines and generators that a cell made and forgot."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
        if code.awaits:
            gc.collect()
    sys.unraisablehook = hook
