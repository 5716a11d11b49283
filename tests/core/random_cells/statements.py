"""Random statements of one line, or nearly so."""

from __future__ import annotations

import textwrap
from typing import Any

from tests.core.random_cells.expressions import Expressions
from tests.core.random_cells.place import LOCALS, VALUES, VERSION, Place

Lines = list[str]


class Statements(Expressions):
    """Writes statements.

    Parameters
    ----------
    seed : int
        Decides everything.
    calm : bool
        Write nothing that goes on after an exception.
    """

    def __init__(self, seed: int, *, calm: bool = False) -> None:
        super().__init__(seed)
        self.calm = calm

    def indented(self, place: Place, **changes: Any) -> Lines:
        """Write a block one step further in."""
        raise NotImplementedError

    def guarded(self, line: str, error: str = "TypeError") -> Lines:
        """Let what is wrong with one line end nothing, most of the time."""
        calm = self.calm or self.one_in(4)
        return [line] if calm else [f"with suppress({error}):", f"    {line}"]

    # One line

    def assign(self, place: Place) -> Lines:
        more = f"{self.target(place)} = " if self.one_in(6) else ""
        return [f"{more}{self.target(place)} = {self.expression(place)}"]

    def bare(self, place: Place) -> Lines:
        return [f"{self.expression(place)}"]

    def unpack(self, place: Place) -> Lines:
        pair = f"{self.expression(place)}, {self.expression(place)}"
        if self.one_in(2):
            return [f"{self.target(place)}, *{self.target(place)} = {pair}"]
        return self.guarded(f"{self.targets(place)} = {pair}", "TypeError, ValueError")

    def augment(self, place: Place) -> Lines:
        targets = [self.target(place)] * 2 + [f"{self.name(place)}.kind", f"{self.name(place)}[0]"]
        # One element at a time: a list that is added to itself in a loop fills the memory.
        return self.guarded(
            f"{self.chance.choice(targets)} += [{self.expression(place)}]",
            "TypeError, AttributeError",
        )

    def asserted(self, place: Place) -> Lines:
        if self.one_in(3):
            return [f"assert maybe({self.name(place)}), {self.expression(place)}"]
        return [f"assert [{self.expression(place)}], {self.expression(place)}"]

    def delete(self, place: Place) -> Lines:
        name = self.target(place)
        inside = [f"{self.name(place)}[{self.name(place)}]", f"{self.name(place)}.kind"]
        if self.one_in(6):
            return self.guarded(f"del ({name}, {self.chance.choice(inside)})", "Exception")
        return [f"if maybe(): del {name}"] if self.one_in(2) else [f"del {name}"]

    def annotate(self, place: Place) -> Lines:
        # A name that a function declares global must not be annotated in it.
        target = self.chance.choice(LOCALS) if place.function else self.name(place)
        value = "" if self.one_in(4) else f" = {self.expression(place)}"
        return [f"{target}: {self.name(place)}{value}"]

    def store_inside(self, place: Place) -> Lines:
        return self.guarded(
            f"{self.name(place)}[{self.expression(place)}] = {self.expression(place)}"
        )

    def imports(self, place: Place) -> Lines:
        name = self.target(place)
        kinds = [[f"import somewhere as {name}"], [f"from somewhere import a as {name}, b as c"]]
        kinds += [
            [f"import somewhere.inner as {name}"],
            [f"if maybe(): import somewhere as {name}"],
        ]
        if not self.calm:
            attempt = ["try:", f"    import nowhere as {name}"]
            kinds.append([*attempt, "except ImportError:", *self.indented(place, handler=True)])
        # In Python 3.12 this looks up the targets of inlined comprehensions: a read of nobody's.
        if VERSION != (3, 12) and place.depth == 0 and self.one_in(6):
            return ["from somewhere import *"]
        return self.chance.choice(kinds)

    def named_lambda(self, place: Place) -> Lines:
        inner = Place(nesting=place.nesting + 1, function=True, awaits=False, outer=place.outer)
        return [f"{self.callee()} = lambda *rest: {self.expression(inner)}"]

    def executed(self, place: Place) -> Lines:
        one, other = self.name(place), self.name(place)
        kinds = [f"{one} = {other}", f"if maybe(): del {one}", f"({one} := {other})"]
        return [f"exec('{self.chance.choice(kinds)}')"]

    def alias_type(self, place: Place) -> Lines:
        if VERSION < (3, 12):
            return ["pass"]
        name = self.callee()
        parameter = f"[q: {self.name(place)}]" if self.one_in(3) else ""
        lines = [f"type {name}{parameter} = [{self.name(place)}, {self.expression(Place())}]"]
        # No walrus, await or yield may stand in it.
        lines = lines if not _forbidden(lines[0]) else ["pass"]
        return [*lines, f"call({name})"] if self.one_in(3) else lines

    def hand_over(self, place: Place) -> Lines:
        return [f"use({self.callee()}, {self.callee()})"]

    def run_one(self, place: Place) -> Lines:
        return [f"call({self.callee()})"]

    def belated(self, place: Place) -> Lines:
        """Write parts of a story in any order: hold a user of a function, define it, use it."""
        function, holder, deep = self.callee(), self.target(place), self.chance.choice(VALUES)
        parts = [
            [f"use({holder} := (call({function}, q) for q in [1, 2]))"],
            [f"use(lambda *rest: call({function}))"],
            [f"use(lambda *rest: call({holder}))"],
            [f"def {function}(*rest):", "    tick()", f"    return {deep}"],
            [f"class {function}:", f"    def __init__(self): call({self.callee()}, {deep})"],
            [f"{function} = None"],
            [f"if maybe(): {deep} = 1"],
            [f"{holder} = {function}"],
            [f"call({function})"],
            ["poke()"],
            ["poke()"],
        ]
        if holder == "__m":
            parts = parts[3:]
        chosen = self.chance.sample(parts, self.chance.randint(3, 6))
        if self.one_in(3):
            chosen.insert(1, ["if maybe():", "    use()"])
        return [line for part in chosen for line in part]

    def leave(self, place: Place) -> Lines:
        words = ["raise Boom", f"raise Boom from {self.name(place)}"]
        if place.handler:
            words += ["raise"]
        if place.loop:
            words += ["break", "continue"] * 2
        if place.returns:
            words += [f"return {self.name(place)}"] * 2
        if place.yields:
            words += [f"yield {self.name(place)}", f"yield from each({self.name(place)})"]
        word = self.chance.choice(words)
        return [word] if self.one_in(6) else [f"if maybe({self.name(place)}): {word}"]


def indent(lines: Lines) -> Lines:
    return textwrap.indent("\n".join(lines), "    ").split("\n")


def _forbidden(line: str) -> bool:
    return any(word in line for word in (":=", "await", "yield", "async"))
