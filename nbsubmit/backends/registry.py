"""Backends by name. Packages add their own under the entry point ``nbsubmit.backends``."""

from __future__ import annotations

import difflib
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from nbsubmit.core.backend import Backend
from nbsubmit.core.errors import BackendMissing

GROUP = "nbsubmit.backends"

# Tried in this order when the best one is asked for; a third party's comes before local.
_FIRST, _LAST = ("slurm",), ("local",)
_NEVER = ("debug",)


def names() -> list[str]:
    """Return the names of all backends that are installed, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def get(name: str) -> Backend:
    """Return a new backend by its name.

    Raises
    ------
    BackendMissing
        If there is none by that name, or it cannot be loaded.
    """
    for point in _points(name):
        try:
            backend = point.load()()
        except Exception as error:
            raise BackendMissing(f"the backend {name!r} cannot be loaded: {error}") from error
        if not isinstance(backend, Backend):
            raise BackendMissing(f"{point.value} is not a backend: see nbsubmit.core.backend")
        return backend
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise BackendMissing(f"there is no backend {name!r}, only {', '.join(names())}{hint}")


def _points(name: str) -> list[EntryPoint]:
    """Return the backends of a name; what is installed is read again if there is none."""
    found = [point for point in _installed(tuple(sys.path)) if point.name == name]
    if not found:
        _installed.cache_clear()
        found = [point for point in _installed(tuple(sys.path)) if point.name == name]
    return found


@lru_cache(maxsize=1)
def _installed(_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    # To read what all packages say takes 20 ms, which each job of a list would pay for.
    return tuple(entry_points(group=GROUP))


def best() -> Backend:
    """Return the first backend that can run jobs here.

    Raises
    ------
    BackendMissing
        If none can.
    """
    others = [n for n in names() if n not in (*_FIRST, *_LAST, *_NEVER)]
    reasons = []
    for name in (*_FIRST, *others, *_LAST):
        try:
            backend = get(name)
            backend.check()
        except BackendMissing as error:
            reasons.append(str(error))
        except Exception as error:  # somebody else's code
            reasons.append(f"{name}: {type(error).__name__}: {error}")
        else:
            return backend
    raise BackendMissing(
        f"no backend can run jobs here: {'; '.join(reasons)}. nbsubmit doctor  tells what is wrong"
    )
