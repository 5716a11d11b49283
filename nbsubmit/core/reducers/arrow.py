"""Arrow's arrays: a slice goes without the rest of the array that it was cut from."""

from __future__ import annotations

from typing import Any

from nbsubmit.core.reducers import Context, Reducer

# Below this it does not matter how much goes.
_SMALL = 1 << 16
# Each text of a view has a head of so many bytes, of which the first four tell its length.
_HEAD = 16


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of arrays; tables and columns consist of them."""
    import pyarrow

    if issubclass(kind, pyarrow.Tensor):
        return reduce_tensor
    return reduce_array if issubclass(kind, pyarrow.Array) else None


def reduce_array(array: Any, context: Context) -> Any:
    """Reduce a slice of less than a half as a copy; pickling would take the whole buffers."""
    import pyarrow

    whole = array.get_total_buffer_size()
    if whole <= _SMALL:
        return NotImplemented
    types = pyarrow.types
    if types.is_dictionary(array.type):
        # Of all its texts each may be wanted, also those that no element has.
        indices = array.indices
        if 2 * indices.nbytes > indices.get_total_buffer_size():
            return NotImplemented
        return as_dictionary, (_copied(indices), array.dictionary, array.type)
    if types.is_string_view(array.type) or types.is_binary_view(array.type):
        if 2 * _bytes_of_views(array) > whole:
            return NotImplemented
        is_text = types.is_string_view(array.type)
        plain = pyarrow.large_string() if is_text else pyarrow.large_binary()
        return as_views, (array.cast(plain), array.type)
    if 2 * array.nbytes > whole:
        return NotImplemented
    return itself, (_copied(array),)


def _copied(array: Any) -> Any:
    import pyarrow

    if pyarrow.types.is_union(array.type) and array.type.mode == "dense":  # cannot be concatenated
        return array.take(pyarrow.array(range(len(array)), pyarrow.int64()))
    # Two pieces, for of one alone nothing is copied.
    return pyarrow.concat_arrays([array, array.slice(0, 0)])


def _bytes_of_views(array: Any) -> int:
    """How much an array of views needs by itself; Arrow counts whatever lies around it too."""
    import numpy as np

    heads = np.frombuffer(array.buffers()[1], "<i4")[:: _HEAD // 4]
    lengths = heads[array.offset : array.offset + len(array)]
    return len(array) * _HEAD + int(lengths.sum(dtype=np.int64))


def reduce_tensor(tensor: Any, context: Context) -> Any:
    """Reduce a tensor, which Arrow itself cannot, as numpy's array."""
    names = [tensor.dim_name(number) for number in range(len(tensor.dim_names))]
    return as_tensor, (tensor.to_numpy(), names or None)


def itself(array: Any) -> Any:
    """Return the array."""
    return array


def as_dictionary(indices: Any, dictionary: Any, kind: Any) -> Any:
    """See numbers as the elements of a dictionary."""
    import pyarrow

    return pyarrow.DictionaryArray.from_arrays(indices, dictionary, ordered=kind.ordered)


def as_views(array: Any, kind: Any) -> Any:
    """See texts as views, as they were."""
    return array.cast(kind)


def as_tensor(array: Any, names: Any) -> Any:
    """See numpy's array as one of Arrow's."""
    import pyarrow

    return pyarrow.Tensor.from_numpy(array, names)
