"""Subclasses of numpy's array: matrices, records, masked arrays, the user's own.

Each is a plain array, whose memory others may share, and what its class adds to it: attributes,
which numpy's own way of pickling forgets, and the mask of a masked one.
"""

from __future__ import annotations

from typing import Any

from nbsubmit.core.reducers import Context


def is_known(kind: type) -> bool:
    """Tell whether such an array is its elements, its attributes and perhaps a mask, no more."""
    import numpy as np

    if kind is np.ma.MaskedArray:
        return True
    ways = ("__reduce__", "__reduce_ex__", "__setstate__")
    return kind is not np.ndarray and all(
        getattr(kind, way) is getattr(np.ndarray, way) for way in ways
    )


def reduce_array(array: Any, _context: Context) -> Any:
    """Reduce an array to a plain one over the same memory and what its class adds."""
    return see_as, (type(array), elements_of(array)), added_to(array), None, None, add


def elements_of(array: Any) -> Any:
    """See an array as a plain one."""
    import numpy as np

    return np.ndarray.view(array, np.ndarray)


def see_as(kind: type, plain: Any) -> Any:
    """See a plain array as one of this class."""
    import numpy as np

    return np.ndarray.view(plain, kind)


def added_to(array: Any) -> dict[str, Any]:
    """Return what the class of an array adds to it."""
    return {name: part for name, part in vars(array).items() if name != "_mmap"}


def add(array: Any, added: dict[str, Any]) -> None:
    """Give an array what its class adds, in place of what it has."""
    attributes = vars(array)
    kept = {name: part for name, part in attributes.items() if name == "_mmap"}
    attributes.clear()
    attributes.update(kept | added)


def add_in_place(array: Any, added: dict[str, Any]) -> None:
    """Do so and have the mask stay the same, for views of the array look at it.

    An array that has got a mask of its own meanwhile has that one.
    """
    old, new = vars(array).get("_mask"), added.get("_mask")
    own = vars(array).get("_sharedmask") and not added.get("_sharedmask")
    if not own and _fits(old, new):
        old[...] = new
        added = {**added, "_mask": old}
    add(array, added)


def _fits(old: Any, new: Any) -> bool:
    """Tell whether one mask can take on what the other says; many arrays have none."""
    shape = getattr(new, "shape", ())
    return bool(shape) and getattr(old, "shape", ()) == shape and old.dtype == new.dtype
