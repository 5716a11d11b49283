"""A disk that will be full soon: said once in a session, while there is still time."""

from __future__ import annotations

from contextlib import suppress

from nbsubmit.core.errors import FolderError
from nbsubmit.core.limits import nearly_full
from nbsubmit.core.removal import looks_over
from nbsubmit.core.sizes import estimate
from nbsubmit.core.store import JobStore
from nbsubmit.core.units import format_bytes

# Nobody is to wait for an estimate.
_LOOK_SECONDS = 0.5


class Space:
    """Looks after the disk of a store.

    Parameters
    ----------
    store : JobStore
        The store.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._told = False

    def warning(self) -> str:
        """Return what is to be said of the disk now, or nothing; it is said once."""
        if self._told:
            return ""
        with suppress(OSError, FolderError):
            low = nearly_full(self._store.path)
            if low:
                self._told = True
                return f"warning: {low}; {self._cure()}"
        return ""

    def _cure(self) -> str:
        over = (folder for folder in self._store.folders() if looks_over(folder))
        size, is_all = estimate(over, _LOOK_SECONDS)
        least = "up to" if is_all else "more than"
        return f"%jobs clean removes jobs that have ended: {least} {format_bytes(size)}"
