"""Where a module comes from: Python itself, an installed package, files of the user's, or nowhere.

Nothing here loads a module that waits to be used (`nbsubmit.core.lazy`).
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Mapping
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

MAIN = "__main__"
_PYTHONS_OWN = str(Path(os.__file__).parent) + os.sep
# Where installers put packages, whichever Python they are for.
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def root_of(name: str) -> str:
    """Return the name of the outermost package: ``a`` of ``a.b.c``."""
    return name.partition(".")[0]


def attributes(module: object) -> Mapping[str, Any]:
    """Return what a module holds; nothing for what stands in a module's place."""
    try:
        found = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


def file_of(module: object) -> str:
    """Return the file that a module was loaded from; empty if it is none of one file."""
    found = attributes(module)
    spec = found.get("__spec__")
    file = found.get("__file__") if spec is None else spec.has_location and spec.origin
    return file if isinstance(file, str) else ""


def place_of(module: object) -> str:
    """Return a module's file, or the first folder of a package that has none."""
    path = attributes(module).get("__path__")
    return file_of(module) or next(iter(path or ()), "")


def is_own(place: str) -> bool:
    """Tell whether a module's place is the user's: neither Python's nor an installed package's."""
    if not place or place.startswith(_PYTHONS_OWN):
        return False
    return not any(part in place for part in _INSTALLED)


def folder_of(module: object) -> str:
    """Return the folder that an import of an outermost module has to be led to; empty for none."""
    place = place_of(module)
    if not place:
        return ""
    is_package = "__path__" in attributes(module)
    path = Path(place)
    return str(path.parents[1] if is_package and path.is_file() else path.parent)


def is_made_by_hand(module: types.ModuleType) -> bool:
    """Tell whether another process cannot get a module by importing its name.

    It was put together in the notebook, or loaded from a file by that file's path.
    """
    name = str(attributes(module).get("__name__"))
    if name == MAIN:
        return False
    root = sys.modules.get(root_of(name))
    if root_of(name) != name and isinstance(root, types.ModuleType):
        return is_made_by_hand(root)
    spec, file = attributes(module).get("__spec__"), file_of(module)
    if spec is not None and (not is_own(file) or _is_from_path(module, name)):
        return False
    found = find(name)
    if found is None:
        return True
    return found.origin != file if file else sys.modules.get(name) is not module


def _is_from_path(module: types.ModuleType, name: str) -> bool:
    """Tell whether a module lies where an import has looked by its name, now or earlier."""
    file = Path(file_of(module))
    called = file.parent.name if "__path__" in attributes(module) else file.name.partition(".")[0]
    searched = {getattr(finder, "path", None) for finder in sys.path_importer_cache.values()}
    return called == name and folder_of(module) in searched


def find(name: str) -> ModuleSpec | None:
    """Return what an import of an outermost module would find, were it not there yet."""
    for finder in sys.meta_path:
        with suppress(Exception):  # somebody else's finder
            spec = finder.find_spec(name, None)
            if spec is not None:
                return spec
    return None


def reachable(folder: str) -> bool:
    """Tell whether an import looks into a folder now."""
    return any(Path(entry or ".").resolve() == Path(folder).resolve() for entry in sys.path)
