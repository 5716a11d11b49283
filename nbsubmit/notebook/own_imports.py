"""Which modules of the user's own have been imported, asked after each cell."""

from __future__ import annotations

import sys

from nbsubmit.core.origin import file_of, is_own, root_of

_OURS = "nbsubmit"


class OwnImports:
    """Finds the user's own modules as they are imported."""

    def __init__(self) -> None:
        self._new: list[str] = []
        self._seen: set[str] = set()
        # Lazy ones that nobody has used yet.
        self._unread: list[str] = []
        self._count = 0

    def are_there(self) -> bool:
        """Tell whether some have not been taken; a matter of a microsecond if none came."""
        self._look()
        return bool(self._new)

    def take(self) -> list[str]:
        """Return those that came since the last time."""
        self._look()
        new, self._new = self._new, []
        return new

    def _look(self) -> None:
        # One that is used for the first time is there already, and brings perhaps no other.
        if len(sys.modules) != self._count or any(
            is_loaded(sys.modules.get(name)) for name in self._unread
        ):
            self._count, self._unread = len(sys.modules), []
            for name in [name for name in sys.modules if name not in self._seen]:
                self._note(name)

    def _note(self, name: str) -> None:
        module = sys.modules.get(name)
        if is_loaded(module):
            self._seen.add(name)
            if is_users(name, module):
                self._new.append(name)
        else:
            self._unread.append(name)


def is_loaded(module: object) -> bool:
    """Tell whether a module's text has been read; that of a lazy one has not yet."""
    kind = type(module)  # other libraries have modules of a class of that name, which are loaded
    return (kind.__module__, kind.__name__) != ("importlib.util", "_LazyModule")


def is_users(name: str, module: object) -> bool:
    """Tell whether a module's text is the user's."""
    return root_of(name) != _OURS and is_own(file_of(module))
