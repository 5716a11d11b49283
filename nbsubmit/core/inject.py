"""A job's result → the notebook's namespace, never over a value that the user bound meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from nbsubmit.core.changes.within import address_of, leads_to
from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.handed import Handed
from nbsubmit.core.history import RESULTS
from nbsubmit.core.home import Namespace
from nbsubmit.core.lazy import lazy_module
from nbsubmit.core.missing import fill
from nbsubmit.core.revise import content_of, is_view, references, take_on

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
    names: frozenset[str] = frozenset()

    @classmethod
    def take(cls, namespace: Namespace, expected: Iterable[str]) -> Snapshot:
        """Remember the namespace as it is now."""
        held = {name: namespace.get(name, _ABSENT) for name in expected}
        seen = {name: _address(value) for name, value in namespace.items()}
        return cls(held, seen, frozenset(held))

    def let_go(self) -> Snapshot:
        """Return the same without the values: the job has brought all that it is to bring."""
        return Snapshot({}, self.seen, self.names)


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
    along : list of str
        Names that were bound because what was brought needs them, as they were sent.
    """

    brought: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    apart: list[str] = field(default_factory=list)
    along: list[str] = field(default_factory=list)


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
        # Id of an object → (the object, the one in whose place it stands).
        self._instead: dict[int, tuple[Any, Any]] = {}
        # Name → number of the last submission before the user bound it.
        self._bound: dict[str, int] = {}

    def let_go(self, *, is_last: bool) -> None:
        """Hold nothing any more that the notebook has put away, where no job may ask for it.

        Parameters
        ----------
        is_last : bool
            No job is still to come, so that none may stand for what its snapshot has.
        """
        there = self._namespace
        self._brought = {
            name: (by, value)
            for name, (by, value) in self._brought.items()
            if there.get(name, _ABSENT) is value
        }
        if is_last:
            self._instead.clear()
            self._revised.clear()

    def home_of(self, sending: Sending) -> SenderHome:
        """Return what tells a job's result which objects of the notebook it may refer to."""
        return SenderHome(self, sending)

    def give_up(self, names: Iterable[str], before: int | None = None) -> None:
        """Take the values of these names for the user's own, whichever job has brought them.

        Parameters
        ----------
        names : iterable of str
            The names.
        before : int, optional
            Only of what submissions before this one have brought.
        """
        for name in names:
            by = self._brought.get(name, (0, None))[0]
            if before is None or by < before:
                self._brought.pop(name, None)
            self._bound.pop(name, None)

    def note_bound(self, names: Iterable[str], number: int) -> None:
        """Note that the user has bound names after so many submissions, to whatever objects.

        That it is the same object as before, as 0 and None are, does not show in the namespace.
        """
        self._bound |= dict.fromkeys(names, number)

    def inject(
        self,
        sending: Sending,
        values: Mapping[str, Any],
        deleted: Iterable[str] = (),
        modules: Mapping[str, str] | None = None,
        submodules: Iterable[str] = (),
        changed: Iterable[str] = (),
        renewed: Iterable[str] = (),
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
        renewed : iterable of str
            Names whose object an earlier job has brought, and this one has changed in place.
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
        values = {**values, **self._renew(sending, {n: values[n] for n in renewed if n in values})}
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
        if value is not old:
            self._instead[id(value)] = (value, old)
            for alias in [n for n, v in self._namespace.items() if v is old]:
                self._namespace[alias] = value
                by, brought = self._brought.get(alias, (0, _ABSENT))
                if brought is old:
                    self._brought[alias] = (by, value)
            self._namespace[name] = value
            self._brought[name] = (sending.number, value)
        results = self._namespace.get(RESULTS)
        if isinstance(results, dict):
            results.update({number: value for number, v in results.items() if v is old})
        arrival.brought.append(name)

    def _renew(self, sending: Sending, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give the objects that earlier jobs have brought the content that they have now.

        Returns
        -------
        mapping
            Name → what is to be bound to it: the object itself, if that could take it on.
        """
        found, tied = dict(values), _tied(values.values())
        for name, value in values.items():
            old = self._namespace.get(name, _ABSENT)
            if not self._is_of_earlier(sending, name, old):
                continue
            if type(old) is type(value) and address_of(value) not in tied:
                found[name] = _with_content(old, value)
            for alias in [n for n, v in self._namespace.items() if v is old and n != name]:
                self._namespace[alias] = found[name]
                self._brought[alias] = (sending.number, found[name])
        return found

    def _is_of_earlier(self, sending: Sending, name: str, value: Any) -> bool:
        """Tell whether earlier jobs have brought an object, or changed it in place."""
        by, brought = self._brought.get(name, (sending.number, _ABSENT))
        if brought is value:
            return by < sending.number
        by, revised = self._revised.get(id(value), (sending.number, _ABSENT))
        return revised is value and by < sending.number and self._may_replace(sending, name)

    def may_bring(self, sending: Sending, name: str) -> bool:
        """Tell whether nobody but earlier jobs has bound a name since a job was sent."""
        return self._may_replace(sending, name)

    def has_brought(self, name: str) -> bool:
        """Tell whether what is bound to a name is what a job has brought."""
        return name in self._brought and self._brought[name][1] is self._namespace.get(name)

    def is_of(self, sending: Sending, name: str) -> bool:
        """Tell whether what is bound to a name is what that very job has brought."""
        return self.has_brought(name) and self._brought[name][0] == sending.number

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
        if self._bound.get(name, sending.number - 1) >= sending.number:
            return False
        if name in self._brought:
            by, value = self._brought[name]
            if value is current:
                return sending.number > by
        snapshot = sending.snapshot
        if name in snapshot.held:
            return any(snapshot.held[name] is value for value in self._stood_for(current))
        return current is _ABSENT or any(
            snapshot.seen.get(name) == _address(value) for value in self._stood_for(current)
        )

    def _stood_for(self, value: Any) -> Iterator[Any]:
        """Yield an object, and those in whose place a job has put it."""
        yield value
        while id(value) in self._instead:
            value = self._instead[id(value)][1]
            yield value


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

    def may_change_named(self, name: str, kind: type) -> bool:
        """Tell whether the class that was sent by a name is the one that has it, to be changed."""
        return self.original(name, changed=True) is kind

    def may_change_class(self, kind: type) -> bool:
        """Tell whether nobody but earlier jobs has changed a class that has no name."""
        return self._injector.may_change_class(self._sending, kind)

    def is_shared(self, name: str) -> bool:
        """Tell whether anything but the name refers to the object."""
        return self._injector.is_shared(self._sending, name)


def _tied(values: Collection[Any]) -> set[int]:
    """Return, by their addresses, those that hold each other: they stay as they came."""
    found: set[int] = set()
    for value in values:
        others = {address_of(other) for other in values if other is not value}
        held = set(leads_to(value, others)) if others else set()
        found |= held | ({address_of(value)} if held else set())
    return found


def _with_content(old: Any, new: Any) -> Any:
    """Return an object with the content of another one; that one if it cannot be."""
    try:
        content = content_of(new)
        return new if content is None else take_on(old, content)
    except Exception:  # of its own methods; it is then as it was
        return new


def _address(value: Any) -> tuple[int, type]:
    return id(value), type(value)
