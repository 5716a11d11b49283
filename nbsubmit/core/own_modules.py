"""The user's own modules: which of them some modules or a source use, and what they hold."""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from nbsubmit.core import blobs
from nbsubmit.core.origin import attributes, file_of, is_own, root_of

OURS = "nbsubmit"


def texts(modules: Iterable[str], source: str = "") -> dict[str, str]:
    """Return the user's own modules among these and those that they use, each with a hash."""
    found = {}
    for name in used(modules, source):
        with suppress(OSError):
            found[name] = blobs.name_of([Path(file_of(sys.modules.get(name))).read_bytes()])
    return found


def used(modules: Iterable[str], source: str) -> list[str]:
    """Return the user's own modules among these and those that they and the source import."""
    queue = [*modules, *_imports(source, "")]
    found: dict[str, None] = {}
    while queue:
        name = queue.pop()
        for parent in _with_parents(name):
            module = sys.modules.get(parent)
            if parent not in found and is_own(file_of(module)) and root_of(parent) != OURS:
                found[parent] = None
                queue += mentioned(module)
    return sorted(found)


def _with_parents(name: str) -> Iterator[str]:
    """An import of ``a.b.c`` runs ``a`` and ``a.b`` first."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def mentioned(module: object) -> Iterator[str]:
    """The modules that a module holds something of, and those that its text imports anywhere."""
    held = attributes(module)
    for key, value in list(held.items()):
        if isinstance(value, types.ModuleType):
            name = str(attributes(value).get("__name__"))
            # Whoever imports a part of a package binds it there: that says nothing of the package.
            if name != f"{held.get('__name__')}.{key}":
                yield name
        elif isinstance(value, (type, types.FunctionType)):
            yield str(value.__module__)
    file = Path(file_of(module))
    with suppress(OSError):
        found = file.stat()
        package = str(held.get("__package__") or "")
        yield from _imports_of(file, package, (found.st_mtime_ns, found.st_size))


@functools.lru_cache(maxsize=1024)
def _imports_of(file: Path, package: str, _state: tuple[int, int]) -> tuple[str, ...]:
    return tuple(_imports(file.read_bytes(), package))


def _imports(text: str | bytes, package: str) -> Iterator[str]:
    """The modules that import statements may load."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # a compiled module, or half of an edit
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            with suppress(ImportError):  # relative to nothing
                base = importlib.util.resolve_name(base, package)
                yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
