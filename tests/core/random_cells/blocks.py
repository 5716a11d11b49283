"""Random statements that hold others: branches, loops, handlers, patterns."""

from __future__ import annotations

from typing import Any

from tests.core.random_cells.place import VERSION, Place
from tests.core.random_cells.statements import Lines, Statements, indent


class Blocks(Statements):
    """Writes blocks of statements."""

    def block(self, place: Place, count: int | None = None) -> Lines:
        number = count if count is not None else self.chance.randint(1, 3)
        return [line for _ in range(number) for line in self.statement(place)]

    def indented(self, place: Place, **changes: Any) -> Lines:
        return indent(self.block(place.deeper(**changes)))

    def statement(self, place: Place) -> Lines:
        simple = (
            self.assign, self.assign, self.bare, self.unpack, self.augment, self.asserted,
            self.delete, self.annotate, self.store_inside, self.imports, self.named_lambda,
            self.executed, self.leave, self.hand_over, self.run_one, self.run_one,
            self.belated, self.belated, self.alias_type,
        )  # fmt: skip
        compound = (
            self.branch, self.branch, self.for_loop, self.while_loop, self.attempt, self.attempt,
            self.context, self.define, self.define, self.define, self.classify, self.match,
        )  # fmt: skip
        chosen = simple if place.depth >= self.deepest or self.one_in(2) else compound
        lines: Lines = self.pick(*chosen, place=place)
        return lines

    def define(self, place: Place) -> Lines:
        raise NotImplementedError

    def classify(self, place: Place) -> Lines:
        raise NotImplementedError

    def branch(self, place: Place) -> Lines:
        test = self.chance.choice([f"maybe({self.expression(place)})"] * 5 + ["True", "not 1"])
        lines = [f"if {test}:", *self.indented(place)]
        if self.one_in(3):
            lines += [f"elif maybe({self.expression(place)}):", *self.indented(place)]
        if self.one_in(2):
            lines += ["else:", *self.indented(place)]
        return lines

    def for_loop(self, place: Place) -> Lines:
        some = f"each({self.expression(place)})"
        iterable = self.chance.choice(
            [some, some, "range(2)", f"({self.name(place)}, {self.name(place)})"]
        )
        opener = f"for {self.target(place)} in {iterable}:"
        if self.one_in(4):
            opener = f"for {self.targets(place)} in zip({iterable}, [1, 2]):"
        elif place.awaits and self.one_in(4):
            opener = f"async for {self.target(place)} in later({self.expression(place)}):"
        lines = [opener, *self.indented(place, loop=True)]
        return lines + self.otherwise(place)

    def while_loop(self, place: Place) -> Lines:
        if self.one_in(3):
            body = ["    if maybe(): break", *self.indented(place, loop=True)]
            return ["while True:", *body, *self.otherwise(place)]
        lines = [f"while maybe({self.expression(place)}):", *self.indented(place, loop=True)]
        return lines + self.otherwise(place)

    def otherwise(self, place: Place) -> Lines:
        return ["else:", *self.indented(place)] if self.one_in(4) else []

    def attempt(self, place: Place) -> Lines:
        # A jump out of a `finally` at the cell's level would swallow the end of an endless run.
        last = ["finally:", *self.indented(place, loop=False)]
        if self.calm:
            return ["try:", *self.indented(place, returns=False), *last]
        lines = ["try:", *self.indented(place)]
        if self.one_in(4):
            return [*lines, *last]
        star = VERSION >= (3, 11) and self.one_in(5)
        lines += self.handler(place, star=star)
        if self.one_in(4):
            lines += self.handler(place, star=star)
        if self.one_in(3):
            lines += ["else:", *self.indented(place)]
        return lines + last if self.one_in(3) else lines

    def handler(self, place: Place, *, star: bool) -> Lines:
        caught = self.chance.choice(["Boom", "Exception", "Exception", "(NameError, TypeError)"])
        if self.one_in(8):
            caught = f"call({self.name(place)}) or Exception"
        if VERSION >= (3, 14) and self.one_in(4):
            caught = "NameError, TypeError"
        given = f" as {self.target(place)}" if self.one_in(2) and ", T" not in caught else ""
        # Python forbids jumps out of an `except*`.
        changes = {"loop": False, "returns": False} if star else {}
        body = self.indented(place, handler=True, **changes)
        return [f"except{'*' * star} {caught}{given}:", *body]

    def context(self, place: Place) -> Lines:
        target = self.targets(place) if self.one_in(4) else self.target(place)
        if "," in target and target[0] not in "([":
            target = f"({target})"
        items = f"manager({self.expression(place)}) as {target}"
        if self.one_in(4):
            items += f", manager({self.expression(place)})"
        opener = f"with {items}:"
        if place.awaits and self.one_in(4):
            opener = f"async with keeper({self.expression(place)}) as {self.target(place)}:"
        elif not self.calm and self.one_in(2):
            opener = "with suppress(Boom, NameError):"
        return [opener, *self.indented(place)]

    def match(self, place: Place) -> Lines:
        subject = self.chance.choice(
            [
                f"({self.expression(place)}, {self.expression(place)})",
                f"({self.expression(place)}, {self.expression(place)})",
                f"{{'a': {self.expression(place)}, 'b': {self.expression(place)}}}",
                self.expression(place),
            ]
        )
        lines = [f"match {subject}:"]
        for pattern in self.chance.sample(self.patterns(place), self.chance.randint(1, 3)):
            lines += [f"    case {pattern}:", *indent(self.indented(place))]
        if self.one_in(2):
            last = self.chance.choice(["_", self.target(place), f"(_ as {self.target(place)})"])
            lines += [f"    case {last}:", *indent(self.indented(place))]
        return lines

    def patterns(self, place: Place) -> Lines:
        target, other = self.target(place), self.target(place)
        patterns = [
            f"({target}, 1)",
            f"[{target}, *_] if maybe({self.expression(place)})",
            f"[1, *{target}]",
            f"(_, int() as {target})",
            f"({target}, 1) | (1, {target})",
            f"{{'a': 1, **{target}}}",
            f"{{'b': {target}}} if {self.expression(place)}",
            f"{self.name(place)}.kind",
            f"({self.name(place)}.kind | 1, _)",
            f"int() | str() as {target}",
            f"(object(__class__={target}), _)",
            target + " if maybe()",
        ]
        if other != target:
            patterns.append(f"[{target}, {other}]")
        if self.one_in(8):
            patterns.append(f"({self.name(place)}(), _)")  # raises unless it is a class
        return patterns
