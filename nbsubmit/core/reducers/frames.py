"""pandas' blocks: what a frame shares with another is not to be shared on the other side.

pandas copies a block before it writes to it if it knows that somebody else refers to it. Of two
frames that arrive over the same memory it would not know.

Columns of text are Arrow's, which nobody writes to. pandas copies them whole to pickle them, which
is needed only where a column is in several pieces.
"""

from __future__ import annotations

import copyreg
from typing import Any

from nbsubmit.core.reducers import Context, Reducer

# As much more than its elements may an Arrow array hold and still go as it is.
_ROUNDING = 1 << 16
# Where extension arrays keep their numpy arrays.
_PARTS = ("_ndarray", "_data", "_mask")


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of blocks and of Arrow's columns; all else travels well by itself."""
    from pandas.core.arrays import ArrowExtensionArray
    from pandas.core.arrays._mixins import NDArrayBackedExtensionArray
    from pandas.core.internals import SingleBlockManager
    from pandas.core.internals.blocks import Block

    if issubclass(kind, Block):
        return reduce_block
    if issubclass(kind, SingleBlockManager):
        return reduce_manager
    if issubclass(kind, NDArrayBackedExtensionArray):
        return reduce_backed
    if not issubclass(kind, ArrowExtensionArray):
        return None
    pandas_own = kind.__getstate__ is ArrowExtensionArray.__getstate__
    return reduce_column if pandas_own else None


def reduce_block(block: Any, context: Context) -> Any:
    """Note the block's arrays as its own, and leave the rest to pandas."""
    values = block.values
    for array in (values, *(getattr(values, part, None) for part in _PARTS)):
        if array is not None:
            context.private[id(array)] = array
    return NotImplemented


def reduce_manager(manager: Any, context: Context) -> Any:
    """Do so for a series, which pickles its array in place of the block around it."""
    for block in manager.blocks:
        reduce_block(block, context)
    return NotImplemented


def reduce_backed(array: Any, context: Context) -> Any:
    """Reduce an array of dates as pandas does, without what it has found out about itself.

    A frame would else have changed as soon as somebody has asked it for a year.
    """
    reduced = array.__reduce_ex__(5)
    try:
        build, arguments, (dtype, values, attributes) = reduced
    except ValueError:
        return reduced
    left = {name: value for name, value in attributes.items() if name != "_cache"}
    return build, arguments, (dtype, values, left) if left else (dtype, values)


def reduce_column(column: Any, _context: Context) -> Any:
    """Reduce a column that is in one piece as pandas does, without a copy of the piece."""
    pieces = getattr(column, "_pa_array", None)
    if pieces is None or pieces.num_chunks != 1:
        return NotImplemented
    piece = pieces.chunk(0)
    if piece.get_total_buffer_size() > piece.nbytes + _ROUNDING:  # a slice of more
        return NotImplemented
    state = {**vars(column), "_pa_array": piece}
    if "_cache" in state:
        state["_cache"] = {}
    return copyreg.__newobj__, (type(column),), state  # type: ignore[attr-defined]
