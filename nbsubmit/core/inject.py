"""A job's result → the notebook's namespace, never over a value that the user bound meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from nbsubmit.core.handed import Handed
from nbsubmit.core.lazy import lazy_module
from nbsubmit.core.pickling import Namespace
from nbsubmit.core.revise import is_large, is_view, references, revise

_ABSENT = object()


@dataclass(frozen=True)
class Snapshot:
    """What the names were bound to when the job was sent.

    The values of names that the job may bring are held, so that they can be told from later
    ones by identity; of all other names only the address of the value is kept, so as not to keep
    alive what the user lets go; with the type, for an address may be given out again.
    """

    held: Mapping[str, Any]
    seen: Mapping[str, tuple[int, type]]

    @classmethod
    def take(cls, namespace: Namespace, expected: Iterable[str]) -> Snapshot:
        """Remember the namespace as it is now."""
        held = {name: namespace.get(name, _ABSENT) for name in expected}
        return cls(held, {name: _address(value) for name, value in namespace.items()})


@dataclass
class Arrival:
    """What an injection did.

    Attributes
    ----------
    brought, deleted : list of str
        Names that were bound and that were removed.
    kept : list of str
        Names whose value in the notebook is newer and was left alone.
    failed : dict
        Names that could not be brought, with the reason.
    """

    brought: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


class Injector:
    """Brings results into one namespace and remembers which job brought what.

    Parameters
    ----------
    namespace : dict
        The notebook's.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        # Name → (number of the submission that brought it, the value it brought).
        self._brought: dict[str, tuple[int, Any]] = {}
        # Id of an object → (number of the submission that revised it last, the object).
        self._revised: dict[int, tuple[int, Any]] = {}

    def inject(
        self,
        number: int,
        snapshot: Snapshot,
        values: Mapping[str, Any],
        deleted: Iterable[str] = (),
        modules: Mapping[str, str] | None = None,
        submodules: Iterable[str] = (),
        changed: Iterable[str] = (),
        handed: Handed | None = None,
    ) -> Arrival:
        """Bind what a job brought.

        Parameters
        ----------
        number : int
            Which submission of this notebook the job was: a later one wins over an earlier
            one, whichever ends first.
        snapshot : Snapshot
            The namespace at that time.
        values : mapping
            Name → value.
        deleted : iterable of str
            Names that the job deleted.
        modules : mapping, optional
            Name → module that the job imported under it.
        submodules : iterable of str
            Modules that are reached through those.
        changed : iterable of str
            Names whose object was sent and changed in place by the job.
        handed : Handed, optional
            Tells whether such an object has been changed here meanwhile.
        """
        arrival = Arrival()
        for module in submodules:
            try:
                lazy_module(module)
            except Exception as error:
                arrival.failed[module] = f"it cannot be imported here: {error}"
        for name, module in (modules or {}).items():
            self._bring_module(number, snapshot, name, module, arrival)
        in_place = set(changed)
        for name, value in values.items():
            if name in in_place and not self._is_free(number, snapshot, name, handed):
                arrival.kept.append(name)
            elif name in in_place and name in snapshot.held:
                self._revise(number, snapshot, name, value, arrival, handed)
            else:
                self._bring(number, snapshot, name, value, arrival)
        for name in deleted:
            if name not in self._namespace:
                continue
            if self._may_replace(number, snapshot, name):
                del self._namespace[name]
                self._brought[name] = (number, _ABSENT)
                arrival.deleted.append(name)
            else:
                arrival.kept.append(name)
        return arrival

    def _bring(
        self, number: int, snapshot: Snapshot, name: str, value: Any, arrival: Arrival
    ) -> None:
        if self._may_replace(number, snapshot, name):
            self._namespace[name] = value
            self._brought[name] = (number, value)
            arrival.brought.append(name)
        else:
            arrival.kept.append(name)

    def _is_free(self, number: int, snapshot: Snapshot, name: str, handed: Handed | None) -> bool:
        """Tell whether nobody but earlier jobs has changed the object that was sent."""
        if handed is None or handed.is_unchanged(name):
            return True
        by, _ = self._revised.get(id(snapshot.held.get(name)), (number, None))
        return by < number

    def _revise(
        self,
        number: int,
        snapshot: Snapshot,
        name: str,
        value: Any,
        arrival: Arrival,
        handed: Handed | None,
    ) -> None:
        """Change the object itself if anybody else refers to it, else bind the name anew."""
        if not self._may_replace(number, snapshot, name):
            arrival.kept.append(name)
            return
        in_place = not is_large(value) or self._is_shared(snapshot, name, handed)
        old = snapshot.held[name]
        if in_place and revise(old, value):
            self._revised[id(old)] = (number, old)
            value = old
        names = [name, *(n for n, v in self._namespace.items() if v is old and n != name)]
        for alias in names:
            self._namespace[alias] = value
            self._brought[alias] = (number, value)
        arrival.brought.append(name)

    def _is_shared(self, snapshot: Snapshot, name: str, handed: Handed | None) -> bool:
        """Tell whether anything but what we hold ourselves refers to an object."""
        holders = chain(
            self._namespace.values(),
            snapshot.held.values(),
            (value for _, value in self._brought.values()),
            handed.values.values() if handed else (),
        )
        ours = sum(value is snapshot.held[name] for value in holders)
        return references(snapshot.held, name) > ours or is_view(snapshot.held[name])

    def _bring_module(
        self, number: int, snapshot: Snapshot, name: str, module: str, arrival: Arrival
    ) -> None:
        try:
            value = lazy_module(module)
        except Exception as error:
            arrival.failed[name] = f"{module} cannot be imported here: {error}"
        else:
            if self._namespace.get(name) is not value:
                self._bring(number, snapshot, name, value, arrival)

    def _may_replace(self, number: int, snapshot: Snapshot, name: str) -> bool:
        current = self._namespace.get(name, _ABSENT)
        if name in self._brought:
            by, value = self._brought[name]
            if value is current:
                return number > by
        if name in snapshot.held:
            return snapshot.held[name] is current
        return current is _ABSENT or snapshot.seen.get(name) == _address(current)


def _address(value: Any) -> tuple[int, type]:
    return id(value), type(value)
