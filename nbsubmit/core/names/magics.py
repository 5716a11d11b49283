"""IPython's own syntax, as its transformer leaves it: ``get_ipython().run_line_magic("time", …)``.

Some magics run their text as code of the notebook, some only look at names, most of them take a
line in which ``{expression}`` and ``$name`` are filled in. Those whose code or names cannot be told
are called dynamic.
"""

from __future__ import annotations

import ast
import re

from nbsubmit.core.names import text
from nbsubmit.core.names.cell import parse_expression
from nbsubmit.core.names.definitions import block_effects
from nbsubmit.core.names.scopes import Kind
from nbsubmit.core.names.state import join
from nbsubmit.core.names.walker import Lines, Walker

# Options with a value, by magic: what follows them is not yet the code.
_OPTIONS = {"timeit": "nrpv", "memit": "rti", "prun": "DlsT", "lprun": "fmDTsu", "mprun": "fT"}
BINDING = frozenset({"time", "prun"})  # run code in the notebook's namespace
MEASURING = frozenset({"timeit", "memit", "lprun", "mprun"})  # run code in a function of their own
LOOKING = frozenset({"pinfo", "pinfo2", "pdoc", "pdef", "psource", "pfile", "psearch"})
DYNAMIC_LINE = text.words(
    "R edit ed load loadpy macro pylab px recall rep rerun reset reset_selective run sql store who"
    " who_ls whos xdel"
)
# Cell magics whose body is no Python of this notebook.
FOREIGN = text.words(
    "HTML SVG bash file html javascript js latex markdown perl pypy python python2 python3 ruby"
    " script sh svg writefile"
)
SHELL = frozenset({"!", "sx", "system"})
# Methods of the shell, whatever name it goes by.
CALLING = {"run_line_magic": "%", "run_cell_magic": "%%"}
_BOUND_BY_OPTION = re.compile(r"--(?:out|err|proc)[ =]\s*([^\W\d]\w*)")


def is_shell(node: ast.expr) -> bool:
    """Return whether an expression is ``get_ipython()``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "get_ipython"
    )


def run(walker: Walker, node: ast.Call, method: str) -> bool:
    """Walk a call of one of the shell's methods; False if nothing particular is known of it."""
    given = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
    words = [value for value in given if isinstance(value, str)]
    line = walker.line(node)
    if method in ("ex", "ev", "push", "run_cell"):
        walker.dynamic(method)
        return False
    if len(words) != len(node.args):
        first = node.args[0]
        if method in CALLING and isinstance(first, ast.Constant) and words:
            walker.load(CALLING[method] + words[0], line)
        return False
    if method in ("system", "getoutput") and len(words) == 1:
        _expand(walker, words[0], line)
    elif method == "run_line_magic" and len(words) == 2:
        _line_magic(walker, words[0], words[1], line)
    elif method == "run_cell_magic" and len(words) == 3:
        _cell_magic(walker, words[0], words[1], words[2], line)
    else:
        return False
    return True


def maybe_load(walker: Walker, name: str, line: int) -> None:
    """Look up a name that a text mentions, and that may mean something else there."""
    outer, walker.unsure = walker.unsure, True
    walker.load(name, line)
    walker.unsure = outer


def _expand(walker: Walker, line_text: str, line: int) -> None:
    """Read what a line may be filled with: all of it or nothing, so no read is sure."""
    expressions, names = text.expansions(line_text)
    for name in names:
        maybe_load(walker, name, line)
    for expression in expressions:
        node = parse_expression(expression)
        if node is not None:
            before, outer = walker.state.copy(), walker.unsure
            walker.unsure = True
            with walker.reading(Lines(fixed=line)):
                walker.visit(node)
            walker.unsure = outer
            walker.state = join([before, walker.state])


def _line_magic(walker: Walker, magic: str, rest: str, line: int) -> None:
    walker.load(f"%{magic}", line)
    magic, rest = _meant(walker, "%", magic, rest, line)
    if magic in BINDING | MEASURING:
        _code(walker, f"%{magic}", _after_options(magic, rest), Lines(fixed=line))
    elif magic in LOOKING:
        for name in text.identifiers(rest)[:1]:
            maybe_load(walker, name, line)
    else:
        _expand(walker, rest, line)
        if f"%{magic}" in walker.cell.magics.own:
            _mention(walker, rest, line)
        if magic in DYNAMIC_LINE:
            walker.dynamic(f"%{magic}")


def _meant(walker: Walker, sign: str, magic: str, rest: str, line: int) -> tuple[str, str]:
    """Return the magic that an alias stands for in the end, and the line that it gets."""
    seen: set[str] = set()
    while (name := f"{sign}{magic}") in walker.cell.magics.aliases and name not in seen:
        seen.add(name)
        meant, options = walker.cell.magics.aliases[name]
        walker.load(meant, line)
        magic, rest = meant.lstrip("%"), f"{options} {rest}".strip()
    return magic, rest


def _mention(walker: Walker, part: str, line: int) -> None:
    """Look up all names in a text that an unknown magic may take for code."""
    for name in text.identifiers(part):
        maybe_load(walker, name, line)


def _cell_magic(walker: Walker, magic: str, rest: str, body: str, line: int) -> None:
    walker.load(f"%%{magic}", line)
    magic, rest = _meant(walker, "%%", magic, rest, line)
    if magic == "timeit":
        # The line's code is its set-up: one function together with the body.
        code = f"{_after_options(magic, rest)}\n{body}"
        _code(walker, "%%timeit", code, Lines(shift=line - 1))
    elif magic in BINDING | MEASURING:
        _code(walker, f"%%{magic}", body, Lines(shift=line))
    elif magic == "capture":
        _code(walker, "%%capture", body, Lines(shift=line))
        for name in [word for word in rest.split() if word.isidentifier()][:1]:
            walker.store(name)
    else:
        _expand(walker, rest, line)
        if magic in SHELL:
            _expand(walker, body, line)
        elif f"%%{magic}" in walker.cell.magics.own:
            _mention(walker, f"{rest}\n{body}", line)
            walker.dynamic(f"%%{magic}")
        elif magic not in FOREIGN:
            walker.dynamic(f"%%{magic}")
        for name in _BOUND_BY_OPTION.findall(rest):
            walker.store(name)


def _code(walker: Walker, label: str, code: str, lines: Lines) -> None:
    """Walk code that a magic runs."""
    try:
        block, _ = walker.cell.parse(code)
    except SyntaxError:
        walker.dynamic(label)
        return
    with walker.reading(lines):
        if label.strip("%") in MEASURING:
            walker.release([block_effects(walker, block)])
            return
        before = walker.state.copy()
        walker.block(block)
        if walker.scope.kind is not Kind.MODULE:  # bound in a dictionary that nobody looks at
            walker.state = join([before, walker.state])


def _after_options(magic: str, rest: str) -> str:
    """Return the code of a magic's line, behind its options."""
    with_value = _OPTIONS.get(magic, "")
    rest = rest.strip()
    while match := re.match(r"--?([A-Za-z][\w-]*)\s*", rest):
        word, rest = match[1], rest[match.end() :]
        if len(word) == 1 and word in with_value:
            rest = re.sub(r"^\S+\s*", "", rest)
    return rest
