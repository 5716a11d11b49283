"""What a cell changes in classes and functions of the notebook, part by part.

At home no other part is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from nbsubmit.core.definitions.known import is_class, is_importable
from nbsubmit.core.home import Namespace
from nbsubmit.core.revise import Content

# Value → a hash of its content.
Print = Callable[[Any], bytes]
Prints = Mapping[str, bytes]


def has_parts(value: Any) -> bool:
    """Tell whether a value is a definition whose parts are compared one by one."""
    if is_class(value):
        return not is_importable(value)
    if not isinstance(value, FunctionType):
        return False
    from nbsubmit.core.definitions.functions import is_dispatcher

    return not is_dispatcher(value) and not is_importable(value)


def _parts_of(definition: Any, home: Namespace) -> dict[str, Any]:
    from nbsubmit.core.definitions import closures, enums, parts

    if isinstance(definition, FunctionType):
        return closures.parts_of(definition, home)
    return parts.parts_of(definition) | enums.given(definition)


def prints_of(definition: Any, print_: Print, home: Namespace) -> Prints:
    """Return what tells later which parts of a definition have changed."""
    return {name: print_(part) for name, part in _parts_of(definition, home).items()}


def changes_of(definition: Any, before: Prints, print_: Print, home: Namespace) -> Content | None:
    """Return the parts that are new or changed, and the names of those that are gone, if any."""
    now = _parts_of(definition, home)
    changed = [name for name, part in now.items() if print_(part) != before.get(name)]
    # What pickles differently each time tells nothing by it.
    again = prints_of(definition, print_, home) if changed else {}
    pairs = [(name, now[name]) for name in changed if again[name] == print_(now[name])]
    gone = [name for name in before if name not in now]
    return Content(pairs=pairs, items=gone) if pairs or gone else None
