"""An object that a job changed ↔ its content, which the object itself takes on at home.

A cell that appends to a list has appended to it for every name, container and view that the list is
known by. So what comes back is not another list but the list's content; and whatever else comes
back and holds the list refers to it by the name under which it was sent.
"""

from __future__ import annotations

import collections
import copyreg
import struct
import sys
import types
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from nbsubmit.core.definitions import closures
from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.definitions.parts import set_parts
from nbsubmit.core.garbage import uncollected
from nbsubmit.core.record import dataclass
from nbsubmit.core.reducers import subclasses

_HEAP_TYPE = 1 << 9
# A copy of this size is mapped in no time. To copy it once more takes as much memory, and 0.1 ms
# for each MB.
_LARGE = 1 << 20
_CONTAINERS = (list, dict, set, bytearray, collections.deque)
_FLAGS = (bool, int, str, type(None))
# Keys that are there, and can be hashed, before anything else is loaded.
_PLAIN_KEYS = {str, int, float, bool, bytes, type(None)}
_MAKERS = (copyreg.__newobj__, copyreg.__newobj_ex__)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Content:
    """What an object holds; of a class or function, what is changed in it.

    Attributes
    ----------
    state : object
        Its attributes, as pickling takes them; of an array, what its class adds.
    items : list or None
        The elements of a sequence or a set; the parts that a class has no longer.
    pairs : list or dict or None
        Keys and values of a mapping; parts of a class.
    array : ndarray or None
        The elements of an array.
    tensor : Tensor or None
        The elements of a tensor.
    kind : type or None
        The object's class, if it has become one of another.
    """

    state: Any = None
    items: Any = None
    pairs: list[tuple[Any, Any]] | dict[Any, Any] | None = None
    array: Any = None
    tensor: Any = None
    kind: type | None = None


def content_of(value: Any) -> Content | None:
    """Return what an object holds; None if its type does not let it take on another content."""
    kind = type(value)
    if is_of(value, "numpy", "ndarray"):
        return Content(array=value.view())
    if _is_subclassed(value):
        return Content(subclasses.added_to(value), array=subclasses.elements_of(value))
    if is_tensor(value):
        return _of_tensor(value)
    if is_of(value, "torch._C", "Generator"):
        return Content(value.get_state())
    bits = _bits_of(value)
    if bits is not None:
        return Content((bits.state, getattr(bits.seed_seq, "n_children_spawned", 0)))
    if _is_chance(value):
        return Content(state=value.getstate()) if is_of(value, "random", "Random") else None
    if isinstance(value, _CONTAINERS):
        return _contained(value)
    return _reduced(value) if _is_plain(kind) else None


def content_of_part(part: Any) -> Content | None:
    """Return what a part of a changed object holds, if it has to be the very same part at home.

    Tensors have to: optimisers hold the weights of models. One whose attributes may lead back to
    itself goes with what holds it.
    """
    if not is_tensor(part) or not all(isinstance(v, _FLAGS) for v in vars(part).values()):
        return None
    return _of_tensor(part)


def _of_tensor(tensor: Any) -> Content | None:
    """Take a tensor's elements, its gradient and its attributes.

    One that was computed refers to what it was computed from, which has not come along.
    """
    if not tensor.is_leaf or str(tensor.layout) != "torch.strided" or tensor.device.type != "cpu":
        return None
    if tensor.is_quantized or tensor.is_nested or tensor.is_conj() or tensor.is_neg():
        return None
    state = (tensor.requires_grad, tensor.grad, dict(vars(tensor)))
    return Content(state, tensor=tensor.detach())


def _contained(value: Any) -> Content:
    """Take the elements of a container that may have attributes besides."""
    slots = {n: s.__get__(value) for n, s in _slots(type(value)).items() if hasattr(value, n)}
    state: Any = dict(getattr(value, "__dict__", ())) or None
    if slots:
        state = state, slots
    if type(value) is dict and set(map(type, value)) <= _PLAIN_KEYS:
        return Content(state, pairs=value.copy())
    if isinstance(value, dict):
        # An ordered one has an order of its own besides.
        ordered = isinstance(value, collections.OrderedDict)
        with uncollected():
            return Content(state, pairs=list(value.items() if ordered else dict.items(value)))
    return Content(state, items=list(value))


def _reduced(value: Any) -> Content | None:
    """Take what the object's own way of pickling says, if that is but its attributes."""
    reduced: Any = value.__reduce_ex__(5)
    if not isinstance(reduced, tuple) or reduced[0] not in _MAKERS or any(reduced[3:]):
        return None
    state = reduced[2] if len(reduced) > 2 else None
    # A copy: it may be the very dictionary in which the attributes are.
    return Content(dict(state) if type(state) is dict else state)


def take_on(value: Any, content: Content) -> Any:
    """Give an object a content and return it, or what has to stand in its place.

    Raises
    ------
    Exception
        Whatever the object's own methods raise; it is then as it was.
    """
    if content.array is not None:
        return _copied(value, content)
    if content.tensor is not None:
        return _learnt(value, content)
    if is_class(value):
        _change_class(value, content)
    elif isinstance(value, types.FunctionType):
        closures.change(value, dict(content.pairs or ()), content.items or ())
    elif is_of(value, "torch._C", "Generator"):
        value.set_state(content.state)
    elif (bits := _bits_of(value)) is not None:
        bits.state, spawned = content.state
        seeds = bits.seed_seq
        if spawned > getattr(seeds, "n_children_spawned", spawned):
            seeds.spawn(spawned - seeds.n_children_spawned)
    elif _is_chance(value):
        value.setstate(content.state)
    else:
        before, kind = content_of(value), type(value)
        try:
            if content.kind is not None:
                value.__class__ = content.kind
            _fill(value, content)
        except BaseException:
            if before is not None:
                if type(value) is not kind:
                    value.__class__ = kind
                _fill(value, before)
            raise
    return value


def _change_class(kind: type, content: Content) -> None:
    """Set the parts that were changed and remove those that are gone; the others stay."""
    set_parts(kind, dict(content.pairs or ()))
    for name in content.items or ():
        if name in vars(kind):
            type.__delattr__(kind, name)


def _fill(value: Any, content: Content) -> None:
    if isinstance(value, bytearray):
        value[:] = bytes(content.items or ())  # emptied first it could not keep its views
    elif isinstance(value, _CONTAINERS):
        value.clear()
        _refill(value, content)
    _set_attributes(value, content.state)


def _refill(value: Any, content: Content) -> None:
    if isinstance(value, set):
        value.update(content.items or ())
    elif content.items:
        value.extend(content.items)
    pairs = content.pairs or ()
    for key, part in pairs.items() if isinstance(pairs, dict) else pairs:
        value[key] = part


def _set_attributes(value: Any, state: Any) -> None:
    """Set the attributes as unpickling does, in place of those that are there."""
    attributes = getattr(value, "__dict__", None)
    if attributes is not None:
        attributes.clear()
    for slot in _slots(type(value)).values():
        with suppress(AttributeError):
            slot.__delete__(value)
    if state is None:
        return
    if hasattr(value, "__setstate__"):
        value.__setstate__(state)
        return
    named, slotted = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    if named:
        value.__dict__.update(named)
    for name, part in (slotted or {}).items():
        setattr(value, name, part)


def _copied(old: Any, content: Content) -> Any:
    """Copy an array's elements, unless it has become another kind of array."""
    new, added = content.array, content.state
    fits = old.flags.writeable and (old.dtype, old.shape) == (new.dtype, new.shape)
    if added is None:
        if not fits:
            return new
        old[...] = new
        old.flags.writeable = new.flags.writeable
    elif fits:
        subclasses.elements_of(old)[...] = new
        subclasses.add_in_place(old, added)
    else:
        whole = subclasses.see_as(type(old), new)
        subclasses.add(whole, added)
        return whole
    return old


def _learnt(tensor: Any, content: Content) -> Any:
    """Give a tensor other elements, a gradient and attributes, and return it.

    Whoever holds it or a view of it, such as an optimiser, has them too.
    """
    new = content.tensor
    requires_grad, gradient, attributes = content.state
    old = tensor.detach()
    # A tensor that repeats its elements has no room for others.
    if (old.dtype, old.shape) == (new.dtype, new.shape) and 0 not in old.stride():
        old.copy_(new)
    else:
        tensor.data = new
    tensor.requires_grad_(requires_grad)
    tensor.grad = gradient
    vars(tensor).clear()
    vars(tensor).update(attributes)
    return tensor


def _is_plain(kind: type) -> bool:
    """Tell whether all that an instance is lies in its attributes, none of it in C."""
    if issubclass(kind, (type, BaseException)):
        return False
    # The parts of a figure refer to each other in more ways than names do: they change as a whole.
    if kind.__module__.partition(".")[0] == "matplotlib":
        return False
    if not all(base is object or base.__flags__ & _HEAP_TYPE for base in kind.__mro__):
        return False
    # At most a dictionary, a list of weak references, and the slots.
    words = 2 + len(_slots(kind))
    return kind.__basicsize__ <= object.__basicsize__ + words * struct.calcsize("P")


def _slots(kind: type) -> dict[str, types.MemberDescriptorType]:
    """The slots that classes written in Python have declared."""
    return {
        name: member
        for base in reversed(kind.__mro__)
        if "__slots__" in base.__dict__
        for name, member in base.__dict__.items()
        if isinstance(member, types.MemberDescriptorType)
    }


def is_large(content: Content) -> bool:
    """Tell whether a content is an array that is better bound than copied."""
    plain = content.array is not None and content.state is None
    return plain and content.array.nbytes >= _LARGE


def is_of(value: Any, module: str, name: str) -> bool:
    """Tell whether a value is of this very type, without loading the module."""
    return (type(value).__module__, type(value).__name__) == (module, name)


def _is_subclassed(value: Any) -> bool:
    """Tell whether a value is of a subclass of numpy's array that can take on other elements.

    One that lies in a file has them from there.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray):
        return False
    return type(value) is not numpy.memmap and subclasses.is_known(type(value))


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a tensor of torch's own."""
    return is_of(value, "torch.nn.parameter", "Parameter") or is_of(value, "torch", "Tensor")


def _bits_of(value: Any) -> Any:
    """Return the source of bits that a value of numpy's draws from or is; None for any other."""
    if is_of(value, "numpy.random._generator", "Generator"):
        return value.bit_generator
    bits = sys.modules.get("numpy.random.bit_generator")
    return value if bits is not None and isinstance(value, bits.BitGenerator) else None


def _is_chance(value: Any) -> bool:
    """Tell whether a value is a generator of Python's, without loading the module."""
    random = sys.modules.get("random")
    return random is not None and isinstance(value, random.Random)


def is_view(value: Any) -> bool:
    """Tell whether an array looks at the memory of another one."""
    return isinstance(value.base, type(value))


def references(holder: Mapping[str, Any], name: str) -> int:
    """Return how many references there are to an object, that of its holder included."""
    return sys.getrefcount(holder[name]) - _OF_THE_CALL


# How a call counts in the number of references differs between releases of Python.
_OF_THE_CALL = 0
_OF_THE_CALL = references({"probe": object()}, "probe") - 1
