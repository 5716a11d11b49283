"""Random cells: functions, classes, and the whole."""

from __future__ import annotations

from tests.core.random_cells.blocks import Blocks
from tests.core.random_cells.place import FUNCTIONS, LOCALS, NAMES, VERSION, Place
from tests.core.random_cells.statements import Lines, indent


class Program(Blocks):
    """Writes one random cell."""

    def text(self) -> str:
        lines = self.block(Place(), self.chance.randint(2, 3 + self.deepest))
        if self.one_in(12):
            lines.insert(0, f"global {self.chance.choice(NAMES)}")
        return "\n".join(lines)

    def define(self, place: Place) -> Lines:
        opening, given = self.opening(place)
        asynchronous = self.one_in(6)
        inner = place.deeper(
            loop=False, function=True, class_body=False, handler=False, hidden=(), returns=True,
            awaits=asynchronous, yields=not asynchronous and self.one_in(3), outer=tuple(LOCALS),
        )  # fmt: skip
        body = indent([*opening, *self.block(inner)])
        name = self.callee()
        signature = f"{self.parameters(place)}({self.given(place, given)}){self.returned(place)}"
        lines = [f"{'async ' * asynchronous}def {name}{signature}:", *body]
        if self.one_in(2):
            lines.append(f"    return {self.expression(inner.with_(nesting=1, yields=False))}")
        return [*self.decorators(place), *lines]

    def opening(self, place: Place) -> tuple[Lines, str]:
        """Return the declarations of a function, and the name of its parameter."""
        given = self.chance.choice([*LOCALS, *NAMES])
        free = [name for name in NAMES if name != given]
        lines = ["tick()"]
        if self.one_in(2):
            lines.insert(0, f"global {', '.join(self.chance.sample(free, 3))}")
        for name in LOCALS:
            if name != given:
                outer = place.function and self.one_in(3)
                lines.insert(0, f"nonlocal {name}" if outer else f"{name} = 1")
        # Declarations come before the first use.
        return sorted(lines, key=lambda line: not line.startswith(("global", "nonlocal"))), given

    def given(self, place: Place, name: str) -> str:
        first = f"{name}{self.annotation(place)}={self.expression(place)}"
        if not self.one_in(6):
            return f"{first}, *rest"
        star = f": *[{self.name(place)}]" if VERSION >= (3, 11) else ""
        return f"{first}, *rest{star}, last={self.expression(place)}"

    def annotation(self, place: Place) -> str:
        return f": {self.name(place)}" if self.one_in(6) else ""

    def returned(self, place: Place) -> str:
        return f" -> {self.name(place)}" if self.one_in(6) else ""

    def parameters(self, place: Place) -> str:
        """Write type parameters, which some versions have."""
        if VERSION < (3, 12) or not self.one_in(5):
            return ""
        bound = self.chance.choice([f": {self.name(place)}", f": ({self.name(place)}, 1)"])
        if VERSION >= (3, 13) and self.one_in(2):
            bound += f" = {self.name(place)}"
        return f"[{self.chance.choice(['T', 'T', self.name(Place())])}{bound}]"

    def decorators(self, place: Place) -> Lines:
        kinds = ["@decorate", "@decorate", f"@{self.name(place)}", "@lru_cache", "@lru_cache()"]
        kinds.append(f"@(decorate if maybe({self.name(place)}) else decorate)")
        return [self.chance.choice(kinds)] if self.one_in(6) else []

    def classify(self, place: Place) -> Lines:
        name = self.chance.choice(FUNCTIONS)
        inner = place.deeper(
            loop=False, function=False, class_body=True, handler=False, hidden=(), returns=False,
            awaits=False, yields=False,
        )  # fmt: skip
        declared = []
        if self.one_in(8):
            declared = [f"global {self.chance.choice(NAMES)}"]
        elif place.function and self.one_in(6):
            declared = [f"nonlocal {self.chance.choice(LOCALS)}"]
        body = indent([*declared, *self.block(inner), *self.method_(inner)])
        bases = f"({self.base(place)})" if self.one_in(4) else ""
        # Python 3.12 mangles the names behind a nested class with parameters wrongly.
        parameters = "" if VERSION == (3, 12) and place.depth else self.parameters(place)
        text = [f"class {name}{parameters}{bases}:", *body]
        if self.one_in(6):
            text.insert(0, self.chance.choice(["@decorate", "@decorate", f"@{self.name(place)}"]))
        return [*text, f"{name}().method()"] if self.one_in(3) and not self.calm else text

    def base(self, place: Place) -> str:
        keyword = f"metaclass=Meta, key={self.expression(place)}"
        return self.chance.choice([self.name(place), f"*[{self.name(place)}]", keyword, keyword])

    def method_(self, place: Place) -> Lines:
        name = self.chance.choice(["method", "method", "__init__", self.callee(), "__m"])
        inner = place.deeper(
            function=True, class_body=False, returns=name != "__init__", outer=()
        )  # fmt: skip
        body = indent(["tick()", *self.block(inner)])
        if self.one_in(4):
            body += indent([f"use({self.chance.choice(['__m', '__class__', 'super()'])})"])
        given = f"self, p{self.annotation(place)}={self.expression(place)}, *rest"
        decorator = self.chance.choice(["@staticmethod", "@classmethod", "@decorate"])
        head = [decorator] if self.one_in(6) else []
        return [*head, f"def {name}({given}){self.returned(place)}:", *body]
