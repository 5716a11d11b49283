"""torch's tensors on the processor: storages are buffers, and tensors over one storage stay that.

torch itself writes each storage into the stream by ``torch.save``. As a buffer it is not copied, is
mapped on the other side, and what it shares with numpy's arrays it goes on sharing.
"""

from __future__ import annotations

import pickle
from typing import Any

from nbsubmit.core.reducers import Apart, Context, Reducer, views

# A view of less than a tenth of a storage of this size goes without the rest of it.
_LARGE_STORAGE, _SMALL_PART = 1 << 20, 10


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of tensors and their storages."""
    import torch

    if issubclass(kind, torch.UntypedStorage):
        return reduce_storage
    if issubclass(kind, torch.storage.TypedStorage):
        return reduce_typed
    return reduce_tensor if issubclass(kind, torch.Tensor) else None


def reduce_tensor(tensor: Any, context: Context) -> Any:
    """Reduce a small part of a large storage as a copy, unless something else shares it.

    A gradient goes with its tensor, which torch itself forgets.
    """
    if tensor.is_leaf and tensor.grad is not None:
        build, arguments, *_ = tensor.__reduce_ex__(5)
        return with_gradient, (build, arguments, tensor.grad)
    if type(tensor).__name__ != "Tensor":
        return NotImplemented
    if tensor.is_quantized or str(tensor.layout) != "torch.strided" or str(tensor.device) != "cpu":
        return NotImplemented
    whole, part = tensor.untyped_storage().nbytes(), tensor.numel() * tensor.element_size()
    if whole < _LARGE_STORAGE or part * _SMALL_PART > whole or not tensor.is_contiguous():
        return NotImplemented
    start = tensor.data_ptr()
    if context.shared and context.shared.touch(start, start + part):
        return NotImplemented
    copied = _bytes_of(tensor.untyped_storage(), start, part)
    context.apart.append(Apart(start, start + part, copied))
    return as_part, (tensor.detach().clone(), tensor.requires_grad)


def _bytes_of(storage: Any, start: int, size: int) -> Any:
    offset = start - storage.data_ptr()
    return as_bytes(storage)[offset : offset + size]


def as_bytes(storage: Any) -> Any:
    """See a storage as an array of bytes."""
    import torch

    return torch.empty(0, dtype=torch.uint8).set_(storage).numpy()


def reduce_typed(storage: Any, context: Context) -> Any:
    """Reduce a storage that knows its type as one that does not, and the type."""
    untyped = storage._untyped_storage  # its public ways there warn
    if untyped.device.type != "cpu":
        return NotImplemented
    # torch makes another Python object for the same storage each time that it is asked.
    untyped = context.one_of.setdefault(untyped.data_ptr() or id(untyped), untyped)
    return make_typed, (untyped, storage.dtype)


def reduce_storage(storage: Any, context: Context) -> Any:
    """Reduce a storage as a buffer."""
    if storage.device.type != "cpu":
        return NotImplemented
    if not storage.nbytes():
        return make_storage, (b"",)
    array = as_bytes(storage)
    owner = context.owners.of(array, *views.extent(array)) if context.owners else None
    if owner is None:
        return make_storage, (pickle.PickleBuffer(array),)
    if hasattr(owner, "untyped_storage") and extent_of_storage(owner) == views.extent(array):
        return storage_of, (owner, views.layout(owner))
    return make_storage, (array,)


def extent_of_storage(owner: Any) -> tuple[int, int] | None:
    """Return where the memory of a tensor begins and ends; None if it has none here, or none."""
    if str(owner.layout) != "torch.strided" or owner.device.type != "cpu":
        return None
    storage = owner.untyped_storage()
    start, size = storage.data_ptr(), storage.nbytes()
    return (start, start + size) if size else None


def storage_of(owner: Any, expected: Any) -> Any:
    """Return the storage that a tensor looks at."""
    if views.layout(owner) != expected:
        owner = owner.detach().clone()
    return owner.untyped_storage()


def make_storage(buffer: Any) -> Any:
    """See a buffer as a storage."""
    import torch

    view = memoryview(buffer)
    if not len(view):
        return torch.UntypedStorage(0)  # type: ignore[no-untyped-call]
    if view.readonly:  # torch has no storage that may not be written to
        buffer = bytearray(view)
    return torch.frombuffer(buffer, dtype=torch.uint8).untyped_storage()


def make_typed(storage: Any, dtype: Any) -> Any:
    """Give a storage its type."""
    import torch

    typed: Any = torch.storage.TypedStorage
    return typed(wrap_storage=storage, dtype=dtype, _internal=True)


def with_gradient(build: Any, arguments: Any, gradient: Any) -> Any:
    """Build a tensor and give it its gradient."""
    tensor = build(*arguments)
    tensor.grad = gradient
    return tensor


def as_part(copy: Any, requires_grad: bool) -> Any:
    """Return a copy that stands for a part of a larger storage."""
    return copy.requires_grad_(requires_grad)
