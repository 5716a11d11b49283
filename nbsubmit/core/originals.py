"""The objects that a job's result refers to by the names under which they were sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from nbsubmit.core.definitions.known import is_class, known_classes
from nbsubmit.core.definitions.parts import is_built
from nbsubmit.core.pickling import Reference
from nbsubmit.core.revise import Content, is_large, take_on

# Between a name and the number of a part of its object; no name has it in it.
PART_OF = "#"
Copies = Callable[[], tuple[Mapping[str, Any], Mapping[int, Any]]]


class Home(Protocol):
    """What the notebook knows of the objects that it has sent."""

    def original(self, name: str, *, changed: bool) -> Any:
        """Return the object itself; None if it is not what the job may refer to or change."""

    def part(self, name: str, number: int, *, changed: bool) -> Any:
        """Return a part of an object by its number; None under the same conditions."""

    def is_shared(self, name: str) -> bool:
        """Tell whether anything but the name refers to the object."""

    def may_change_named(self, name: str, kind: type) -> bool:
        """Tell whether the class that was sent by a name is the one that has it, to be changed."""

    def may_change_class(self, kind: type) -> bool:
        """Tell whether nobody but earlier jobs has changed a class that has no name."""


class Originals:
    """Finds the objects, each once: the notebook's own, or else a copy of what was sent.

    Parameters
    ----------
    home : Home or None
        The notebook; None where there is none, as in another process.
    copies : callable
        Returns what was sent and all parts of it by number, loaded again; asked only if needed.
    changed : collection of str
        The names whose objects the job has changed.
    """

    def __init__(self, home: Home | None, copies: Copies, changed: tuple[str, ...]) -> None:
        self._home = home
        self._copies = copies
        self._changed = changed
        self._found: dict[str, Any] = {}
        self._revised: set[str] = set()
        self._known = frozenset(known_classes().values())

    def reference(self, name: Reference) -> Any:
        """Return the object that was sent by this name, or a part of one: ``net#12``.

        With a content, it takes that on first.
        """
        if isinstance(name, tuple):
            return self._part_revised(*name)
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, reference: str) -> Any:
        name, _, number = reference.partition(PART_OF)
        if self._home is not None:
            changed = name in self._changed
            value = (
                self._home.part(name, int(number), changed=changed)
                if number
                else self._home.original(name, changed=changed)
            )
            if value is not None:
                return value
        values, parts = self._copies()
        return parts[int(number)] if number else values[name]

    def _part_revised(self, name: str, content: Content) -> Any:
        if name not in self._revised:
            self._revised.add(name)
            self._found[name] = take_on(self.reference(name), content)
        return self._found[name]

    def _may_change(self, name: str, kind: type) -> bool:
        """A class has no copy to change: it is the notebook's, or was built for this result."""
        if self._home is not None and self._home.may_change_named(name, kind):
            return True
        return is_built(kind) and known_classes().get(kind) not in self._known

    def change_classes(self, changes: Iterable[tuple[type, Content]]) -> None:
        """Change classes that no name is bound to."""
        for kind, content in changes:
            is_ours = is_built(kind) and known_classes().get(kind) not in self._known
            if is_ours or (self._home is not None and self._home.may_change_class(kind)):
                take_on(kind, content)

    def revised(self, name: str, content: Content) -> Any:
        """Give an object the content that the job has left in it, and return it."""
        if is_large(content) and (self._home is None or not self._home.is_shared(name)):
            self._found[name] = content.array
            return content.array
        value = self.reference(name)
        if not is_class(value) or self._may_change(name, value):
            self._found[name] = take_on(value, content)
        return self._found[name]
