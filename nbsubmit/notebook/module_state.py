"""What is kept in the globals of the user's own modules, and set after their import.

A job imports a module anew, so ``settings.rate = 3`` of an earlier cell does not hold there. Of
plain values that is surely known: of what they were when the import was noticed, and are now.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbsubmit.core.origin import attributes

_PLAIN = frozenset({int, float, str, bool, type(None)})
_ABSENT = object()
# More names than this are not listed.
_MOST = 3


def plain_globals(module: object) -> dict[str, Any]:
    """Return a module's public globals that are plain values, or tuples of such."""
    held = list(attributes(module).items())
    return {name: value for name, value in held if name[:1] != "_" and _is_plain(value)}


def changed(module: object, before: dict[str, Any]) -> list[str]:
    """Return those of them that are another plain value now."""
    held = attributes(module)
    found = []
    for name, old in before.items():
        now = held.get(name, _ABSENT)
        # Mostly it is the very same object, and there may be thousands.
        if now is not old and _is_plain(now) and (type(now) is not type(old) or now != old):
            found.append(name)
    return found


def warning(names: Iterable[str]) -> str:
    """Say that these have other values in a job. No value is shown: some are passwords."""
    listed = list(names)
    shown = ", ".join(listed[:_MOST])
    if len(listed) > _MOST:
        shown = f"{shown} and {len(listed) - _MOST} more"
    was, its, it = ("was", "its", "it") if len(listed) == 1 else ("were", "their", "them")
    return (
        f"{shown} {was} set after this kernel imported {its} module: the job imports it anew, with "
        f"the value from its text; set {it} in the cell"
    )


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return kind in _PLAIN or (kind is tuple and all(type(part) in _PLAIN for part in value))
