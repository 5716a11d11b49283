"""pandas' blocks: what a frame shares with another is not to be shared on the other side.

pandas copies a block before it writes to it if it knows that somebody else refers to it. Of two
frames that arrive over the same memory it would not know.
"""

from __future__ import annotations

from typing import Any

from nbsubmit.core.reducers import Context, Reducer

# Where extension arrays keep their numpy arrays.
_PARTS = ("_ndarray", "_data", "_mask")


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of blocks; all else travels well by itself."""
    from pandas.core.internals.blocks import Block

    return reduce_block if issubclass(kind, Block) else None


def reduce_block(block: Any, context: Context) -> Any:
    """Note the block's arrays as its own, and leave the rest to pandas."""
    values = block.values
    for array in (values, *(getattr(values, part, None) for part in _PARTS)):
        if array is not None:
            context.private[id(array)] = array
    return NotImplemented
