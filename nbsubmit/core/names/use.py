"""What one cell does with the notebook's names: the answer that `analyse` gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class NameUse:
    """The names of one cell, as a static reading of its text finds them.

    Names are raw: a builtin counts as read unless the cell binds it first, since only the caller
    knows whether the notebook shadows it.

    Parameters
    ----------
    reads : frozenset of str
        The kernel's value may be read.
    maybe_reads : frozenset of str
        The part of `reads` where some path binds the name first, or expansion may not happen.
    sure_reads : frozenset of str
        The part of `reads` where a cell that fails nowhere has surely read the kernel's value when
        it ends. What stands in a branch, a loop that may have no rounds or a function is not.
    writes : frozenset of str
        May be bound when the cell ends.
    sure_writes : frozenset of str
        The part of `writes` that a cell which fails nowhere has surely bound when it ends.
    deletes : frozenset of str
        The kernel's value may be deleted, and not bound again.
    sure_deletes : frozenset of str
        Surely not there when a cell ends that fails nowhere, whoever had bound them.
    handled : frozenset of str
        Named by an ``except … as`` clause: gone if that clause runs, and else left alone.
    mutates : frozenset of str
        The kernel's object may be changed in place through this name, or through an alias of it.
    escapes : frozenset of str
        The kernel's object is handed to a call, which may change or keep it.
    dynamic : tuple of str
        Why the analysis is incomplete, in order of appearance: ``eval``, ``globals``, ``%run``.
    star_imports : frozenset of str
        Modules of ``from m import *``.
    ipython : bool
        The text is no plain Python: it had to be transformed first.
    lines : mapping of str to int
        Each read name's line, from 1, in the source as given.
    strings : frozenset of str
        Identifiers inside string constants; filled only for a `dynamic` cell, where a name may be
        built from text.
    calls : frozenset of str
        The part of `reads` that is called by its bare name. An object that is no function may
        change itself then: ``model(batch)``.
    later : mapping of str to frozenset of str
        What the functions and classes that the cell binds would read once somebody uses them.
        The cell itself may not use them, and yet call a function of an earlier cell that does.
    magics : mapping of str to bool
        The shell's magics that the cell may call, by sign and name: ``%time``, ``%%timeit``; and
        whether a cell that fails nowhere surely has.
    """

    reads: frozenset[str]
    maybe_reads: frozenset[str]
    sure_reads: frozenset[str]
    writes: frozenset[str]
    deletes: frozenset[str]
    mutates: frozenset[str]
    escapes: frozenset[str]
    dynamic: tuple[str, ...]
    star_imports: frozenset[str]
    ipython: bool
    lines: Mapping[str, int]
    strings: frozenset[str]
    calls: frozenset[str] = frozenset()
    later: Mapping[str, frozenset[str]] = field(default_factory=dict)
    magics: Mapping[str, bool] = field(default_factory=dict)
    sure_deletes: frozenset[str] = frozenset()
    handled: frozenset[str] = frozenset()
    sure_writes: frozenset[str] = frozenset()
