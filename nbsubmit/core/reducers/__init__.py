"""Types of other packages that travel better than their own way of pickling lets them.

A package's module here is loaded when the first value of the package is met, so nobody pays for
packages that are not used: 5 ms for numpy's, besides numpy itself.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from nbsubmit.core import unpicklable
from nbsubmit.core.record import dataclass

if TYPE_CHECKING:
    from nbsubmit.core.memory import Spans
    from nbsubmit.core.reducers.owners import Owners

# A smaller buffer is not worth an entry of its own in the list of contents.
SMALLEST_BUFFER = 4096


@dataclass(frozen=True)
class Apart:
    """An array whose bytes go into the stream as a copy, apart from whoever shares them.

    Attributes
    ----------
    start, end : int
        The stretch of memory in which its elements lie.
    array : ndarray
        The array.
    """

    start: int
    end: int
    array: Any


class Context(Protocol):
    """What a reducer may ask of the pickler and tell it.

    Attributes
    ----------
    shared : Spans or None
        Memory that several values share: whatever lies there has to stay out of the stream.
    apart : list of Apart
        Takes the arrays that are copied into the stream.
    private : dict
        By `id`, arrays that must not share memory although they do here: their owner copies
        them before it writes, which it cannot know to do on the other side.
    private_buffers : dict
        By `id`, their buffers.
    owners : Owners or None
        Finds the object of the other side whose memory an array looks at.
    one_of : dict
        One object for each of those that a package makes anew whenever it is asked.
    """

    shared: Spans | None
    apart: list[Apart]
    private: dict[int, Any]
    private_buffers: dict[int, Any]
    owners: Owners | None
    one_of: dict[int, Any]


Reducer = Callable[[Any, Context], Any]

# Package → the module here that knows its types.
_MODULES = {
    "IPython": "nbsubmit.core.reducers.shells",
    "matplotlib": "nbsubmit.core.reducers.figures",
    "numpy": "nbsubmit.core.reducers.arrays",
    "pandas": "nbsubmit.core.reducers.frames",
    "polars": "nbsubmit.core.reducers.polars",
    "pyarrow": "nbsubmit.core.reducers.arrow",
    "torch": "nbsubmit.core.reducers.tensors",
}
_found: dict[type, Reducer | None] = {}


def refuse(value: Any, _context: Context) -> NoReturn:
    """Say of a value that it cannot be pickled, before pickling tries its parts."""
    known = unpicklable.kind_of(value)
    raise pickle.PicklingError(f"cannot pickle {known.what if known else type(value).__name__}")


def find(kind: type) -> Reducer | None:
    """Return what reduces values of this type, if anything here does."""
    # 0.2 µs instead of 5 for each value that is asked about.
    try:
        return _found[kind]
    except KeyError:
        found = _found[kind] = _search(kind)
        return found
    except TypeError:  # a metaclass whose classes cannot be hashed
        return _search(kind)


def _search(kind: type) -> Reducer | None:
    if unpicklable.of_type(kind) is not None:
        return refuse
    for base in kind.__mro__:
        package = getattr(base, "__module__", None)
        if isinstance(package, str):
            name = _MODULES.get(package.partition(".")[0])
            if name is not None:
                reducer: Reducer | None = importlib.import_module(name).reducer_of(kind)
                return reducer
    return None
