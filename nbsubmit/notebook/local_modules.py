"""The user's own modules that the kernel has imported, and whether they were edited since.

A job imports a module anew. If its file was edited after the kernel had imported it, job and kernel
run different code, and nobody would know why they differ. So the text is remembered as it was when
the cell that imported it ended, and compared when a cell that needs it is sent.
"""

from __future__ import annotations

import importlib.util
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbsubmit.core import blobs, own_modules
from nbsubmit.core.origin import attributes, file_of
from nbsubmit.notebook import module_state
from nbsubmit.notebook.own_imports import OwnImports, is_loaded, is_users


@dataclass(frozen=True)
class _Text:
    """A module's file as it was when it was imported."""

    spec: object
    file: Path
    mtime_ns: int
    size: int
    digest: str

    @classmethod
    def read(cls, module: object) -> _Text:
        file = Path(file_of(module))
        found = file.stat()
        spec = attributes(module).get("__spec__")
        compiled = _compiled_from(file)
        if compiled is not None and compiled != (int(found.st_mtime), found.st_size):
            # It was edited while the cell that imported it was still running.
            return cls(spec, file, compiled[0] * 1_000_000_000, compiled[1], "")
        return cls(spec, file, found.st_mtime_ns, found.st_size, _digest(file))

    def change(self) -> str:
        """What has become of the file since, in words; empty if nothing has."""
        try:
            now = self.file.stat()
            is_same = (now.st_mtime_ns, now.st_size) == (self.mtime_ns, self.size)
            return "" if is_same or _digest(self.file) == self.digest else "was edited"
        except OSError:
            return "is gone"


class LocalModules:
    """Remembers the texts of the user's own modules.

    Parameters
    ----------
    imports : OwnImports
        Finds them.
    """

    def __init__(self, imports: OwnImports) -> None:
        self._imports = imports
        self._texts: dict[str, _Text] = {}
        # What was in their globals then.
        self._globals: dict[str, dict[str, Any]] = {}

    def look(self) -> None:
        """Note what has been imported or reloaded; a matter of microseconds if nothing has."""
        new = self._imports.take()
        for name in new:
            self._note(name)
        self._note_what_they_set(name for name in new if name in self._texts)
        for name, text in list(self._texts.items()):
            module = sys.modules.get(name)
            if module is not None and attributes(module).get("__spec__") is not text.spec:
                self._note(name)

    def _note(self, name: str) -> None:
        module = sys.modules.get(name)
        if is_loaded(module) and is_users(name, module):
            with suppress(OSError):
                self._texts[name] = _Text.read(module)
                self._globals[name] = module_state.plain_globals(module)

    def _note_what_they_set(self, new: Iterable[str]) -> None:
        """Take what is in the modules that new ones import for what their import has set there."""
        for name in new:
            for other in list(own_modules.mentioned(sys.modules[name])):
                if other in self._globals and other in sys.modules:
                    self._globals[other] = module_state.plain_globals(sys.modules[other])

    def warnings(self, modules: Iterable[str], source: str) -> list[str]:
        """Say which modules of a job the kernel has in another version than the job will.

        Parameters
        ----------
        modules : iterable of str
            Those that the values and names of the job come from.
        source : str
            The cell as Python.
        """
        self.look()
        known = [name for name in own_modules.used(modules, source) if name in self._texts]
        changes = {name: change for name in known if (change := self._texts[name].change())}
        told = [_warning(self._texts[name].file, change) for name, change in changes.items()]
        set_since = [
            f"{name}.{key}"
            for name in known
            if name not in changes
            for key in module_state.changed(sys.modules[name], self._globals[name])
        ]
        return [*told, module_state.warning(set_since)] if set_since else told


def _warning(file: Path, change: str) -> str:
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    if change == "was edited":
        return (
            f"{shown} was edited after this kernel imported it: the job runs the new text, the "
            f"kernel the old one; reload it to have both the same"
        )
    return f"{shown} {change} since this kernel imported it: the job cannot import it"


def _compiled_from(file: Path) -> tuple[int, int] | None:
    """Return the time and size of the text that a module was compiled from, where Python keeps it.

    It writes them at each import of another text.
    """
    if sys.dont_write_bytecode:
        return None
    try:
        compiled = Path(importlib.util.cache_from_source(str(file)))
        with compiled.open("rb") as opened:
            magic, flags, mtime, size = struct.unpack("<4sIII", opened.read(16))
    except (
        OSError,
        struct.error,
        NotImplementedError,
    ):  # the last: no folder for it
        return None
    is_current = magic == importlib.util.MAGIC_NUMBER and flags == 0
    return (mtime, size) if is_current and os.access(compiled, os.W_OK) else None


def _digest(file: Path) -> str:
    return blobs.name_of([file.read_bytes()])
