"""Which object that the other side has is it whose memory an array looks at.

A view that a job makes of an array that it was sent is one of the notebook's array at home too:
what goes back is not its elements but where they lie in the array.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbsubmit.core.memory import Group


class Owners:
    """Finds an object by the memory that it lies in.

    Parameters
    ----------
    objects : callable
        Returns what the other side has; asked when the first array is met.
    contents : iterable
        Arrays and tensors that stand for the content of such an object: they are no views of it.
    """

    def __init__(self, objects: Callable[[], Iterable[Any]], contents: Iterable[Any] = ()) -> None:
        self._objects = objects
        self._contents = {id(content): content for content in contents}
        self._groups: list[Group] | None = None
        self._found: list[tuple[int, int, Any]] = []

    def of(self, array: Any, start: int, end: int) -> Any:
        """Return the object in whose memory an array lies as a whole; None if there is none.

        Parameters
        ----------
        array : ndarray or UntypedStorage
            The array.
        start, end : int
            The first address of its elements and the first one behind them.
        """
        if self.is_content(array):
            return None
        for low, high, owner in self._around(start):
            if low <= start and end <= high:
                return owner
        return None

    def is_content(self, array: Any) -> bool:
        """Tell whether an array or tensor stands for the content of an object."""
        return id(array) in self._contents

    def note_content(self, array: Any) -> None:
        """Say that another array does so too."""
        self._contents[id(array)] = array

    def _around(self, address: int) -> Iterable[tuple[int, int, Any]]:
        """The objects near an address, the largest first."""
        from nbsubmit.core import memory  # 6 ms, with ctypes; for arrays alone

        if self._groups is None:
            self._found = sorted(_places(self._objects()), key=lambda place: place[0] - place[1])
            self._groups = memory.groups((low, high) for low, high, _ in self._found)
        group = memory.group_at(self._groups, address)
        return (self._found[number] for number in sorted(group.members)) if group else ()


def _places(objects: Iterable[Any]) -> Iterable[tuple[int, int, Any]]:
    """Where the arrays and tensors among some objects lie."""
    kinds: tuple[type, ...] = ()
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        kinds += (numpy.ndarray,)
    if torch is not None:
        kinds += (torch.Tensor,)
    for found in objects:
        if issubclass(type(found), kinds):
            place = _place(found)
            if place is not None:
                yield *place, found


def _place(found: Any) -> tuple[int, int] | None:
    if hasattr(found, "untyped_storage"):
        from nbsubmit.core.reducers.tensors import extent_of_storage

        return extent_of_storage(found)
    from nbsubmit.core.reducers.views import extent

    return extent(found) if found.size else None
