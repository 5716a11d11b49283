"""Arrow's arrays: a slice goes without the rest of the array that it was cut from."""

from __future__ import annotations

from typing import Any

from nbsubmit.core.reducers import Context, Reducer

# Below this it does not matter how much goes.
_SMALL = 1 << 16


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of arrays; tables and columns consist of them."""
    import pyarrow

    return reduce_array if issubclass(kind, pyarrow.Array) else None


def reduce_array(array: Any, context: Context) -> Any:
    """Reduce a slice of less than a half as a copy; pickling would take the whole buffers."""
    whole = array.get_total_buffer_size()
    if whole <= _SMALL or 2 * array.nbytes > whole:
        return NotImplemented
    import pyarrow

    # Two pieces, for of one alone nothing is copied.
    return itself, (pyarrow.concat_arrays([array, array.slice(0, 0)]),)


def itself(array: Any) -> Any:
    """Return the array."""
    return array
