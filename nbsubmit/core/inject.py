"""A job's result → the notebook's namespace, never over a value that the user bound meanwhile."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.pickling import Namespace

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

    def inject(
        self,
        number: int,
        snapshot: Snapshot,
        values: Mapping[str, Any],
        deleted: Iterable[str] = (),
        modules: Mapping[str, str] | None = None,
        submodules: Iterable[str] = (),
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
        """
        arrival = Arrival()
        for module in submodules:
            try:
                importlib.import_module(module)
            except Exception as error:
                arrival.failed[module] = f"it cannot be imported here: {error}"
        for name, module in (modules or {}).items():
            self._bring_module(number, snapshot, name, module, arrival)
        for name, value in values.items():
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

    def _bring_module(
        self, number: int, snapshot: Snapshot, name: str, module: str, arrival: Arrival
    ) -> None:
        try:
            value = importlib.import_module(module)
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
