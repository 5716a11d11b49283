"""The world in which random cells run: chance decides each test, and things fail now and then."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

STEPS_PER_RUN = 250


class Boom(Exception):
    """What things raise now and then."""


class Enough(BaseException):
    """Ends a run that would go on for ever."""


class World:
    """One run's chance, its steps, and the functions that somebody kept for later."""

    def __init__(self, seed: int, booms: float = 0.015) -> None:
        self.chance = random.Random(seed)
        self.booms = booms
        self.steps = 0
        self.reads: set[str] = set()
        self.kept: list[Any] = []

    def tick(self, *_: object) -> None:
        self.steps += 1
        if self.steps > STEPS_PER_RUN:
            raise Enough

    def note(self, *values: object) -> None:
        """Note the values of the kernel among these: they have been read."""
        self.reads |= {v._origin for v in values if isinstance(v, Thing) and v._origin}

    def maybe(self, *values: object) -> bool:
        self.tick()
        self.note(*values)
        return self.chance.random() < 0.5

    def use(self, *values: Any, **named: Any) -> Any:
        """Do what foreign code may do: keep what it is given, call it, fail."""
        self.tick()
        values = (*values, *named.values())
        self.note(*values)
        self.kept += [v for v in values if callable(v) or hasattr(v, "__next__") or is_late(v)]
        if self.chance.random() < 0.4:
            self.poke()
        if self.chance.random() < self.booms:
            raise Boom
        return self.chance.choice([Thing(self), *values])

    def poke(self, *_: object) -> None:
        """Use a function, generator or type that somebody handed over earlier."""
        self.tick()
        value = self.chance.choice([None, *self.kept])
        with suppress(Exception):
            if hasattr(value, "__next__"):
                next(value, None)
            elif is_late(value):
                look_into(value)
            elif value is not None and not isinstance(value, Thing):
                self.finish(value()).method()

    def call(self, function: Any, *values: Any) -> Any:
        """Call something that may be no function at all, and take no harm from it."""
        self.tick()
        self.note(function, *values)
        with suppress(Exception):
            look_into(function)
            return self.finish(function(*values))
        return Thing(self)

    def finish(self, result: Any) -> Any:
        """Run a coroutine to its end; nothing here ever waits."""
        if not isinstance(result, Coroutine):
            return result
        self.tick()
        try:
            result.send(None)
        except StopIteration as end:
            return end.value
        finally:
            result.close()
        raise AssertionError("something waited")

    def each(self, value: Any = None) -> Iterator[Any]:
        self.tick()
        self.note(value)
        if hasattr(value, "__next__"):
            yield from value
        for _ in range(self.chance.randrange(3)):
            yield Thing(self)

    async def later(self, value: Any = None) -> AsyncIterator[Any]:
        for one in self.each(value):
            yield one

    async def soon(self, value: Any = None) -> Any:
        self.tick()
        self.note(value)
        return value

    @contextmanager
    def manager(self, value: Any = None) -> Iterator[Any]:
        self.tick()
        self.note(value)
        yield value

    @asynccontextmanager
    async def keeper(self, value: Any = None) -> AsyncIterator[Any]:
        self.tick()
        self.note(value)
        yield value

    def decorate(self, function: Any) -> Any:
        self.use(function)
        return function if self.chance.random() < 0.8 else Thing(self)


def is_late(value: Any) -> bool:
    """Tell whether something has parts that are evaluated when somebody asks for them."""
    return bool(getattr(value, "__type_params__", ())) or hasattr(value, "__value__")


def look_into(value: Any) -> None:
    """Ask a type alias for its value, and any definition for its type parameters' bounds."""
    if isinstance(value, Thing):
        return
    for parameter in getattr(value, "__type_params__", ()):
        for part in ("__bound__", "__constraints__", "__default__"):
            getattr(parameter, part, None)
    getattr(value, "__value__", None)


class Thing:
    """A value that takes part in anything, and tells which kernel name it came from."""

    def __init__(self, world: World, origin: str | None = None) -> None:
        self._world = world
        self._origin = origin

    def _touch(self) -> World:
        if self._origin is not None:
            self._world.reads.add(self._origin)
        self._world.tick()
        return self._world

    @property
    def kind(self) -> Thing:
        return Thing(self._touch())

    @kind.setter
    def kind(self, value: object) -> None:
        self._touch()

    @kind.deleter
    def kind(self) -> None:
        self._touch()

    def __call__(self, *values: Any, **_: Any) -> Any:
        return self._touch().use(*values)

    def __add__(self, other: object) -> Thing:
        return Thing(self._touch())

    def __neg__(self) -> Thing:
        return Thing(self._touch())

    def __bool__(self) -> bool:
        return self._touch().maybe()

    def __eq__(self, other: object) -> bool:
        return self._touch().maybe()

    def __lt__(self, other: object) -> bool:
        return self._touch().maybe()

    def __contains__(self, other: object) -> bool:
        return self._touch().maybe()

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[Any]:
        return self._touch().each()

    def __getitem__(self, key: object) -> Thing:
        return Thing(self._touch())

    def __setitem__(self, key: object, value: object) -> None:
        self._touch()

    def __delitem__(self, key: object) -> None:
        self._touch()

    def __format__(self, spec: str) -> str:
        self._touch()
        return "thing"

    def method(self, *values: Any) -> Any:
        return self._touch().use(*values)
