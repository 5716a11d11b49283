"""The analysis against the truth: random cells, run in a namespace that notes what is looked up.

A cell made at random is run a few times, with chance deciding each test and each exception. Every
kernel value that a run looks up must be among the `reads`, and every name that it leaves rebound
among the `writes`. The other direction is not asked: reading too much is allowed.

``NBSUBMIT_FUZZ_CELLS=20000`` makes a long run of it; the file also runs without pytest, as a script
with the number of cells and the first seed.
"""

from __future__ import annotations

import ast
import builtins
import os
import random
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.names import NameUse, analyse

# The cell's own lines mention few values and functions' bodies many, so that most of what a body
# reads is read nowhere else: needless reads must not hide missing ones.
VALUES: list[str] = [f"v{number}" for number in range(30)]
FEW = VALUES[:10]
FUNCTIONS: list[str] = [*"fghijk"]
NAMES = [*VALUES, *FUNCTIONS]
LOCALS: list[str] = [*"pq"]
CELLS = int(os.environ.get("NBSUBMIT_FUZZ_CELLS", "400"))
RUNS_PER_CELL = 3
STEPS_PER_RUN = 250


class Boom(Exception):
    """What things raise now and then."""


class Enough(BaseException):
    """Ends a run that would go on for ever."""


# The world in which a cell runs


class World:
    """One run's chance, its steps, and the functions that somebody kept for later."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.steps = 0
        self.reads: set[str] = set()
        self.kept: list[Any] = []

    def tick(self, *_: object) -> None:
        self.steps += 1
        if self.steps > STEPS_PER_RUN:
            raise Enough

    def maybe(self, *_: object) -> bool:
        self.tick()
        return self.chance.random() < 0.5

    def use(self, *values: Any, **_: Any) -> Any:
        """Do what foreign code may do: keep what it is given, call it, fail."""
        self.tick()
        self.kept += [v for v in values if callable(v) or hasattr(v, "__next__")]
        if self.chance.random() < 0.4:
            self.poke()
        if self.chance.random() < 0.015:
            raise Boom
        return self.chance.choice([Thing(self), *values])

    def poke(self, *_: object) -> None:
        """Use a function or generator that somebody handed over earlier."""
        self.tick()
        value = self.chance.choice([None, *self.kept])
        with suppress(Exception):
            if hasattr(value, "__next__"):
                next(value, None)
            elif value is not None and not isinstance(value, Thing):
                value().method()

    def call(self, function: Any, *values: Any) -> Any:
        """Call something that may be no function at all, and take no harm from it."""
        self.tick()
        with suppress(Exception):
            return function(*values)
        return Thing(self)

    def each(self, value: Any = None) -> Iterator[Any]:
        self.tick()
        if hasattr(value, "__next__"):
            yield from value
        for _ in range(self.chance.randrange(3)):
            yield Thing(self)

    @contextmanager
    def manager(self, value: Any = None) -> Iterator[Any]:
        self.tick()
        yield value

    def decorate(self, function: Any) -> Any:
        self.use(function)
        return function if self.chance.random() < 0.8 else Thing(self)


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

    def __call__(self, *values: Any, **_: Any) -> Any:
        return self._touch().use(*values)

    def __add__(self, other: object) -> Thing:
        return Thing(self._touch())

    def __bool__(self) -> bool:
        return self._touch().maybe()

    def __eq__(self, other: object) -> bool:
        return self._touch().maybe()

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[Any]:
        return self._touch().each()

    def __getitem__(self, key: object) -> Thing:
        return Thing(self._touch())

    def __setitem__(self, key: object, value: object) -> None:
        self._touch()

    def __format__(self, spec: str) -> str:
        self._touch()
        return "thing"

    def method(self, *values: Any) -> Any:
        return self._touch().use(*values)


class Namespace(dict[str, Any]):
    """A notebook's namespace that notes which kernel values are looked up, by their own name."""

    def __init__(self, world: World) -> None:
        super().__init__({name: Thing(world, name) for name in NAMES})
        self._reads = world.reads
        self._untouched = set(NAMES)
        self.deleted: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, Thing) and value._origin == name:
            self._reads.add(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self._untouched.discard(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        if name in self._untouched:
            self.deleted.add(name)


@dataclass
class Facts:
    """What one run did."""

    reads: set[str]
    bound: set[str]
    deleted: set[str]  # kernel values deleted by their own name, and the name still empty
    ended: bool  # it came to its last line


def run(code: Any, seed: int) -> Facts:
    world = World(seed)
    namespace = Namespace(world)
    before = dict(namespace.items())
    helpers = ("tick", "maybe", "use", "call", "poke", "each", "manager", "decorate")
    namespace["__builtins__"] = {
        **vars(builtins),
        **{helper: getattr(world, helper) for helper in helpers},
        "suppress": suppress,
        "Boom": Boom,
    }
    ended = True
    try:
        exec(code, namespace)
    except (Enough, Exception):
        ended = False
    after = dict(namespace.items())
    bound = {name for name in after if after[name] is not before.get(name)} - {"__builtins__"}
    bound -= {"__annotations__", "__conditional_annotations__", "__annotate__"}
    return Facts(world.reads, bound, namespace.deleted - after.keys(), ended)


# Cells made at random


@dataclass
class Place:
    """Where a statement stands, which decides what may be written there."""

    depth: int = 0
    nesting: int = 0  # of expressions
    loop: bool = False
    function: bool = False
    class_body: bool = False
    hidden: tuple[str, ...] = ()  # comprehension targets, which a walrus may not bind

    def deeper(self, **changes: Any) -> Place:
        return Place(**{**vars(self), "depth": self.depth + 1, "nesting": 0, **changes})


@dataclass
class Program:
    """Writes one random cell."""

    seed: int
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        # Small cells show what large ones drown: there, somebody uses every function anyway.
        self.deepest = self.chance.randint(1, 3)

    def text(self) -> str:
        place = Place()
        return "\n".join(self.block(place, self.chance.randint(2, 3 + 2 * self.deepest)))

    def pick(self, *choices: Callable[[Place], Any], place: Place) -> Any:
        return self.chance.choice(choices)(place)

    def one_in(self, number: int) -> bool:
        return self.chance.randrange(number) == 0

    def name(self, place: Place) -> str:
        if self.one_in(4):
            return self.chance.choice(FUNCTIONS)
        return self.chance.choice(VALUES if place.function else FEW)

    def callee(self) -> str:
        return self.chance.choice(VALUES if self.one_in(8) else FUNCTIONS)

    def target(self, place: Place) -> str:
        if place.function and self.one_in(2):
            return self.chance.choice(LOCALS)
        return self.chance.choice(FUNCTIONS if self.one_in(8) else FEW)

    # Expressions

    def expression(self, place: Place) -> str:
        if place.nesting >= self.deepest or self.one_in(2):
            return self.name(place) if self.chance.random() < 0.8 else "1"
        common = (
            self.call, self.call, self.use, self.boolean, self.choice, self.compare, self.display,
            self.formatted, self.function, self.listing, self.generator, self.walrus, self.walrus,
            self.evaluated,
        )  # fmt: skip
        # These end many a run, for a function has no methods, sums or items.
        fragile = (self.bare_call, self.method, self.add, self.subscript)
        chosen = fragile if self.one_in(12) else common
        return str(self.pick(*chosen, place=place.deeper(nesting=place.nesting + 1)))

    def call(self, place: Place) -> str:
        return f"call({self.callee()}, {self.expression(place)})"

    def use(self, place: Place) -> str:
        return f"use({self.expression(place)}, {self.expression(place)})"

    def bare_call(self, place: Place) -> str:
        return f"{self.callee()}({self.expression(place)})"

    def method(self, place: Place) -> str:
        return f"{self.name(place)}.method({self.expression(place)})"

    def add(self, place: Place) -> str:
        return f"({self.expression(place)} + {self.expression(place)})"

    def boolean(self, place: Place) -> str:
        word = self.chance.choice(["and", "or"])
        parts = [f"maybe({self.expression(place)})" for _ in range(self.chance.randint(2, 3))]
        return f"({f' {word} '.join(parts)})"

    def choice(self, place: Place) -> str:
        test, one, other = (self.expression(place) for _ in range(3))
        return f"({one} if maybe({test}) else {other})"

    def compare(self, place: Place) -> str:
        return f"({self.expression(place)} == {self.expression(place)} == {self.expression(place)})"

    def display(self, place: Place) -> str:
        return f"[{self.expression(place)}, {{1: {self.expression(place)}}}]"

    def formatted(self, place: Place) -> str:
        return f'f"{{{self.name(place)}!r}} {{{self.name(place)}!r:>{{len(str(1))}}}}"'

    def function(self, place: Place) -> str:
        # A walrus inside a lambda is the lambda's own, so nothing hidden matters in it.
        inner = Place(nesting=place.nesting + 1, function=True)
        return f"(lambda p={self.expression(place)}, *rest: {self.expression(inner)})"

    def comprehension(self, place: Place) -> str:
        # Python forbids a walrus in an iterable, and in a class body's comprehension.
        simple = Place(nesting=9)
        first = self.chance.choice([self.name(place), "p"])
        inner = Place(**{**vars(place), "hidden": (*place.hidden, first)})
        if place.class_body:
            inner = simple
        text = f"{self.expression(inner)} for {first} in each({self.expression(simple)})"
        if self.one_in(3):
            text += f" for q in each({self.expression(simple)})"
        if self.one_in(3):
            text += f" if maybe({self.expression(inner)})"
        return text

    def listing(self, place: Place) -> str:
        return f"[{self.comprehension(place)}]"

    def generator(self, place: Place) -> str:
        return f"({self.comprehension(place)})"

    def walrus(self, place: Place) -> str:
        free = [name for name in NAMES if name not in place.hidden]
        return f"({self.chance.choice(free)} := {self.expression(place)})"

    def evaluated(self, place: Place) -> str:
        return f"eval('{self.name(place)}')"

    def subscript(self, place: Place) -> str:
        return f"{self.name(place)}[{self.expression(place)}]"

    # Statements

    def block(self, place: Place, count: int | None = None) -> list[str]:
        number = count if count is not None else self.chance.randint(1, 3)
        return [line for _ in range(number) for line in self.statement(place)]

    def indented(self, place: Place, **changes: Any) -> list[str]:
        lines = self.block(place.deeper(**changes))
        return textwrap.indent("\n".join(lines), "    ").split("\n")

    def statement(self, place: Place) -> list[str]:
        simple = (
            self.assign, self.assign, self.bare, self.unpack, self.augment,
            self.delete, self.annotate, self.store_inside, self.imports, self.named_lambda,
            self.executed, self.leave, self.hand_over, self.run_one, self.run_one,
            self.belated, self.belated,
        )  # fmt: skip
        compound = (
            self.branch, self.branch, self.for_loop, self.while_loop, self.attempt, self.attempt,
            self.context, self.define, self.define, self.define, self.classify, self.match,
        )  # fmt: skip
        chosen = simple if place.depth >= self.deepest or self.one_in(2) else compound
        lines: list[str] = self.pick(*chosen, place=place)
        return lines

    def assign(self, place: Place) -> list[str]:
        return [f"{self.target(place)} = {self.expression(place)}"]

    def bare(self, place: Place) -> list[str]:
        return [f"{self.expression(place)}"]

    def unpack(self, place: Place) -> list[str]:
        return [
            f"{self.target(place)}, *{self.target(place)} = "
            f"{self.expression(place)}, {self.expression(place)}"
        ]

    def augment(self, place: Place) -> list[str]:
        line = f"{self.target(place)} += {self.expression(place)}"
        return [line] if self.one_in(4) else ["with suppress(TypeError):", f"    {line}"]

    def delete(self, place: Place) -> list[str]:
        name = self.target(place)
        return [f"if maybe(): del {name}"] if self.one_in(2) else [f"del {name}"]

    def annotate(self, place: Place) -> list[str]:
        # A name that a function declares global must not be annotated in it.
        target = self.chance.choice(LOCALS) if place.function else self.name(place)
        return [f"{target}: {self.name(place)} = {self.expression(place)}"]

    def store_inside(self, place: Place) -> list[str]:
        line = f"{self.name(place)}[{self.expression(place)}] = {self.expression(place)}"
        return ["with suppress(TypeError):", f"    {line}"]

    def imports(self, place: Place) -> list[str]:
        return [f"import math as {self.target(place)}"] if self.one_in(3) else ["pass"]

    def named_lambda(self, place: Place) -> list[str]:
        inner = Place(nesting=place.nesting + 1, function=True)
        return [f"{self.callee()} = lambda *rest: {self.expression(inner)}"]

    def executed(self, place: Place) -> list[str]:
        return [f"exec('{self.name(place)} = {self.name(place)}')"]

    def hand_over(self, place: Place) -> list[str]:
        return [f"use({self.callee()}, {self.callee()})"]

    def run_one(self, place: Place) -> list[str]:
        return [f"call({self.callee()})"]

    def belated(self, place: Place) -> list[str]:
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
        chosen = self.chance.sample(parts, self.chance.randint(3, 6))
        if self.one_in(3):
            chosen.insert(1, ["if maybe():", "    use()"])
        return [line for part in chosen for line in part]

    def leave(self, place: Place) -> list[str]:
        words = ["raise Boom"]
        if place.loop:
            words += ["break", "continue"] * 2
        if place.function:
            words += [f"return {self.name(place)}"] * 2 + [f"yield {self.name(place)}"]
        word = self.chance.choice(words)
        return [word] if self.one_in(6) else [f"if maybe({self.name(place)}): {word}"]

    def branch(self, place: Place) -> list[str]:
        test = self.chance.choice([f"maybe({self.expression(place)})"] * 5 + ["True", "not 1"])
        lines = [f"if {test}:", *self.indented(place)]
        if self.one_in(3):
            lines += [f"elif maybe({self.expression(place)}):", *self.indented(place)]
        if self.one_in(2):
            lines += ["else:", *self.indented(place)]
        return lines

    def for_loop(self, place: Place) -> list[str]:
        some = f"each({self.expression(place)})"
        iterable = self.chance.choice(
            [some, some, "range(2)", f"({self.name(place)}, {self.name(place)})"]
        )
        lines = [f"for {self.target(place)} in {iterable}:", *self.indented(place, loop=True)]
        return lines + self.otherwise(place)

    def while_loop(self, place: Place) -> list[str]:
        if self.one_in(3):
            body = ["    if maybe(): break", *self.indented(place, loop=True)]
            return ["while True:", *body, *self.otherwise(place)]
        lines = [f"while maybe({self.expression(place)}):", *self.indented(place, loop=True)]
        return lines + self.otherwise(place)

    def otherwise(self, place: Place) -> list[str]:
        return ["else:", *self.indented(place)] if self.one_in(4) else []

    def attempt(self, place: Place) -> list[str]:
        lines = ["try:", *self.indented(place)]
        caught = self.chance.choice(["Boom", "Exception", "Exception", "(NameError, TypeError)"])
        if self.one_in(4):
            return [*lines, "finally:", *self.indented(place, loop=False)]
        given = f" as {self.target(place)}" if self.one_in(2) else ""
        lines += [f"except {caught}{given}:", *self.indented(place)]
        if self.one_in(3):
            lines += ["else:", *self.indented(place)]
        if self.one_in(3):
            # No jump in a `finally`: it would swallow the end of an endless run.
            lines += ["finally:", *self.indented(place, loop=False)]
        return lines

    def context(self, place: Place) -> list[str]:
        opener = f"with manager({self.expression(place)}) as {self.target(place)}:"
        if self.one_in(2):
            opener = "with suppress(Boom, NameError):"
        return [opener, *self.indented(place)]

    def match(self, place: Place) -> list[str]:
        subject = f"({self.expression(place)}, {self.expression(place)})"
        patterns = [
            f"({self.target(place)}, 1)",
            f"[{self.target(place)}, *_] if maybe({self.expression(place)})",
            f"[1, *{self.target(place)}]",
            f"(_, int() as {self.target(place)})",
            self.target(place) + " if maybe()",
        ]
        if self.one_in(8):
            patterns.append(f"({self.name(place)}(), _)")  # raises unless it is a class
        lines = [f"match {subject}:"]
        for pattern in self.chance.sample(patterns, self.chance.randint(1, 2)):
            lines += [f"    case {pattern}:", *("    " + line for line in self.indented(place))]
        if self.one_in(2):
            last = self.chance.choice(["_", self.target(place)])
            lines += [f"    case {last}:", *("    " + line for line in self.indented(place))]
        return lines

    def define(self, place: Place) -> list[str]:
        body = self.indented(place, loop=False, function=True, class_body=False, hidden=())
        opening = ["    tick()"]
        given = self.chance.sample([*LOCALS, *NAMES], 1)[0]
        free = [name for name in NAMES if name != given]
        if self.one_in(2):
            opening.insert(0, f"    global {', '.join(self.chance.sample(free, 3))}")
        first = f"{given}={self.expression(place)}"
        lines = [f"def {self.callee()}({first}, *rest):", *opening, *body]
        if self.one_in(2):
            lines.append(f"    return {self.expression(Place(nesting=1, function=True))}")
        if self.one_in(8):
            lines.insert(0, self.chance.choice(["@decorate", "@decorate", f"@{self.name(place)}"]))
        return lines

    def classify(self, place: Place) -> list[str]:
        name = self.callee()
        inner = place.deeper(loop=False, function=False, class_body=True, hidden=())
        body = self.block(inner)
        method = self.indented(inner, loop=False, function=True, class_body=False, hidden=())
        text = [
            *(["@decorate"] if self.one_in(8) else []),
            f"class {name}{'(' + self.name(place) + ')' if self.one_in(6) else ''}:",
            *("    " + line for line in body),
            f"    def {self.chance.choice(['method', '__init__', self.callee()])}(self, *rest):",
            "        tick()",
            *("    " + line for line in method),
        ]
        return [*text, f"{name}().method()"] if self.one_in(3) else text


# The comparison


def compiled(source: str) -> Any | None:
    """Return the cell's code; None for the few cells that Python refuses (`global` too late, …)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(source, "<cell>", "exec")
        except SyntaxError:
            return None


def missed(use: NameUse, source: str, facts: Facts) -> list[str]:
    """Return what a run did and the analysis did not foresee."""
    # The interpreter binds a global of a function without telling the namespace, so that a later
    # deletion looks as if it were the kernel's value.
    blurred = {n for line in source.splitlines() for n in line.partition("global ")[2].split(", ")}
    writes, deletes = use.writes, use.deletes | blurred
    if not facts.ended:
        # What the rest of the cell would surely have undone counts as never done.
        gone_later = {n for n in NAMES for word in ("del {}", "as {}:") if word.format(n) in source}
        writes |= gone_later
        deletes |= gone_later
    return [
        *(f"read of {name}" for name in facts.reads - use.reads),
        *(f"write of {name}" for name in facts.bound - writes),
        *(f"deletion of {name}" for name in facts.deleted - deletes),
    ]


@dataclass
class Tally:
    """How much was tried."""

    cells: int = 0
    ended_runs: int = 0
    runs: int = 0
    foreseen_reads: int = 0
    true_reads: int = 0
    mentioned: int = 0
    refused: int = 0


def try_cells(first: int, count: int, tally: Tally) -> Iterator[tuple[int, str, str]]:
    """Run cells; yield seed, complaint and source of each miss."""
    for seed in range(first, first + count):
        source = Program(seed).text()
        code = compiled(source)
        if code is None:
            tally.refused += 1
            continue
        use = analyse(source)
        words = set(re.findall(r"\w+", source))
        true_reads: set[str] = set()
        tally.cells += 1
        for attempt in range(RUNS_PER_CELL):
            facts = run(code, seed * RUNS_PER_CELL + attempt)
            tally.runs += 1
            tally.ended_runs += facts.ended
            true_reads |= facts.reads
            for complaint in missed(use, source, facts):
                yield seed, complaint, source
        tally.true_reads += len(true_reads)
        tally.mentioned += sum(name in words for name in NAMES)
        tally.foreseen_reads += len(use.reads & set(NAMES))


def test_no_read_and_no_write_of_a_random_cell_is_missed() -> None:
    tally = Tally()
    for seed, complaint, source in try_cells(0, CELLS, tally):
        raise AssertionError(f"seed {seed}: missed {complaint} in\n{source}")
    assert tally.cells > 0.8 * CELLS


def test_enough_random_cells_run_to_their_end_to_mean_something() -> None:
    tally = Tally()
    assert list(try_cells(0, 200, tally)) == []
    assert tally.ended_runs > 0.3 * tally.runs


def test_the_analysis_of_random_cells_does_not_simply_read_everything() -> None:
    tally = Tally()
    assert list(try_cells(0, 200, tally)) == []
    needless = tally.foreseen_reads - tally.true_reads
    assert needless < 0.6 * (tally.mentioned - tally.true_reads)


def test_random_cells_contain_every_construct_that_moves_names() -> None:
    kinds = {type(node) for seed in range(200) for node in ast.walk(tree_of(seed))}
    assert kinds >= {
        ast.If, ast.For, ast.While, ast.Break, ast.Continue, ast.Try, ast.With, ast.FunctionDef,
        ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.NamedExpr, ast.Delete, ast.ClassDef,
        ast.Global, ast.AugAssign, ast.Match, ast.MatchStar, ast.MatchAs, ast.Import, ast.Yield,
    }  # fmt: skip


def tree_of(seed: int) -> ast.Module:
    return ast.parse(Program(seed).text())


def test_a_run_notes_a_kernel_value_that_is_looked_up_and_a_name_left_rebound() -> None:
    facts = run(compile("def f(): return v1\nv0 = f()\nv2 = 1\nuse(v2)\ndel v3", "", "exec"), 0)
    assert facts.reads == {"v1"}
    assert facts.bound == {"v0", "v2", "f"}
    assert facts.deleted == {"v3"}
    assert facts.ended


def main(count: int, first: int) -> int:
    """Run a long series outside of pytest; print each kind of miss."""
    tally = Tally()
    misses = 0
    for seed, complaint, source in try_cells(first, count, tally):
        misses += 1
        if misses <= 5:
            print(f"--- seed {seed}: missed {complaint}\n{source}")
    print(sys.version.split()[0], tally, f"misses={misses}")
    return 1 if misses else 0


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    sys.exit(main(words[0] if words else CELLS, words[1] if len(words) > 1 else 0))
