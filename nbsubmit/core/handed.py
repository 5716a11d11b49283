"""The values that went with a job: whether each is here still as it was when it was sent."""

from __future__ import annotations

from typing import Any

from nbsubmit.core.bundle import BundleWriter
from nbsubmit.core.capture import Payload
from nbsubmit.core.pickling import Namespace


class Handed:
    """What was sent, held, with a hash of each value's content.

    Parameters
    ----------
    payload : Payload
        What was sent.
    home : dict
        The notebook's namespace.

    Attributes
    ----------
    values : dict
        Name → value, in the order in which they were sent.
    """

    def __init__(self, payload: Payload, home: Namespace) -> None:
        self.values = payload.names
        self._digests = payload.placed.digests
        self._store = payload.placed.store
        self._shared = payload.shared
        self._home = home
        self._changed: frozenset[str] | None = None

    def value(self, name: str) -> Any:
        """Return the object that was sent by this name; None if it has been changed since."""
        return self.values[name] if self.is_unchanged(name) else None

    def is_unchanged(self, name: str) -> bool:
        """Tell whether the object has the content that it had when it was sent.

        All are looked at when the first is asked about, and not again: what follows is one step,
        in which the notebook's own code does not run.
        """
        if self._changed is None:
            self._changed = self._compare()
        return name in self.values and name not in self._changed

    def look_again(self) -> None:
        """Forget what was found: the notebook's own code has run since."""
        self._changed = None

    def _compare(self) -> frozenset[str]:
        now = self._pickle()
        differ = {name for name in self.values if now.get(name) != self._digests[name]}
        if not differ:
            return frozenset()
        # What pickles differently each time tells nothing by it.
        again = self._pickle()
        return frozenset(name for name in differ if now.get(name) == again.get(name))

    def _pickle(self) -> dict[str, bytes]:
        """Hash the same values in the same order: what two of them share is said by the first."""
        writer = BundleWriter(self._home, shared=self._shared)
        try:
            for name, value in self.values.items():
                writer.add(name, value)
        except Exception:
            # It was sent, so it could be pickled; what cannot be any more has been changed.
            return {}
        return writer.place(self._store, "").digests
