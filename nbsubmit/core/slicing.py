"""Values for each task of an array → slices, and what several of them share.

What several tasks share by identity, and the classes of the user's own that are met in any of
their values, travel once, in the payload; a slice refers to them by number.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core import culprit, lines
from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.contents import type_name
from nbsubmit.core.definitions.known import known_classes
from nbsubmit.core.errors import NotPicklable
from nbsubmit.core.folder import SLICES_PACK
from nbsubmit.core.garbage import uncollected
from nbsubmit.core.home import Namespace
from nbsubmit.core.payload import Payload
from nbsubmit.core.slices import Slices
from nbsubmit.core.unpicklable import Kind
from nbsubmit.core.writer import BundleWriter

_SMALL = (int, float, complex, str, bytes, bool, type(None), type, types.BuiltinFunctionType)
# Text and bytes beyond this are worth sending once.
_SHORT = 100
# What lies in a longer container is not looked at one by one.
_FEW = 100


@dataclass
class Sliced:
    """The values of each task, pickled, and what was met on the way.

    Attributes
    ----------
    shared : list
        What they refer to by number; the payload has to hold it by the name `SHARED`.
    slices : Slices
        One for each task, to be written.
    classes : dict
        The classes that go by value.
    mentioned : dict
        Name that a function among the values mentions → the function.
    modules : dict
        Module → the first name that needs it.
    files : set of str
        The code files of the functions.
    """

    shared: list[Any]
    slices: Slices = field(default_factory=Slices)
    classes: dict[type, None] = field(default_factory=dict)
    mentioned: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def complete(self, payload: Payload) -> None:
        """Note in the payload what the job has to look up, and the sources of functions."""
        payload.sources.update(lines.known(self.files))
        for module, name in self.modules.items():
            payload.looked_up.setdefault(module, name)

    def take(self, writer: BundleWriter, blobs: BlobStore) -> None:
        """Add what was pickled of one task; the writer and what it holds may go then."""
        self.classes.update(dict.fromkeys(writer.classes))
        self.mentioned.update(writer.mentioned)
        self.modules.update(writer.modules)
        self.files.update(writer.files)
        self.slices.placed.append(writer.place(blobs, SLICES_PACK))


# The number of a task, its values, and what went wrong with a name → the error to raise.
Refuses = Callable[[int, str, Exception], NotPicklable]


def slice_up(
    values: Sequence[Namespace],
    parts: Callable[[int], Iterable[Any]],
    home: Namespace,
    blobs: BlobStore,
    refuse: Refuses,
) -> Sliced:
    """Pickle the values of each task.

    Parameters
    ----------
    values : sequence of dict
        Name → value, for each task.
    parts : callable
        Returns, of a task by its number, the objects that it may have in common with others.
    home : dict
        The namespace whose functions are bound to that of the job.
    blobs : BlobStore
        Has what was sent before; nothing is written to it.
    refuse : callable
        Returns the error for a value that cannot be sent.
    """

    def sliced(known: Mapping[type, str]) -> Sliced:
        found = Sliced(shared)
        sent = {id(value): str(place) for place, value in enumerate(shared)}
        with uncollected():
            for number, one in enumerate(values):
                found.take(_write(number, one, sent, known, home, refuse), blobs)
        return found

    shared = _shared(parts(number) for number in range(len(values)))
    found = sliced({})
    if found.classes:
        shared += found.classes
        found = sliced({kind: known_classes()[kind] for kind in found.classes})
    return found


def slice_names(values: Sequence[Namespace], home: Namespace, blobs: BlobStore) -> Sliced:
    """Pickle what the names that each task of a cell has for itself are bound to.

    Raises
    ------
    NotPicklable
        Naming the task and what of its values cannot be sent.
    """

    def refuse(number: int, name: str, error: Exception) -> NotPicklable:
        value = values[number][name]
        found = culprit.find(name, value, home)
        if not found:
            found = [culprit.Culprit(name, Kind(f"of type {type_name(value)}: {error}"))]
        told = [
            f"task {number}: {part}, and cannot be sent to the job: {part.cure}." for part in found
        ]
        return NotPicklable("\n".join([*told, "Nothing was submitted."]), (name,))

    return slice_up(values, lambda number: _within(values[number]), home, blobs, refuse)


def _within(values: Namespace) -> list[Any]:
    """The values, and what lies in those that merely hold others."""
    found = list(values.values())
    for value in values.values():
        if type(value) in (tuple, list) and len(value) <= _FEW:
            found += value
        elif type(value) is dict and len(value) <= _FEW:
            found += value.values()
    return found


def _write(
    number: int,
    values: Namespace,
    sent: Mapping[int, str],
    known: Mapping[type, str],
    home: Namespace,
    refuse: Refuses,
) -> BundleWriter:
    writer = BundleWriter(home, known, sent=sent)
    for name, value in values.items():
        try:
            writer.add(name, value, f"task {number}")
        except Exception as error:
            raise refuse(number, name, error) from None
    return writer


def _shared(tasks: Iterable[Iterable[Any]]) -> list[Any]:
    """Return the objects that occur in more than one task and are worth sending once."""
    met: dict[int, Any] = {}
    again: dict[int, Any] = {}
    for parts in tasks:
        own = {id(part): part for part in parts if not _is_small(part)}
        again |= {key: part for key, part in own.items() if key in met}
        met |= own
    return list(again.values())


def _is_small(part: Any) -> bool:
    if isinstance(part, (str, bytes)):
        return len(part) <= _SHORT
    return isinstance(part, _SMALL)
