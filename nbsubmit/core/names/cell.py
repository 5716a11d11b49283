"""What all parts of one analysis share: how to parse, and what was learnt about the whole cell."""

from __future__ import annotations

import ast
import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from nbsubmit.core.names.aliases import Aliases
from nbsubmit.core.names.effects import Effects
from nbsubmit.core.names.scopes import Scope

Transform = Callable[[str], str]
StarNames = Callable[[str], Iterable[str] | None]


@dataclass(frozen=True)
class Magics:
    """What the shell's magics are besides those that come with it, by sign and name: ``%mine``.

    Attributes
    ----------
    aliases : mapping
        An alias → the magic that it stands for, and the options that it adds.
    own : frozenset of str
        Those that the notebook or an extension has brought. Any name in their text may be read.
    """

    aliases: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


KnownMagics = Callable[[], Magics]


@dataclass
class Cell:
    """The shared memory of one analysis.

    Parameters
    ----------
    transform : callable or None
        Turns IPython's syntax into Python.
    star_names : callable or None
        Gives the public names of a module that the kernel has imported, or None.
    known_magics : callable
        Returns the shell's.
    """

    transform: Transform | None = None
    star_names: StarNames | None = None
    known_magics: KnownMagics = Magics
    aliases: Aliases = field(default_factory=Aliases)
    # Names that code already released may look up at any later time. A function bound to one of
    # them is used, though the cell may never mention it again.
    watched: set[str] = field(default_factory=set)
    later: dict[str, set[str]] = field(default_factory=dict)
    # A definition is met several times: by loops looking ahead, and when its turn comes.
    summaries: dict[ast.AST, Effects] = field(default_factory=dict)
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)

    @functools.cached_property
    def magics(self) -> Magics:
        """The shell's magics: looked for where a cell calls one, and most cells call none."""
        return self.known_magics()

    def parse(self, text: str) -> tuple[list[ast.stmt], bool]:
        """Return the statements, and whether the text had to be transformed.

        Valid Python is never transformed: IPython's rewriting must not change it.
        """
        try:
            return parse_python(text), False
        except SyntaxError:
            if self.transform is None:
                raise
        return parse_python(self.transform(text)), True


def parse_python(text: str) -> list[ast.stmt]:
    """Return the statements of plain Python, with top-level ``await`` allowed."""
    # The interpreter warns once when the cell is compiled to run; a second time here is noise.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text).body
        except ValueError as error:  # a null byte, before Python 3.12
            raise SyntaxError(str(error)) from error


def parse_expression(text: str) -> ast.expr | None:
    """Return one expression, or None if the text is not one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            return None
