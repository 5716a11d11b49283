"""A job's result → the notebook's namespace, never over a value that the user bound meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.handed import Handed
from nbsubmit.core.history import RESULTS
from nbsubmit.core.home import Namespace
from nbsubmit.core.lazy import lazy_module
from nbsubmit.core.missing import fill
from nbsubmit.core.revise import is_view, references

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
    apart : list of str
        Names that tasks of an array have changed in place or deleted, each its own; here they are
        as they were.
    """

    brought: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    apart: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sending:
    """One job as the notebook has sent it.

    Attributes
    ----------
    number : int
        Which submission of this notebook it was: a later one wins over an earlier one, whichever
        ends first.
    snapshot : Snapshot
        The namespace at that time.
    handed : Handed or None
        The objects that went with it.
    """

    number: int
    snapshot: Snapshot
    handed: Handed | None = None


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

    def home_of(self, sending: Sending) -> SenderHome:
        """Return what tells a job's result which objects of the notebook it may refer to."""
        return SenderHome(self, sending)

    def inject(
        self,
        sending: Sending,
        values: Mapping[str, Any],
        deleted: Iterable[str] = (),
        modules: Mapping[str, str] | None = None,
        submodules: Iterable[str] = (),
        changed: Iterable[str] = (),
    ) -> Arrival:
        """Bind what a job brought.

        Parameters
        ----------
        sending : Sending
            The job.
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
        """
        arrival = Arrival()
        for module in submodules:
            try:
                lazy_module(module)
            except Exception as error:
                arrival.failed[module] = f"it cannot be imported here: {error}"
        for name, module in (modules or {}).items():
            self._bring_module(sending, name, module, arrival)
        in_place = set(changed)
        for name, value in values.items():
            if name in in_place and name in sending.snapshot.held:
                self._revise(sending, name, value, arrival)
            else:
                self._bring(sending, name, value, arrival)
        for name in deleted:
            if name not in self._namespace:
                continue
            if self._may_replace(sending, name):
                del self._namespace[name]
                self._brought[name] = (sending.number, _ABSENT)
                arrival.deleted.append(name)
            else:
                arrival.kept.append(name)
        return arrival

    def fill(
        self,
        sending: Sending,
        name: str,
        values: list[Any],
        places: Sequence[int],
        arrival: Arrival,
    ) -> None:
        """Fill the places of a list that a job has brought and in which values are missing.

        Only a list that is still the very one that was brought is touched; where there is none by
        the name, the whole one is bound.
        """
        current = self._namespace.get(name, _ABSENT)
        _, brought = self._brought.get(name, (0, None))
        if current is _ABSENT:
            self._bring(sending, name, values, arrival)
        elif current is brought and isinstance(current, list) and len(current) == len(values):
            fill(current, values, places)
            arrival.brought.append(name)
        else:
            arrival.kept.append(name)

    def _bring(self, sending: Sending, name: str, value: Any, arrival: Arrival) -> None:
        if self._may_replace(sending, name):
            self._namespace[name] = value
            self._brought[name] = (sending.number, value)
            arrival.brought.append(name)
        else:
            arrival.kept.append(name)

    def _revise(self, sending: Sending, name: str, value: Any, arrival: Arrival) -> None:
        """Note that an object has another content now, or put the other one in its place."""
        old = sending.snapshot.held[name]
        # A class that may not be changed is the very same class all the same.
        if value is old and (not is_class(old) or self.may_revise(sending, name)):
            self._revised[id(old)] = (sending.number, old)
        elif not self.may_revise(sending, name):
            arrival.kept.append(name)
            return
        for alias in [name, *(n for n, v in self._namespace.items() if v is old and n != name)]:
            self._namespace[alias] = value
            self._brought[alias] = (sending.number, value)
        results = self._namespace.get(RESULTS)
        if isinstance(results, dict):
            results.update({number: value for number, v in results.items() if v is old})
        arrival.brought.append(name)

    def may_revise(self, sending: Sending, name: str) -> bool:
        """Tell whether nobody but earlier jobs has changed the object or bound its name anew."""
        if not self._may_replace(sending, name):
            return False
        if sending.handed is None or sending.handed.is_unchanged(name):
            return True
        by, _ = self._revised.get(id(sending.snapshot.held.get(name)), (sending.number, None))
        return by < sending.number

    def may_change_class(self, sending: Sending, kind: type) -> bool:
        """Tell whether nobody but earlier jobs has changed a class; whoever asks changes it."""
        by, _ = self._revised.get(id(kind), (sending.number, None))
        may = sending.handed is None or sending.handed.has_class(kind) or by < sending.number
        if may:
            self._revised[id(kind)] = (sending.number, kind)
        return may

    def is_shared(self, sending: Sending, name: str) -> bool:
        """Tell whether anything but what we hold ourselves refers to an object."""
        held = sending.snapshot.held
        holders = chain(
            self._namespace.values(),
            held.values(),
            (value for _, value in self._brought.values()),
        )
        ours = sum(value is held[name] for value in holders)
        if sending.handed:
            ours += sending.handed.holds(held[name])
        return references(held, name) > ours or is_view(held[name])

    def _bring_module(self, sending: Sending, name: str, module: str, arrival: Arrival) -> None:
        try:
            value = lazy_module(module)
        except Exception as error:
            arrival.failed[name] = f"{module} cannot be imported here: {error}"
        else:
            if self._namespace.get(name) is not value:
                self._bring(sending, name, value, arrival)

    def _may_replace(self, sending: Sending, name: str) -> bool:
        current = self._namespace.get(name, _ABSENT)
        if name in self._brought:
            by, value = self._brought[name]
            if value is current:
                return sending.number > by
        snapshot = sending.snapshot
        if name in snapshot.held:
            return snapshot.held[name] is current
        return current is _ABSENT or snapshot.seen.get(name) == _address(current)


class SenderHome:
    """What the notebook knows of the objects that it has sent with one job.

    Parameters
    ----------
    injector : Injector
        The notebook's.
    sending : Sending
        The job.
    """

    def __init__(self, injector: Injector, sending: Sending) -> None:
        self._injector = injector
        self._sending = sending

    def original(self, name: str, *, changed: bool) -> Any:
        """Return the object itself; None if it is not what the job may refer to or change."""
        handed = self._sending.handed
        if handed is None:
            return None
        if changed:
            may = self._injector.may_revise(self._sending, name)
            return handed.values[name] if may else None
        return handed.values[name] if handed.is_unchanged(name) else None

    def part(self, name: str, number: int, *, changed: bool) -> Any:
        """Return a part of an object by its number; None under the same conditions."""
        handed = self._sending.handed
        if handed is None or self.original(name, changed=changed) is None:
            return None
        return handed.part(number)

    def may_change_class(self, kind: type) -> bool:
        """Tell whether nobody but earlier jobs has changed a class that has no name."""
        return self._injector.may_change_class(self._sending, kind)

    def is_shared(self, name: str) -> bool:
        """Tell whether anything but the name refers to the object."""
        return self._injector.is_shared(self._sending, name)


def _address(value: Any) -> tuple[int, type]:
    return id(value), type(value)
