"""What a cell changes in the notebook's classes, part by part: at home no other part is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbsubmit.core.definitions.parts import parts_of
from nbsubmit.core.revise import Content

# Value → a hash of its content.
Print = Callable[[Any], bytes]
Prints = Mapping[str, bytes]


def prints_of(kind: type, print_: Print) -> Prints:
    """Return what tells later which parts of a class have changed."""
    return {name: print_(part) for name, part in parts_of(kind).items()}


def changes_of(kind: type, before: Prints, print_: Print) -> Content | None:
    """Return the parts that are new or changed, and the names of those that are gone, if any."""
    now = parts_of(kind)
    changed = [name for name, part in now.items() if print_(part) != before.get(name)]
    # What pickles differently each time tells nothing by it.
    again = prints_of(kind, print_) if changed else {}
    pairs = [(name, now[name]) for name in changed if again[name] == print_(now[name])]
    gone = [name for name in before if name not in now]
    return Content(pairs=pairs, items=gone) if pairs or gone else None
