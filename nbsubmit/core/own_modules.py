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
            found[name] = blobs.name_of([Path(_file(name)).read_bytes()])
    return found


def _file(name: str) -> str:
    """Return the file that a module was loaded from, or would be; empty if there is none."""
    return file_of(sys.modules[name]) if name in sys.modules else _file_to_load(name)


def _file_to_load(name: str) -> str:
    """Return the file that an import would load, without loading what stands above it."""
    root, *parts = name.split(".")
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError):
        return ""
    file = spec.origin if spec is not None and spec.has_location else None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    for part in parts:
        found = [Path(place) / part for place in places]
        packages = [path / "__init__.py" for path in found if (path / "__init__.py").is_file()]
        files = packages or [p.with_suffix(".py") for p in found if p.with_suffix(".py").is_file()]
        file = str(files[0]) if files else None
        places = [str(path.parent) for path in packages]
    return file or ""


def used(modules: Iterable[str], source: str) -> list[str]:
    """Return the user's own modules among these and those that they and the source import."""
    queue = [*modules, *_imports(source, "")]
    found: dict[str, None] = {}
    while queue:
        name = queue.pop()
        for parent in _with_parents(name):
            if parent in found or root_of(parent) == OURS or not is_own(file := _file(parent)):
                continue
            found[parent] = None
            if parent in sys.modules:
                queue += mentioned(sys.modules[parent])
            else:
                queue += _imports_in(file, parent.rpartition(".")[0])
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
    yield from _imports_in(file_of(module), str(held.get("__package__") or ""))


def _imports_in(file: str, package: str) -> Iterator[str]:
    with suppress(OSError):
        found = Path(file).stat()
        yield from _imports_of(Path(file), package, (found.st_mtime_ns, found.st_size))


# To parse a module of 400 lines takes 8 ms.
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
