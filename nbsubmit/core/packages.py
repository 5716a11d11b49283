"""The packages whose objects travel: who needs them, in which version, and whether they are here.

An object is rebuilt by its package's own code, so the other side needs that package, and one that
still reads what this one wrote.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from nbsubmit.core.origin import MAIN, attributes, folder_of, is_own, place_of, reachable, root_of
from nbsubmit.core.record import dataclass

# Those that come with Python, and those that every job has.
_EVERYWHERE = sys.stdlib_module_names | {MAIN, "__mp_main__", "nbsubmit"}
_NUMBERS = r"(?:\d+!)?v?(\d+)(?:\.(\d+))?"
# A version that begins with a year says nothing about what fits.
_YEAR = 1900


@dataclass(frozen=True)
class Package:
    """A package that what travels is rebuilt with.

    Attributes
    ----------
    name : str
        What is imported.
    version : str
        The sender's; empty if it has none.
    needed_by : str
        The first name that needs it.
    place : str
        The sender's file or folder, for a module of the user's own; empty for one that was
        installed.
    """

    name: str
    version: str
    needed_by: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


def needed(modules: Mapping[str, str]) -> tuple[Package, ...]:
    """Return the packages of modules.

    Parameters
    ----------
    modules : mapping
        Module → the name that needs it.
    """
    first: dict[str, str] = {}
    for module, name in modules.items():
        root = root_of(module)
        if root in sys.modules and root not in _EVERYWHERE:
            first.setdefault(root, name)
    return tuple(_package(root, name) for root, name in first.items())


def _package(root: str, name: str) -> Package:
    place = place_of(sys.modules[root])
    return Package(root, "", name, place) if is_own(place) else Package(root, version(root), name)


def version(root: str) -> str:
    """Return the version of a package that is loaded here; empty if it says none."""
    module = sys.modules.get(root)
    found = attributes(module).get("__version__")
    if isinstance(found, str):
        return found
    from importlib import metadata  # 50 ms, and few packages need it

    try:
        return metadata.version(root) or ""
    except Exception:  # it goes by another name, or what its installer left is broken
        return ""


def folders(packages: Iterable[Package]) -> list[str]:
    """Return where modules of the user's lie that ``sys.path`` has ceased to lead to."""
    found = (folder_of(sys.modules[package.name]) for package in packages if package.place)
    return [folder for folder in dict.fromkeys(found) if folder and not reachable(folder)]


def load(package: Package) -> Exception | None:
    """Import a package and return what stands in the way, if anything does."""
    try:
        importlib.import_module(package.name)
    except Exception as error:  # its own code runs
        return error
    return None


def conflict(package: Package) -> str:
    """Return the version of a package here, if it may not read what the sender's has written."""
    if not package.version:
        # To find out a version may take a worker twice as long as all else that it does.
        return ""
    here = version(package.name)
    ours, theirs = _significant(here), _significant(package.version)
    return here if ours and theirs and ours != theirs else ""


def _significant(text: str) -> tuple[int, ...]:
    """The part of a version that changes when old objects may not be read any more."""
    match = re.match(_NUMBERS, text)
    if match is None:
        return ()
    major, minor = int(match[1]), int(match[2] or 0)
    if major >= _YEAR:
        return ()
    return (major,) if major else (0, minor)


def from_json(data: Iterable[Mapping[str, Any]]) -> tuple[Package, ...]:
    """Return what was written as plain data."""
    return tuple(Package(**package) for package in data)
