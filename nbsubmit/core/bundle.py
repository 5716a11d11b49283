"""A bundle that was written → the values in it.

The reader maps the buffers privately: an array is there at once, writable, and costs no memory
until it is changed. Of 1 GiB that takes 1.4 ms.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from nbsubmit.core.contents import CHANGED, Contents
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.garbage import uncollected
from nbsubmit.core.home import Namespace, at_home
from nbsubmit.core.layout import PACKED
from nbsubmit.core.pickling import Reference, ReferringUnpickler
from nbsubmit.core.record import dataclass
from nbsubmit.core.trust import open_own
from nbsubmit.core.writer import MOST_NUMBERED

if TYPE_CHECKING:
    from nbsubmit.core.mapped import Mappings


class LoadError(NbsubmitError):
    """A value's bytes are there and cannot be turned into the value in this process.

    Parameters
    ----------
    name : str
        The value's name.
    message : str
        What went wrong.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


# Gives objects by their numbers.
Parts = Callable[[], Mapping[int, Any]]


class Originals(Protocol):
    """The objects that a bundle refers to: those that were sent."""

    def reference(self, name: Reference) -> Any:
        """Return the object that was sent by this name, with its new content if one is given."""

    def revised(self, name: str, content: Any) -> Any:
        """Return this object with the content that it has now."""


class Nothing:
    """Where nothing was sent, nothing can be referred to."""

    def reference(self, name: Reference) -> Any:
        """Say so."""
        raise LookupError(f"it refers to {name}, which was sent with the job")

    def revised(self, name: str, _content: Any) -> Any:
        """Say so."""
        return self.reference(name)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written.

    Attributes
    ----------
    stream : Path or bytes
        The pickled stream.
    contents : Contents
        The list of contents.
    locate : callable
        File name in the job's folder → path.
    """

    stream: Path | bytes
    contents: Contents
    locate: Callable[[str], Path]

    def load(
        self,
        home: Namespace,
        arrived: Callable[[str, Any], None],
        *,
        mappings: Mappings | None = None,
        originals: Originals | None = None,
    ) -> Parts | None:
        """Load the values one after another and hand each over as soon as it is there.

        Parameters
        ----------
        home : dict
            The namespace that the functions are bound to.
        arrived : callable
            Takes each name and value.
        mappings : Mappings, optional
            Keeps account of what is mapped.
        originals : Originals, optional
            Has the objects that the bundle refers to, and takes what has become of them.

        Returns
        -------
        callable or None
            Holds all objects, and gives them by their numbers in the stream; None of a large one.

        Raises
        ------
        LoadError
            Naming the first value that could not be rebuilt; the values before it have arrived.
        """
        known: Originals = originals or Nothing()
        with self._open() as file, at_home(home), uncollected():
            unpickler = ReferringUnpickler(file, buffers=self._views(mappings))
            unpickler.reference = known.reference
            begun = False
            for entry in self.contents.entries:
                try:
                    begun = begun or _begin(unpickler.load)
                    value = unpickler.load()
                    if entry.why == CHANGED:
                        value = known.revised(entry.name, value)
                except Exception as error:
                    raise LoadError(entry.name, f"{type(error).__name__}: {error}") from error
                arrived(entry.name, value)
            return unpickler.memo.copy if file.tell() <= MOST_NUMBERED else None

    def load_what_can_be(
        self,
        home: Namespace,
        originals: Originals | None = None,
        lend: Callable[[str, Any], None] = lambda name, value: None,
    ) -> tuple[Namespace, dict[str, str]]:
        """Load the values, and say which could not be rebuilt; one failure takes no other along.

        What has arrived is lent, for what comes behind it may need it.

        Returns
        -------
        dict, dict
            Name → value, and name → what went wrong.
        """
        values: Namespace = {}
        if not self.contents.entries:
            return {}, {}

        def arrived(name: str, value: Any) -> None:
            values[name] = value
            lend(name, value)

        try:
            self.load(home, arrived, originals=originals)
        except LoadError:
            return self._salvage(home, originals or Nothing(), lend)
        return values, {}

    def _salvage(
        self, home: Namespace, originals: Originals, lend: Callable[[str, Any], None]
    ) -> tuple[Namespace, dict[str, str]]:
        from nbsubmit.core.salvage import Salvager  # rarely needed, and every job would pay for it

        values: Namespace = {}
        failed: dict[str, str] = {}
        entries = self.contents.entries
        with self._open() as file, at_home(home):
            salvager = Salvager(file, self._views(None), originals.reference)
            begun = False
            for position, entry in enumerate(entries):
                try:
                    begun = begun or _begin(salvager.load)
                    value = salvager.load()
                except Exception as error:  # the stream itself is damaged: the rest is lost
                    where = f", in {self.stream}" if isinstance(self.stream, Path) else ""
                    damage = f"{type(error).__name__}: {error}".rstrip(": ") + where
                    return values, failed | {e.name: damage for e in entries[position:]}
                if entry.why == CHANGED and not salvager.complaint:
                    try:
                        value = originals.revised(entry.name, value)
                    except Exception as error:
                        salvager.broken(error)
                if salvager.complaint:
                    failed[entry.name] = salvager.complaint
                else:
                    values[entry.name] = value
                    lend(entry.name, value)
        return values, failed

    def _open(self) -> BinaryIO:
        return open_own(self.stream) if isinstance(self.stream, Path) else io.BytesIO(self.stream)

    def _views(self, mappings: Mappings | None) -> Iterator[memoryview]:
        if not self.contents.regions:
            return
        from nbsubmit.core.mapped import Mappings, Region

        mappings = mappings or Mappings()
        regions: dict[int, memoryview] = {}
        for entry in self.contents.entries:
            for number, offset, size, readonly in entry.buffers:
                if number not in regions:
                    file, start, length = self.contents.regions[number]
                    region = Region(file or self.contents.pack, start, length)
                    path = self.locate(region.file)
                    regions[number] = mappings.view(region, path, shared=file == PACKED)
                part = regions[number][offset : offset + size]
                yield part.toreadonly() if readonly else part


def _begin(load: Callable[[], object]) -> bool:
    """Read what every stream begins with."""
    load()
    return True
