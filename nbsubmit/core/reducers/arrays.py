"""numpy's arrays: what shares memory goes on sharing it, and dates stay out of the stream.

numpy itself sends contiguous arrays of 4 KiB and more as buffers, and `nbsubmit.core.layout` keeps
buffers that overlap together. Here is the rest: small arrays and strided views, which would be
copied apart. They are noted; if it turns out that they share bytes with something else that
travels, all is pickled once more, with these bytes known to be shared.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from nbsubmit.core import memory
from nbsubmit.core.reducers import SMALLEST_BUFFER, Apart, Context, Reducer

# Numpy solves no harder riddle than this about whether two strided arrays meet.
_MOST_WORK = 10_000
# Among more arrays than this in one stretch of memory not every pair is asked about.
_MOST_PAIRED = 50


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of plain arrays; a subclass has its own ways."""
    import numpy as np

    from nbsubmit.core.reducers import in_files

    return {np.ndarray: reduce_array, np.memmap: in_files.reduce_array}.get(kind)


def reduce_array(array: Any, context: Context) -> Any:
    """Reduce an array if numpy would do it worse."""
    if id(array) in context.private:
        return _reduce_private(array, context)
    if array.size == 0:
        return NotImplemented
    start, end = extent(array)
    if context.shared and context.shared.touch(start, end):
        return _reduce_shared(array, start, end)
    if array.dtype.kind in "mM":  # numpy exports no buffer of dates
        return as_dates, (array.view("i8"), array.dtype)
    if array.dtype.hasobject or array.nbytes < SMALLEST_BUFFER or not is_contiguous(array):
        context.apart.append(Apart(start, end, array))
    return NotImplemented


def _reduce_private(array: Any, context: Context) -> Any:
    """Reduce an array so that its memory is nobody else's."""
    if array.dtype.kind in "mM":
        plain = array.view("i8")
        context.private[id(plain)] = plain
        return as_dates, (plain, array.dtype)
    if array.dtype.hasobject or array.nbytes < SMALLEST_BUFFER or not is_contiguous(array):
        return NotImplemented
    buffer = pickle.PickleBuffer(array)
    context.private_buffers[id(buffer)] = buffer
    return make_array, (buffer, array.dtype, array.shape, array.strides, 0)


def _reduce_shared(array: Any, start: int, end: int) -> Any:
    if array.dtype.hasobject:
        base = array.base
        if not isinstance(base, type(array)):
            return NotImplemented
        offset = start_of(array) - start_of(base)
        return view_of, (base, array.dtype, array.shape, array.strides, offset)
    if array.dtype.kind in "mM":
        return as_dates, (array.view("i8"), array.dtype)
    whole = _Memory(array, start, end)
    offset = start_of(array) - start
    buffer = pickle.PickleBuffer(whole.as_array())
    return make_array, (buffer, array.dtype, array.shape, array.strides, offset)


class _Memory:
    """The stretch of memory in which an array's elements lie, for numpy to look at."""

    def __init__(self, array: Any, start: int, end: int) -> None:
        self._keep = array
        self.__array_interface__ = {
            "data": (start, not array.flags.writeable),
            "shape": (end - start,),
            "typestr": "|u1",
            "version": 3,
        }

    def as_array(self) -> Any:
        import numpy as np

        return np.asarray(self)


def start_of(array: Any) -> int:
    """Return the address of an array's first element."""
    return int(array.__array_interface__["data"][0])


def extent(array: Any) -> tuple[int, int]:
    """Return the first address of an array's elements and the first one behind them."""
    start = start_of(array)
    if is_contiguous(array):
        return start, start + array.nbytes
    steps = [
        (count - 1) * step for count, step in zip(array.shape, array.strides, strict=True) if count
    ]
    low = start + sum(step for step in steps if step < 0)
    return low, start + sum(step for step in steps if step > 0) + array.itemsize


def is_contiguous(array: Any) -> bool:
    """Tell whether an array's elements lie one behind the other."""
    flags = array.flags
    return bool(flags.c_contiguous or flags.f_contiguous)


def cut_apart(aparts: list[Apart], buffers: Iterable[memoryview]) -> Iterator[tuple[int, int]]:
    """The stretches in which an array that was copied has bytes in common with something else."""
    import numpy as np

    others = [np.frombuffer(view, np.uint8) for view in buffers if view]
    arrays = [apart.array for apart in aparts] + others
    spans = [(apart.start, apart.end) for apart in aparts] + [extent(array) for array in others]
    for group in memory.groups(spans):
        copied = any(number < len(aparts) for number in group.members)
        if copied and _meet([arrays[number] for number in group.members]):
            yield group.start, group.end


def _meet(arrays: list[Any]) -> bool:
    import numpy as np

    if len(arrays) > _MOST_PAIRED:
        return True
    for one, other in combinations(arrays, 2):
        try:
            if np.shares_memory(one, other, max_work=_MOST_WORK):  # type: ignore[arg-type]
                return True
        except np.exceptions.TooHardError:
            return True
    return False


def as_dates(numbers: Any, dtype: Any) -> Any:
    """See whole numbers as the dates that they count."""
    return numbers.view(dtype)


def make_array(
    buffer: Any, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> Any:
    """See a buffer as an array."""
    import numpy as np

    return np.ndarray(shape, dtype, buffer, offset, strides)


def view_of(
    base: Any, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> Any:
    """See a part of an array of objects, which has no buffer to be seen through."""
    import numpy as np

    flat = np.lib.stride_tricks.as_strided(base, (base.size,), (base.itemsize,))
    part = flat[offset // base.itemsize :].view(dtype)
    return np.lib.stride_tricks.as_strided(part, shape, strides)
