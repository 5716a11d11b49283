"""A ``memoryview`` ↔ what it looks at, and where in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# What a view's elements may be if it is to be made again; structures of C are bytes afterwards.
_NATIVE = frozenset("cbB?hHiIlLqQnNfdPe")


def reduce_view(view: memoryview) -> Any:
    """Keep a view a view of its object; one that skips bytes looks at a copy afterwards."""
    holder, start = view.obj, 0
    if view.c_contiguous and view.ndim and _can_travel(holder):
        from nbsubmit.core import memory  # 6 ms, with ctypes; few values need it

        with memoryview(holder) as whole:
            start = memory.address(view) - memory.address(whole) if view.nbytes else 0
    else:
        holder = bytes(view) if view.readonly else bytearray(view.tobytes())
    code = view.format.lstrip("@")
    code, shape = (code, view.shape) if code in _NATIVE else ("B", (view.nbytes,))
    return make_view, (holder, start, view.nbytes, code, shape, view.readonly)


def _can_travel(holder: Any) -> bool:
    return type(holder) in (bytes, bytearray) or type(holder).__module__ in ("array", "numpy")


def make_view(
    holder: Any, start: int, size: int, code: str, shape: tuple[int, ...], readonly: bool
) -> memoryview:
    """Look at an object's bytes again."""
    view = memoryview(holder).cast("B")[start : start + size]
    if (code, shape) != ("B", (size,)):
        view = view.cast(code, shape)  # type: ignore[call-overload]
    return view.toreadonly() if readonly else view


REDUCERS: dict[type, Callable[[Any], Any]] = {memoryview: reduce_view}
