"""The values that went with a job: whether each is here still as it was when it was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

from nbsubmit.core.definitions.known import known_classes
from nbsubmit.core.definitions.parts import parts_of
from nbsubmit.core.fingerprint import fingerprint
from nbsubmit.core.home import Namespace
from nbsubmit.core.layout import Placed
from nbsubmit.core.met import Met
from nbsubmit.core.payload import Payload
from nbsubmit.core.writer import BundleWriter


class Handed:
    """What was sent, held, with a hash of each value's content.

    Parameters
    ----------
    payload : Payload
        What was sent.
    home : dict
        The notebook's namespace.
    watched : iterable of str, optional
        The names whose values the job may change by the look of its text; all if not given.
        Other large plain data are not compared, and taken to have changed.

    Attributes
    ----------
    values : dict
        Name → value, in the order in which they were sent.
    """

    def __init__(
        self, payload: Payload, home: Namespace, watched: Iterable[str] | None = None
    ) -> None:
        self.values = payload.names
        self._met = payload.met
        self._parts: dict[int, Any] | None = None
        self._store = payload.placed.store
        self._shared = payload.shared
        self._home = home
        self._compared = [
            entry.name
            for entry in payload.entries
            if not entry.is_inert or watched is None or entry.name in watched
        ]
        self._has_buffers = bool(payload.placed.contents.regions)
        if self._has_buffers:
            # What pickling makes of an array refers to it, and would seem to be another user of it.
            self._list()
        self._prints: dict[str, bytes] = {}
        self._prints = self._hash(payload.placed, payload.prints)
        self._classes = {kind: self._print_class(kind) for kind in payload.classes}
        self._changed: frozenset[str] | None = None

    def is_unchanged(self, name: str) -> bool:
        """Tell whether the object has the content that it had when it was sent.

        All are looked at when the first is asked about, and not again: what follows is one step,
        in which the notebook's own code does not run.
        """
        if self._changed is None:
            self._changed = self._compare()
        return name in self._compared and name not in self._changed

    def has_class(self, kind: type) -> bool:
        """Tell whether a class is as it was when it was sent, as far as that is known."""
        return kind not in self._classes or self._classes[kind] == self._print_class(kind)

    def _print_class(self, kind: type) -> dict[str, bytes]:
        return {name: self._print(part, None) for name, part in parts_of(kind).items()}

    def part(self, number: int) -> Any:
        """Return an object that is in one of the values, by its number in the stream."""
        return self._list().get(number)

    def _list(self) -> dict[int, Any]:
        if self._parts is None:
            self._parts, self._met = self._met.parts(), Met()
        return self._parts

    def holds(self, value: Any) -> int:
        """Return how often an object is referred to from here."""
        holders = chain(self.values.values(), (self._parts or {}).values())
        return sum(held is value for held in holders) + (value in self._met)

    def look_again(self) -> None:
        """Forget what was found: the notebook's own code has run since."""
        self._changed = None

    def _compare(self) -> frozenset[str]:
        now = self._hash(self._place(), {})
        differ = {name for name in self._compared if now[name] != self._prints[name]}
        if not differ:
            return frozenset()
        # What pickles differently each time tells nothing by it.
        again = self._hash(self._place(), {})
        return frozenset(name for name in differ if now[name] == again[name])

    def _place(self) -> Placed | None:
        """Find the buffers of all values again, and hash each once, however many names need it."""
        if not self._has_buffers:
            return None
        writer = BundleWriter(self._home, shared=self._shared)
        try:
            for name, value in self.values.items():
                writer.add(name, value)
        except Exception:
            return None
        return writer.place(self._store, "")

    def _hash(self, placed: Placed | None, found: Mapping[str, bytes]) -> dict[str, bytes]:
        """Hash each value by itself: in the stream of all a change moves what comes behind it."""
        content = None if placed is None else placed.content
        return {
            name: found.get(name)
            or self._print(self.values[name], content, self._prints.get(name, b""))
            for name in self._compared
        }

    def _print(
        self,
        value: Any,
        content: Callable[[memoryview], bytes | None] | None,
        like: bytes = b"",
    ) -> bytes:
        try:
            return fingerprint(value, self._home, known_classes(), content, like=like)
        except Exception:
            # It was sent, so it could be pickled; what cannot be any more has been changed.
            return b""
