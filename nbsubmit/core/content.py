"""A value's content as a hash that is the same in every process which has the same value.

What a fingerprint tells apart holds within one process alone: where code was compiled, by what id a
class is known, in what order a set gives its elements. Here none of that counts.
"""

from __future__ import annotations

import io
import pickle
import types
from collections.abc import Iterable, Mapping
from typing import Any

import xxhash

from nbsubmit.core import blobs, own_modules
from nbsubmit.core.definitions import classes, code
from nbsubmit.core.garbage import uncollected
from nbsubmit.core.home import Namespace
from nbsubmit.core.pickling import ValuePickler

_SETS = (set, frozenset)
# What a class says of where it was written.
_PLACES = ("__firstlineno__",)


def digest(value: Any, home: Namespace) -> str:
    """Return a hash of a value's content, and of the user's own modules that it is made with.

    Parameters
    ----------
    value : object
        The value.
    home : dict
        The namespace whose functions count without what they read there.

    Raises
    ------
    Exception
        Whatever pickling raises.
    """
    hashes = _Hash()
    pickler = _ContentPickler(hashes, home, {}, hashes.take)
    with uncollected():
        pickler.dump(value)
    hashes.write(repr(sorted(own_modules.texts(pickler.modules).items())).encode())
    return hashes.digest.hexdigest()


def together(parts: Mapping[str, str] | Iterable[str]) -> str:
    """Return one hash of several texts; of a mapping in the order of its keys."""
    items = sorted(parts.items()) if isinstance(parts, Mapping) else list(parts)
    return xxhash.xxh3_128_hexdigest(repr(items).encode())


class _Hash(io.RawIOBase):
    """Hashes what is written; of large buffers their names as blobs."""

    def __init__(self) -> None:
        self.digest = xxhash.xxh3_128()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return memoryview(data).nbytes

    def take(self, buffer: pickle.PickleBuffer) -> bool:
        """Hash a buffer."""
        view = buffer.raw()
        large = len(view) >= blobs.SMALLEST_BLOB
        self.digest.update(blobs.name_of([view]).encode() if large else view)
        return False


class _ContentPickler(ValuePickler):
    """Pickles what is not loaded again."""

    def persistent_id(self, obj: Any) -> Any:
        """Have a set go by its elements, in an order that depends on them alone."""
        if type(obj) not in _SETS:
            return None
        return type(obj).__name__, sorted(digest(element, self.home) for element in obj)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.CodeType):
            return code.reduce_code(obj.replace(co_filename="", co_firstlineno=1, co_linetable=b""))
        return super().reducer_override(obj)

    def _note_needs(self, kind: type) -> None:
        pass

    def _reduce_class(self, kind: type) -> Any:
        reduced = super()._reduce_class(kind)
        if isinstance(reduced, tuple) and reduced[0] is classes.make_class:
            _, *arguments, header = reduced[1]
            header = {name: value for name, value in header.items() if name not in _PLACES}
            return reduced[0], (*arguments, header), *reduced[2:]
        return reduced

    def _dynamic_function_reduce(self, func: types.FunctionType) -> Any:
        reduced = super()._dynamic_function_reduce(func)
        if reduced[0] is code.make_function:
            attributes, slots, _ = reduced[2]  # which submodules are loaded is no matter
            return *reduced[:2], (attributes, slots), *reduced[3:]
        return reduced
