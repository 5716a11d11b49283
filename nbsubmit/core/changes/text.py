"""What a stretch of code does to the objects of names: read off its text, in whatever order."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nbsubmit.core.changes.kinds import CHANGING, ITEM, PARTS, WHOLE
from nbsubmit.core.names.aliases import PASSING
from nbsubmit.core.names.bindings import bindings
from nbsubmit.core.names.text import words

# The way in which a statement changes an object; methods are called by their names.
STATEMENT = "="
# What these are handed first they change.
_CHANGING_CALLS = words(
    "setattr delattr next anext shuffle heappush heappop heapify heapreplace heappushpop insort"
    " insort_left insort_right at copyto fill_diagonal place put put_along_axis putmask"
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

Step = tuple[str, str]  # a name, and the first step from its object to the one that is meant


@dataclass
class Text:
    """What code does to the objects of names.

    A name with ``[]`` behind it stands for the items of what the name is bound to.

    Attributes
    ----------
    ways : dict
        Name → pairs of a step from its object and a way in which what is there is changed.
    aliases : dict
        Name → pairs of another name and the step from the object to what that is bound to.
    handed : dict
        Name → triples of a step from its object, the function that gets what is there, and as
        which argument: its number or its keyword.
    functions : dict
        The functions that it defines, by name.
    classes : set of str
        The classes that it defines.
    parameters : sequence of str
        Of a function, in their order.
    own : set of str
        Names that are a function's own.
    """

    ways: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    aliases: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    handed: dict[str, set[tuple[str, str, int | str]]] = field(
        default_factory=lambda: defaultdict(set)
    )
    functions: dict[str, Text] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)
    parameters: Sequence[str] = ()
    own: frozenset[str] = frozenset()

    @property
    def names(self) -> set[str]:
        """The names to whose objects something is done."""
        return {*self.ways, *self.aliases, *self.handed}

    def add(self, other: Text) -> None:
        """Add what a function does to what is not its own."""
        for name in other.names:
            if name.removesuffix(ITEM) not in other.own:
                self.ways[name] |= other.ways[name]
                self.aliases[name] |= other.aliases[name]
                self.handed[name] |= other.handed[name]


def read(tree: ast.AST) -> Text:
    """Return what a cell does to the objects of names."""
    reader = _Reader()
    reader.visit(tree)
    return reader.text


def read_function(node: _Function) -> Text:
    """Return what a function does to the objects of its parameters, and of other names."""
    block = [node.body] if isinstance(node, ast.Lambda) else node.body
    reader = _Reader()
    for part in block:
        reader.visit(part)
    given = node.args
    rest = [one.arg for one in (given.vararg, given.kwarg) if one is not None]
    reader.text.parameters = [one.arg for one in (*given.posonlyargs, *given.args)]
    named = [*reader.text.parameters, *(one.arg for one in given.kwonlyargs), *rest]
    reader.text.own = frozenset({*named, *bindings(block).names} - _declared(block))
    return reader.text


def _declared(block: Iterable[ast.AST]) -> set[str]:
    nodes = (node for part in block for node in ast.walk(part))
    return {
        name
        for node in nodes
        if isinstance(node, (ast.Global, ast.Nonlocal))
        for name in node.names
    }


class _Reader(ast.NodeVisitor):
    def __init__(self) -> None:
        self.text = Text()

    # Functions

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self.text.functions[node.name] = self._inner(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.text.classes.add(node.name)
        self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._inner(node)

    def _inner(self, node: _Function) -> Text:
        inner = read_function(node)
        self.text.add(inner)
        return inner

    # Binding

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._bind(target, node.value)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, node.value)
            self.visit(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._bind(node.target, node.value)
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):  # changes a list, and so what the name was taken from
            self.text.ways[node.target.id].add((WHOLE, STATEMENT))
        else:
            self._change(node.target)
        self.visit(node.value)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind_items(node.target, node.iter)
        self.generic_visit(node)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._bind_items(node.target, node.iter)
        self.generic_visit(node)

    def visit_withitem(self, node: ast.withitem) -> None:
        if node.optional_vars is not None:
            self._bind(node.optional_vars, node.context_expr)
        self.visit(node.context_expr)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._change(target)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name) and isinstance(value, ast.Lambda):
            self.text.functions[target.id] = read_function(value)
        elif isinstance(target, ast.Name):
            self._alias(target.id, _steps(value))
            self._alias(target.id + ITEM, _held(value))
        elif isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                for one, other in zip(target.elts, value.elts, strict=True):
                    self._bind(one, other)
            else:
                self._bind_items(target, value)
        else:
            self._change(target)

    def _bind_items(self, target: ast.expr, iterable: ast.expr) -> None:
        found = list(_items(iterable))
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._alias(node.id, found)
        if isinstance(target, (ast.Attribute, ast.Subscript)):
            self._change(target)

    def _alias(self, name: str, steps: Iterable[Step]) -> None:
        for source, step in steps:
            self.text.aliases[source].add((name, step))

    # Changing

    def _change(self, target: ast.expr) -> None:
        """Note that an item or an attribute is bound or deleted."""
        if isinstance(target, (ast.Attribute, ast.Subscript)):
            self._note(target.value, STATEMENT)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self._change(part)

    def _note(self, node: ast.expr, way: str) -> None:
        for name, step in _steps(node):
            self.text.ways[name].add((step, way))

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            self._note(node.func.value, node.func.attr)
        callee = _dotted(node.func)
        if callee.rpartition(".")[2] in _CHANGING_CALLS and node.args:
            self._note(node.args[0], STATEMENT)
        for keyword in node.keywords:
            if keyword.arg == "out":
                self._note(keyword.value, STATEMENT)
            elif keyword.arg == "inplace" and isinstance(node.func, ast.Attribute):
                self._note(node.func.value, STATEMENT)
            elif keyword.arg:
                self._hand(keyword.value, callee, keyword.arg)
        for number, argument in enumerate(node.args):
            self._hand(argument, callee, number)
        self.generic_visit(node)

    def _hand(self, argument: ast.expr, callee: str, place: int | str) -> None:
        for name, step in _steps(argument):
            self.text.handed[name].add((step, callee, place))
        if isinstance(argument, ast.Attribute) and argument.attr in CHANGING:
            self._note(argument.value, argument.attr)  # whoever gets the method calls it


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return ".".join([node.id, *parts]) if isinstance(node, ast.Name) else ".".join(["", *parts])


def _steps(node: ast.expr) -> Iterator[Step]:
    """Yield the names whose object, or a part of it, the value of an expression may be."""
    if isinstance(node, ast.Name):
        yield node.id, WHOLE
    elif isinstance(node, ast.Attribute):
        yield from _further(node.value, node.attr)
    elif isinstance(node, ast.Subscript):
        yield from _further(node.value, ITEM)
        yield from ((name + ITEM, WHOLE) for name, step in _steps(node.value) if step == WHOLE)
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in PARTS:
            yield from _further(node.func.value, node.func.attr)
    elif isinstance(node, (ast.Starred, ast.Await, ast.NamedExpr)):
        yield from _steps(node.value)
    elif isinstance(node, ast.IfExp):
        yield from (*_steps(node.body), *_steps(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (step for part in node.values for step in _steps(part))


def _further(node: ast.expr, step: str) -> Iterator[Step]:
    return ((name, first or step) for name, first in _steps(node))


def _held(node: ast.expr) -> Iterator[Step]:
    """Yield the names whose objects lie in a container that an expression makes."""
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        yield from (step for part in node.elts for step in _steps(part))
    elif isinstance(node, ast.Dict):
        yield from (step for part in node.values for step in _steps(part))
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in PASSING:
            yield from (step for part in node.args for step in _items(part))
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "copy":
            yield from _items(node.func.value)


def _items(node: ast.expr) -> Iterator[Step]:
    """Yield the names whose objects, or parts of them, an expression's value holds."""
    found = list(_steps(node))
    yield from ((name, step or ITEM) for name, step in found)
    yield from ((name + ITEM, WHOLE) for name, step in found if step == WHOLE)
    yield from _held(node)
