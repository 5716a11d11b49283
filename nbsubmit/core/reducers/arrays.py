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
from nbsubmit.core.reducers import (
    SMALLEST_BUFFER,
    Apart,
    Context,
    Reducer,
    in_files,
    subclasses,
    views,
)

# Numpy solves no harder riddle than this about whether two strided arrays meet.
_MOST_WORK = 10_000
# Among more arrays than this in one stretch of memory not every pair is asked about.
_MOST_PAIRED = 50


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of arrays; a subclass may have its own ways."""
    import numpy as np

    if kind.__name__ == "RandomState":  # it may not have been loaded
        return _reduce_source
    if kind is np.ndarray or kind is np.memmap:
        return reduce_array if kind is np.ndarray else in_files.reduce_array
    is_array = issubclass(kind, np.ndarray) and subclasses.is_known(kind)
    return subclasses.reduce_array if is_array else None


def _reduce_source(source: Any, _context: Context) -> Any:
    """Have numpy's own source of chance be the one that is there."""
    return (own_source, ()) if source is own_source() else NotImplemented


def own_source() -> Any:
    """Return the source that ``np.random.seed`` is of."""
    import numpy as np

    return np.random.mtrand._rand


def reduce_array(array: Any, context: Context) -> Any:
    """Reduce an array if numpy would do it worse."""
    if id(array) in context.private:
        return _reduce_private(array, context)
    if array.size == 0:
        return NotImplemented
    if context.owners or context.shared:
        start, end = views.extent(array)
        owner = context.owners.of(array, start, end) if context.owners else None
        if owner is not None:
            return views.reduce_view(array, owner)
        if context.shared and context.shared.touch(start, end):
            return _reduce_shared(array, start, end)
    mapped = in_files.base_of(array)
    if mapped is not None:
        return views.reduce_view(array, mapped)
    is_contiguous = views.is_contiguous(array)
    if not is_contiguous and views.is_spread(array):
        return views.reduce_spread(array)
    dtype = array.dtype
    if dtype.kind in "mM":  # numpy exports no buffer of dates
        return as_dates, (array.view("i8"), dtype)
    if dtype.hasobject or array.nbytes < SMALLEST_BUFFER or not is_contiguous:
        context.apart.append(Apart(*views.extent(array), array))
    return NotImplemented


def _reduce_private(array: Any, context: Context) -> Any:
    """Reduce an array so that its memory is nobody else's."""
    if array.dtype.kind in "mM":
        plain = array.view("i8")
        context.private[id(plain)] = plain
        return as_dates, (plain, array.dtype)
    if array.dtype.hasobject or array.nbytes < SMALLEST_BUFFER or not views.is_contiguous(array):
        return NotImplemented
    buffer = pickle.PickleBuffer(array)
    context.private_buffers[id(buffer)] = buffer
    return make_array, (buffer, array.dtype, array.shape, array.strides, 0)


def _reduce_shared(array: Any, start: int, end: int) -> Any:
    if array.dtype.hasobject:
        holder = views.holder_of(array)
        return NotImplemented if holder is array else views.reduce_view(array, holder)
    if array.dtype.kind in "mM":
        return as_dates, (array.view("i8"), array.dtype)
    whole = views.Memory(array, start, end)
    offset = views.start_of(array) - start
    buffer = pickle.PickleBuffer(whole.as_bytes())
    return make_array, (buffer, array.dtype, array.shape, array.strides, offset)


def cut_apart(aparts: list[Apart], buffers: Iterable[memoryview]) -> Iterator[tuple[int, int]]:
    """The stretches in which an array that was copied has bytes in common with something else."""
    import numpy as np

    others = [np.frombuffer(view, np.uint8) for view in buffers if view]
    arrays = [apart.array for apart in aparts] + others
    spans = [(apart.start, apart.end) for apart in aparts] + [
        views.extent(array) for array in others
    ]
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
