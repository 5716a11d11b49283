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
from nbsubmit.core.names.walker import Lines, Walker

STDLIB = Path(sysconfig.get_paths()["stdlib"])
# Many styles of code; all of them are there on every supported version.
MODULES = [
    "argparse.py",
    "base64.py",
    "calendar.py",
    "codecs.py",
    "collections/__init__.py",
    "concurrent/futures/process.py",
    "configparser.py",
    "contextlib.py",
    "copy.py",
    "csv.py",
    "dataclasses.py",
    "difflib.py",
    "enum.py",
    "fractions.py",
    "functools.py",
    "heapq.py",
    "html/parser.py",
    "http/client.py",
    "json/decoder.py",
    "logging/__init__.py",
    "multiprocessing/pool.py",
    "netrc.py",
    "os.py",
    "pickle.py",
    "platform.py",
    "random.py",
    "selectors.py",
    "shutil.py",
    "ssl.py",
    "statistics.py",
    "subprocess.py",
    "tempfile.py",
    "threading.py",
    "tokenize.py",
    "types.py",
    "unittest/mock.py",
    "uuid.py",
    "warnings.py",
    "weakref.py",
]
LOOK_UPS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Pair:
    """One function, as the analysis and as the compiler see it."""

    effects: Effects
    table: symtable.SymbolTable
    code: types.CodeType
    title: str


def functions(path: Path) -> Iterator[Pair]:
    """Yield the functions and methods of a module's top level."""
    source = path.read_text(encoding="utf-8")
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
            )


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


@pytest.mark.parametrize("module", MODULES)
def test_the_globals_a_function_reads_are_those_the_compiler_looks_up(module: str) -> None:
    count = 0
    for pair in functions(STDLIB / module):
        count += 1
        ours = set(pair.effects.reads)
        theirs = mentioned(pair.table)
        # What the function itself binds or deletes first is no read of what was there before.
        handled = pair.effects.stores | pair.effects.deletes
        assert (theirs & reached(pair.code)) - ours - handled == set(), pair.title
        assert ours - mentioned(pair.table, in_classes=True) - handled == set(), pair.title
    assert count > 0
