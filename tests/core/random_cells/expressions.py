"""Random expressions."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.core.random_cells.place import FEW, FUNCTIONS, LOCALS, NAMES, VALUES, VERSION, Place


class Expressions:
    """Writes expressions.

    Parameters
    ----------
    seed : int
        Decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        # Small cells show what large ones drown: there, somebody uses every function anyway.
        self.deepest = self.chance.randint(1, 3)

    def pick(self, *choices: Callable[[Place], Any], place: Place) -> Any:
        return self.chance.choice(choices)(place)

    def one_in(self, number: int) -> bool:
        return self.chance.randrange(number) == 0

    # Names

    def name(self, place: Place) -> str:
        if self.one_in(4):
            return self.chance.choice(FUNCTIONS)
        if place.outer and self.one_in(4):
            return self.chance.choice(LOCALS)
        return self.chance.choice(VALUES if place.function else FEW)

    def callee(self) -> str:
        return self.chance.choice(VALUES if self.one_in(8) else FUNCTIONS)

    def target(self, place: Place) -> str:
        if place.function and self.one_in(2):
            return self.chance.choice(LOCALS)
        if place.class_body and self.one_in(6):
            return "__m"
        return self.chance.choice(FUNCTIONS if self.one_in(8) else FEW)

    def targets(self, place: Place) -> str:
        """Write a target of several parts, or of a part of something."""
        a, b, c = (self.target(place) for _ in range(3))
        kinds = [f"{a}, *{b}", f"({a}, *{b})", f"*{a}, {b}"]
        kinds += [f"[{a}, [*{b}]]", f"(*{a}, ({b}, {c}))", f"[{a}, *{c}]"]
        kinds += [f"{self.name(place)}.kind", f"{self.name(place)}[{self.name(place)}]"]
        return self.chance.choice(kinds)

    # Expressions

    def expression(self, place: Place) -> str:
        if place.nesting >= self.deepest or self.one_in(2):
            return self.name(place) if self.chance.random() < 0.8 else "1"
        common = [
            self.call, self.call, self.use, self.boolean, self.choice, self.compare, self.display,
            self.formatted, self.function, self.listing, self.generator, self.walrus, self.walrus,
            self.evaluated, self.mapping, self.spread,
        ]  # fmt: skip
        if place.awaits:
            common += [self.awaited, self.awaited_listing]
        if place.yields:
            common.append(self.yielded)
        # These end many a run, for a function has no methods, sums or items.
        fragile = [self.bare_call, self.method, self.add, self.subscript, self.slices]
        chosen = fragile if self.one_in(12) else common
        return str(self.pick(*chosen, place=place.nested()))

    def call(self, place: Place) -> str:
        return f"call({self.callee()}, {self.expression(place)})"

    def use(self, place: Place) -> str:
        return f"use({self.expression(place)}, {self.expression(place)})"

    def spread(self, place: Place) -> str:
        named = f"**{{'key': {self.expression(place)}}}" if self.one_in(2) else "**{}"
        return f"use(*[{self.expression(place)}], named={self.name(place)}, {named})"

    def bare_call(self, place: Place) -> str:
        return f"{self.callee()}({self.expression(place)})"

    def method(self, place: Place) -> str:
        return f"{self.name(place)}.method({self.expression(place)})"

    def add(self, place: Place) -> str:
        return f"({self.expression(place)} + -{self.expression(place)})"

    def boolean(self, place: Place) -> str:
        word = self.chance.choice(["and", "or"])
        parts = [f"maybe({self.expression(place)})" for _ in range(self.chance.randint(2, 3))]
        return f"(not ({f' {word} '.join(parts)}))"

    def choice(self, place: Place) -> str:
        test, one, other = (self.expression(place) for _ in range(3))
        return f"({one} if maybe({test}) else {other})"

    def compare(self, place: Place) -> str:
        parts = [self.expression(place) for _ in range(3)]
        word = self.chance.choice(["==", "==", "is", "is not", "!="])
        return f"({parts[0]} == {parts[1]} {word} {parts[2]})"

    def display(self, place: Place) -> str:
        return f"[{self.expression(place)}, {{1: {self.expression(place)}}}]"

    def formatted(self, place: Place) -> str:
        one, other = self.name(place), self.name(place)
        kinds = [f"{{{one}!r}} {{{other}!r:>{{len(str(1))}}}}", f"{{[{one}]}}{{f'{{{other}!r}}'}}"]
        if VERSION >= (3, 12) and not place.class_body:
            kinds.append(f'{{use("{{", [f"{{[{one}]}}"])}}{{use({other})!s:>1}}')
        mark = "t" if VERSION >= (3, 14) and self.one_in(2) else "f"
        return f'{mark}"{self.chance.choice(kinds)}"'

    def function(self, place: Place) -> str:
        # A walrus inside a lambda is the lambda's own, so nothing hidden matters in it.
        inner = Place(nesting=place.nesting + 1, function=True, awaits=False, outer=place.outer)
        given = f"p={self.expression(place)}, *rest"
        if self.one_in(4):
            given += f", q={self.expression(place)}"
        return f"(lambda {given}: {self.expression(inner)})"

    def comprehension(self, place: Place, each: str = "for {} in each({})") -> str:
        # Python forbids a walrus in an iterable, and in a class body's comprehension.
        simple = Place(nesting=9, outer=place.outer)
        first, second = self.chance.choice([self.name(place), "p", "p"]), "q"
        if VERSION == (3, 13) and place.function:
            # Its first release crashes where the target is also a variable of the function's that
            # an inner function sees.
            first, second = "r", "s"
        inner = place.with_(hidden=(*place.hidden, first), awaits=False, yields=False)
        if place.class_body:
            inner = simple
        body = self.expression(inner)
        text = f"{body} {each.format(first, self.expression(simple))}"
        if self.one_in(3):
            text += f" for {second} in each({self.expression(simple)})"
        if self.one_in(8):
            text += f" for {self.name(simple)}.kind in [1]"
        for _ in range(self.chance.choice([0, 0, 1, 2])):
            text += f" if maybe({self.expression(inner)})"
        return text

    def listing(self, place: Place) -> str:
        # Things can be hashed, so any of them may be a member of a set.
        brackets = self.chance.choice(["[]", "[]", "{}"])
        return f"{brackets[0]}{self.comprehension(place)}{brackets[1]}"

    def mapping(self, place: Place) -> str:
        return f"{{id({self.name(place)}): {self.comprehension(place)}}}"

    def generator(self, place: Place) -> str:
        return f"({self.comprehension(place)})"

    def awaited(self, place: Place) -> str:
        return f"(await soon({self.expression(place)}))"

    def awaited_listing(self, place: Place) -> str:
        return f"[{self.comprehension(place, 'async for {} in later({})')}]"

    def yielded(self, place: Place) -> str:
        return f"(yield {self.expression(place)})"

    def walrus(self, place: Place) -> str:
        free = [name for name in NAMES if name not in place.hidden]
        return f"({self.chance.choice(free)} := {self.expression(place)})"

    def evaluated(self, place: Place) -> str:
        name = self.name(place)
        return self.chance.choice([f"eval('{name}')", f"eval('[{name} for p in [1]]')"])

    def subscript(self, place: Place) -> str:
        if VERSION >= (3, 11) and self.one_in(2):
            return f"{self.name(place)}[1, *each({self.expression(place)})]"
        return f"{self.name(place)}[{self.expression(place)}]"

    def slices(self, place: Place) -> str:
        return f"[{self.name(place)}][{self.expression(place)} is 1:]"
