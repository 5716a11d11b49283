"""torch's tensors on the processor: storages are buffers, and tensors over one storage stay that.

torch itself writes each storage into the stream by ``torch.save``. As a buffer it is not copied, is
mapped on the other side, and what it shares with numpy's arrays it goes on sharing.
"""

from __future__ import annotations

import functools
import pickle
from typing import TYPE_CHECKING, Any

from nbsubmit.core.reducers import SMALLEST_BUFFER, Apart, Context, Reducer, views

if TYPE_CHECKING:
    from nbsubmit.core.reducers.owners import Owners

# A view of less than a tenth of a storage of this size goes without the rest of it.
_LARGE_STORAGE, _SMALL_PART = 1 << 20, 10


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of tensors and their storages."""
    import torch

    if issubclass(kind, torch.UntypedStorage):
        return reduce_storage
    if issubclass(kind, torch.storage.TypedStorage):
        return reduce_typed
    if kind in (torch.finfo, torch.iinfo):
        return reduce_limits
    own = (torch.Tensor.__reduce_ex__, torch.nn.Parameter.__reduce_ex__)
    # Others have ways of their own.
    return reduce_tensor if getattr(kind, "__reduce_ex__", None) in own else None


def reduce_tensor(tensor: Any, context: Context) -> Any:
    """Reduce a tensor with what torch itself forgets: its gradient, and that it was computed."""
    if context.owners and context.owners.is_content(tensor):
        return _reduce_content(tensor, context.owners)
    if not tensor.is_leaf:
        return as_computed, (_without_graph(tensor), tensor.grad if tensor.retains_grad else None)
    if tensor.grad is None and _is_strided(tensor) and type(tensor).__name__ == "Tensor":
        part = _reduce_part(tensor, context)
        if part is not None:
            return part
    is_parameter = type(tensor).__name__ == "Parameter"
    if tensor.grad is None and (is_parameter or not tensor.requires_grad):
        return _reduced(tensor)
    build, arguments = _reduced(tensor if is_parameter else _without_graph(tensor))
    return with_gradient, (build, arguments, tensor.requires_grad, tensor.grad)


def _reduce_content(tensor: Any, owners: Owners) -> Any:
    """Reduce what a tensor holds by itself: its memory is that of the tensor."""
    elements = as_bytes(tensor.untyped_storage())
    owners.note_content(elements)
    place = (tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
    return elements_as, (elements, tensor.dtype, *place)


def elements_as(
    elements: Any, dtype: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> Any:
    """See bytes as a tensor."""
    import torch

    return torch.empty(0, dtype=dtype).set_(make_storage(elements), offset, shape, strides)


def _is_strided(tensor: Any) -> bool:
    """Tell whether a tensor lies in one storage of this machine's memory."""
    if tensor.is_nested or tensor.is_quantized:
        return False
    return str(tensor.layout) == "torch.strided" and tensor.device.type == "cpu"


def _without_graph(tensor: Any) -> Any:
    """Return a tensor over the same memory that was not computed from others."""
    plain = tensor.detach()
    vars(plain).update(vars(tensor))
    return plain


def _reduced(tensor: Any) -> tuple[Any, Any]:
    """Reduce as torch does it, in a form that anybody's pickle can load.

    Of the newer kinds of elements torch passes the storage alone, and its own unpickler gives it
    the type that it needs.
    """
    import torch

    build, arguments, *_ = tensor.__reduce_ex__(5)
    build_newer = getattr(torch._utils, "_rebuild_tensor_v3", None)
    if build is build_newer:
        arguments = _with_typed_storage(arguments)
    elif len(arguments) > 2 and arguments[0] is build_newer:  # of a class of its own
        inner, kind, parts, *rest = arguments
        arguments = (inner, kind, _with_typed_storage(parts), *rest)
    return build, arguments


def _with_typed_storage(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    import torch

    storage, offset, size, stride, _requires_grad, *rest = arguments
    # torch cannot give a storage to a tensor of these kinds that already requires a gradient.
    return make_typed(storage, torch.uint8), offset, size, stride, False, *rest


def _reduce_part(tensor: Any, context: Context) -> Any:
    """Reduce a small part of a large storage as a copy, unless something else shares it."""
    whole, part = tensor.untyped_storage().nbytes(), tensor.numel() * tensor.element_size()
    if whole < _LARGE_STORAGE or part * _SMALL_PART > whole or not tensor.is_contiguous():
        return None
    start = tensor.data_ptr()
    if context.shared and context.shared.touch(start, start + part):
        return None
    if context.owners and context.owners.of(tensor, start, start + part) is not None:
        return None
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
    untyped = context.one_of.setdefault(untyped._cdata, untyped)
    return make_typed, (untyped, storage.dtype)


def reduce_storage(storage: Any, context: Context) -> Any:
    """Reduce a storage as a buffer."""
    if storage.device.type != "cpu":
        return NotImplemented
    if not storage.nbytes():
        return make_storage, (b"",)
    array = as_bytes(storage)
    start, end = views.extent(array)
    owner = context.owners.of(array, start, end) if context.owners else None
    if owner is None:
        is_shared = context.shared and context.shared.touch(start, end)
        if array.nbytes < SMALLEST_BUFFER and not is_shared:  # it goes into the stream
            context.apart.append(Apart(start, end, array))
        return make_storage, (pickle.PickleBuffer(array),)
    if hasattr(owner, "untyped_storage") and extent_of_storage(owner) == (start, end):
        return storage_of, (owner, views.layout(owner))
    return make_storage, (array,)


def extent_of_storage(owner: Any) -> tuple[int, int] | None:
    """Return where the memory of a tensor begins and ends; None if it has none here, or none."""
    if not _is_strided(owner):
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


def reduce_limits(limits: Any, context: Context) -> Any:
    """Reduce the limits of a kind of numbers as the kind."""
    import torch

    return type(limits), (getattr(torch, limits.dtype),)


def with_gradient(build: Any, arguments: Any, requires_grad: bool, gradient: Any) -> Any:
    """Build a tensor and give it its gradient."""
    tensor = build(*arguments).requires_grad_(requires_grad)
    tensor.grad = gradient
    return tensor


def as_computed(plain: Any, gradient: Any) -> Any:
    """Make a tensor one that was computed from others, which are not here.

    Its values are as good as ever. As a leaf it would take a ``backward()`` without a word, and
    the gradient of whatever it was computed from would never come.
    """
    import torch

    with torch.enable_grad():
        tensor = _computed_elsewhere().apply(torch.empty(0, requires_grad=True), [plain])
    if gradient is not None:
        tensor.retain_grad()
        tensor.grad = gradient
    return tensor


@functools.cache
def _computed_elsewhere() -> Any:
    import torch

    class ComputedElsewhere(torch.autograd.Function):
        """Stands for how a tensor was computed in another process."""

        @staticmethod
        def forward(ctx: Any, _anchor: Any, held: list[Any]) -> Any:
            return held[0]  # as an argument of its own it would come out as a view of itself

        @staticmethod
        def backward(ctx: Any, *_gradients: Any) -> Any:
            raise RuntimeError(
                "a tensor arrived here from another process without the tensors that it was "
                "computed from, so that backward() cannot reach them; compute it in the same cell "
                "as backward(), or send tensor.detach() if its values are all that is needed"
            )

    return ComputedElsewhere


def as_part(copy: Any, requires_grad: bool) -> Any:
    """Return a copy that stands for a part of a larger storage."""
    return copy.requires_grad_(requires_grad)
