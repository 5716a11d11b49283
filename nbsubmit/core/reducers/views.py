"""numpy's arrays that look at the memory of another object, told by where they lie in it."""

from __future__ import annotations

from typing import Any

Strides = tuple[int, ...]


class Memory:
    """A stretch of memory in which an array's elements lie, for numpy to look at."""

    def __init__(self, array: Any, start: int, end: int) -> None:
        self._keep = array
        self.__array_interface__ = {
            "data": (start, not array.flags.writeable),
            "shape": (end - start,),
            "typestr": "|u1",
            "version": 3,
        }

    def as_bytes(self) -> Any:
        """See it as an array of bytes."""
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
    """Tell whether an array's elements lie side by side, in whichever order."""
    flags = array.flags
    return bool(flags.c_contiguous or flags.f_contiguous)


def reduce_view(array: Any, owner: Any) -> Any:
    """Reduce an array as a part of its owner; of objects, if the owner is an array of such."""
    if array.dtype.hasobject and (
        getattr(owner, "dtype", None) != array.dtype or not is_contiguous(owner)
    ):
        return NotImplemented
    offset = start_of(array) - start_of(as_array(owner))
    place = (array.dtype, array.shape, array.strides, offset, bool(array.flags.writeable))
    return view_of, (owner, layout(owner), *place)


def holder_of(array: Any) -> Any:
    """Return what holds the memory of an array at last; numpy itself may stand between."""
    while (base := getattr(array, "base", None)) is not None:
        array = base
    return array


def layout(owner: Any) -> list[int]:
    """Return what has to be the same on both sides for a place in memory to mean the same."""
    if hasattr(owner, "untyped_storage"):
        return [owner.untyped_storage().nbytes(), owner.storage_offset()]
    # Of a dimension of one element numpy may say whatever it likes.
    return [step for count, step in zip(owner.shape, owner.strides, strict=True) if count > 1]


def as_array(owner: Any) -> Any:
    """See the memory of a tensor's storage as an array; an array is one."""
    if not hasattr(owner, "untyped_storage"):
        return owner
    from nbsubmit.core.reducers.tensors import as_bytes

    return as_bytes(owner.untyped_storage())


def view_of(
    owner: Any,
    expected: Any,
    dtype: Any,
    shape: tuple[int, ...],
    strides: Strides,
    offset: int,
    writeable: bool,
) -> Any:
    """See a part of an owner's memory as an array.

    Parameters
    ----------
    owner : ndarray or Tensor
        The owner on this side.
    expected : object
        Its layout on the other side. If it has quite another here, the view is one of a copy.
    dtype, shape, strides
        The view's.
    offset : int
        From the owner's first element to the view's, in bytes.
    writeable : bool
        Whether one may write through the view.
    """
    here = layout(owner)
    if here != expected:
        # A column went without the table around it: its elements lie further apart here.
        if len(expected) == len(here) == 1 and dtype == owner.dtype:
            scale = here[0] // expected[0]
            strides, offset = tuple(step * scale for step in strides), offset * scale
        else:
            owner = _in_order(owner)
    array = as_array(owner)
    view = _look(array, dtype, shape, strides, offset)
    if not writeable:
        view.flags.writeable = False
    return view


def _in_order(owner: Any) -> Any:
    """Copy an owner as it was on the other side, where it went without what lay around it."""
    if hasattr(owner, "untyped_storage"):
        return owner.detach().clone()
    return owner.copy()


def _look(array: Any, dtype: Any, shape: tuple[int, ...], strides: Strides, offset: int) -> Any:
    import numpy as np

    low, high = extent(array)
    if dtype.hasobject:  # numpy lets nobody see the addresses of objects as bytes
        step = array.itemsize
        flat = np.lib.stride_tricks.as_strided(
            array.view(np.ndarray), ((high - low) // step,), (step,)
        )
        return np.lib.stride_tricks.as_strided(flat[offset // step :], shape, strides)
    if is_contiguous(array):
        ordered = array if array.flags.c_contiguous else array.T
        # What looks at it has the owner itself for its base, as a slice of it would.
        whole = ordered.view(np.ndarray).reshape(-1).view(np.uint8)
    else:
        whole = Memory(array, low, high).as_bytes()
    return np.ndarray(shape, dtype, whole, offset + start_of(array) - low, strides)


def is_spread(array: Any) -> bool:
    """Tell whether an array shows elements more than once, as ``numpy.broadcast_to`` makes it."""
    return any(
        step == 0 and count > 1 for count, step in zip(array.shape, array.strides, strict=True)
    )


def reduce_spread(array: Any) -> Any:
    """Reduce such an array to each element once."""
    once = tuple(slice(None) if step else slice(1) for step in array.strides)
    flags = bool(array.flags.writeable)
    return spread, (array[once], array.shape, [step == 0 for step in array.strides], flags)


def spread(array: Any, shape: tuple[int, ...], fixed: list[bool], writeable: bool) -> Any:
    """Show the elements of an array more than once."""
    import numpy as np

    strides = [0 if stays else step for stays, step in zip(fixed, array.strides, strict=True)]
    return np.lib.stride_tricks.as_strided(array, shape, strides, writeable=writeable)
