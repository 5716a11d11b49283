"""The analysis against the compiler: which globals the functions of the standard library read.

`symtable` tells which names a function looks up globally; the bytecode tells which of these
look-ups can be reached. Both must agree with the effects that the analysis finds for the function.
"""

from __future__ import annotations

import ast
import dis
import symtable
import sysconfig
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbsubmit.core.names.analysis import VISITS
from nbsubmit.core.names.cell import Cell
from nbsubmit.core.names.definitions import class_scope, function_effects
from nbsubmit.core.names.effects import Effects
from nbsubmit.core.names.scopes import Scope
from nbsubmit.core.names.text import constants, identifiers
from nbsubmit.core.names.walker import Lines, Walker

STDLIB = Path(sysconfig.get_paths()["stdlib"])
# Third parties' code, and tests that are no valid Python on purpose.
LEFT_OUT = {"site-packages", "test", "tests", "idle_test"}


def parts_of_the_library() -> list[Path]:
    """Its modules and packages."""
    return sorted(
        path
        for path in STDLIB.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
        if path.name not in LEFT_OUT
    )


def files(part: Path) -> list[Path]:
    """The files of a module or package."""
    inside = [part] if part.is_file() else sorted(part.rglob("*.py"))
    return [path for path in inside if not LEFT_OUT & set(path.relative_to(STDLIB).parts)]


LOOK_UPS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Pair:
    """One function, as the analysis and as the compiler see it."""

    effects: Effects
    table: symtable.SymbolTable
    code: types.CodeType
    title: str
    apart: set[str]  # names that our reading of it has and its table has not


def functions(path: Path) -> Iterator[Pair]:
    """Yield the functions and methods of a module's top level."""
    source = path.read_text(encoding="utf-8")
    lazy = "from __future__ import annotations" in source
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
        code = compile(source, str(path), "exec", dont_inherit=True)
        table = symtable.symtable(source, str(path), "exec")
    codes = {(c.co_name, c.co_firstlineno): c for c in every_code(code)}
    tables = {(t.get_name(), t.get_lineno()): t for t in every_table(table)}
    scope = Scope.module()
    walker = Walker(Cell(), VISITS, scope, Lines())
    for node, place in definitions(tree.body, walker, scope):
        first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
        key = node.name, first
        # A function that the compiler has dropped as unreachable has no code.
        if key in codes:
            yield Pair(
                effects=function_effects(walker, node, place),
                table=tables[mangled(node.name, tables, node.lineno), node.lineno],
                code=codes[key],
                title=f"{path.name}:{node.lineno} {node.name}",
                apart=set(evaluated_elsewhere(node, lazy)),
            )


def evaluated_elsewhere(node: Function, lazy: bool) -> Iterator[str]:
    """Yield names that are read by a cell of a function's text, though not by calling it.

    Names in the bounds of its type parameters, in annotations that this module does not evaluate,
    and in queries that look as if they could name variables.
    """
    for inner in ast.walk(node):
        apart = [*getattr(inner, "type_params", ())]
        if lazy:
            apart += [getattr(inner, part, None) for part in ("annotation", "returns")]
        for part in filter(None, apart):
            yield from (leaf.id for leaf in ast.walk(part) if isinstance(leaf, ast.Name))
        if isinstance(inner, ast.Attribute) and inner.attr in ("execute", "query", "sql"):
            for text in constants([node]):
                yield from identifiers(text)


def definitions(
    block: list[ast.stmt], walker: Walker, scope: Scope
) -> Iterator[tuple[Function, Scope]]:
    for node in block:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node, scope
        elif isinstance(node, ast.ClassDef):
            yield from definitions(node.body, walker, class_scope(walker, node, scope))


def mangled(name: str, tables: dict[tuple[str, int], symtable.SymbolTable], line: int) -> str:
    """Return a function's name as its table spells it."""
    return next(known for known, number in tables if number == line and known.endswith(name))


def every_code(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from every_code(constant)


def every_table(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from every_table(child)


def reached(code: types.CodeType) -> set[str]:
    return {
        str(instruction.argval)
        for part in every_code(code)
        for instruction in dis.get_instructions(part)
        if instruction.opname in LOOK_UPS
    }


def mentioned(table: symtable.SymbolTable, *, in_classes: bool = False) -> set[str]:
    """Return names that are looked up globally, or also those looked up in class bodies first."""
    return {
        symbol.get_name()
        for part in every_table(table)
        for symbol in part.get_symbols()
        if symbol.is_referenced()
        and (symbol.is_global() or (in_classes and part.get_type() == "class"))
    }


@pytest.mark.parametrize("part", parts_of_the_library(), ids=lambda path: path.stem)
def test_the_globals_a_function_reads_are_those_the_compiler_looks_up(part: Path) -> None:
    for path in files(part):
        for pair in functions(path):
            ours = set(pair.effects.reads)
            theirs = mentioned(pair.table)
            # What the function itself binds or deletes first is no read of what was there before.
            handled = pair.effects.stores | pair.effects.deletes
            assert (theirs & reached(pair.code)) - ours - handled == set(), pair.title
            needless = ours - mentioned(pair.table, in_classes=True) - handled
            assert needless <= pair.apart, pair.title


def test_the_library_has_enough_functions_to_mean_something() -> None:
    argparse = list(functions(STDLIB / "argparse.py"))
    assert len(argparse) > 100
    assert sum(len(files(part)) for part in parts_of_the_library()) > 300
