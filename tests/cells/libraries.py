"""Values of the libraries of science → text; none of them is imported for it.

What is not named here is described by what pickle takes of it, which fits models, random
generators, dates and most of what else there is.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from tests.cells.functions import hash_of


class Describes(Protocol):
    """What the describer of values offers to the ones here."""

    def text(self, value: Any) -> str: ...
    def each(self, values: Any) -> str: ...
    def pairs(self, items: Any) -> str: ...
    def class_name(self, kind: type) -> str: ...


Function = Callable[[Describes, Any], str]


def describe(to: Describes, value: Any) -> str | None:
    """Return the text of a value of one of the libraries; None for any other."""
    for kind, function in _kinds():
        if isinstance(value, kind):
            return function(to, value)
    return None


def _kinds() -> Iterator[tuple[type, Function]]:
    for module, name, function in _TABLE:
        found = sys.modules.get(module)
        kind = getattr(found, name, None)
        if kind is not None:
            yield kind, function


# numpy


def _array(to: Describes, value: Any) -> str:
    locked = "" if value.flags.writeable else ", read-only"
    return (
        f"{to.class_name(type(value))}({value.dtype!r}, {value.shape}{locked}, "
        f"{_first(value)}{_contents(to, value)}{_mask(to, value)})"
    )


def _first(value: Any) -> str:
    """Some of the values, for the reader."""
    return "" if value.dtype.hasobject else f"{value.ravel()[:8].tolist()} "


def _contents(to: Describes, value: Any) -> str:
    if value.dtype.names:  # the bytes between the fields mean nothing
        return "".join(f"{name}: {_contents(to, value[name])} " for name in value.dtype.names)
    if value.dtype.hasobject:
        return f"[{to.each(value.ravel().tolist())}]"
    return hash_of(value.tobytes())


def _mask(to: Describes, value: Any) -> str:
    mask = getattr(value, "mask", None)
    return "" if mask is None else f" masked {to.text(mask)}"


def _scalar(to: Describes, value: Any) -> str:
    return f"{type(value).__name__}({value.dtype}, {value.item()!r})"


def _dtype(_to: Describes, value: Any) -> str:
    return f"dtype {value!r}"


def _ufunc(_to: Describes, value: Any) -> str:
    return f"ufunc {value.__name__}"


def _random_state(to: Describes, value: Any) -> str:
    if value is sys.modules["numpy"].random.mtrand._rand:
        return "the RandomState of numpy.random itself"
    return f"RandomState({to.text(value.get_state())})"


# pandas


def _frame(to: Describes, value: Any) -> str:
    columns = [_column(to, value.iloc[:, at]) for at in range(value.shape[1])]
    return (
        f"{to.class_name(type(value))}({value.shape}, columns {_index(to, value.columns)}, "
        f"index {_index(to, value.index)}, [{'; '.join(columns)}], {to.text(dict(value.attrs))})"
    )


def _series(to: Describes, value: Any) -> str:
    return (
        f"{to.class_name(type(value))}({to.text(value.name)}, index {_index(to, value.index)}, "
        f"{_column(to, value)}, {to.text(dict(value.attrs))})"
    )


def _column(to: Describes, value: Any) -> str:
    return f"{value.dtype!r} {_values(to, value)}"


def _values(to: Describes, value: Any) -> str:
    if value.dtype.kind in "biufcmM" and isinstance(value.dtype, sys.modules["numpy"].dtype):
        values = value.to_numpy()
        return f"{values[:6].tolist()} {hash_of(values.tobytes())}"
    return f"[{to.each(list(value))}]"


def _index(to: Describes, value: Any) -> str:
    more = f", freq {value.freq!r}" if hasattr(value, "freq") else ""
    names = to.each(value.names)
    if type(value).__name__ == "RangeIndex":
        return f"{value!r}"
    if hasattr(value, "levels"):
        levels = "; ".join(_index(to, level) for level in value.levels)
        codes = [list(code) for code in value.codes]
        return f"MultiIndex({names}, levels {levels}, codes {codes})"
    return f"{type(value).__name__}({value.dtype!r}, {names}{more}, {_values(to, value)})"


def _extension_array(to: Describes, value: Any) -> str:
    return f"{to.class_name(type(value))}({value.dtype!r}, [{to.each(list(value))}])"


def _styled(_to: Describes, value: Any) -> str:
    return f"Styler({value.to_html()})"  # named at random; see allowed.py


def _grouped(to: Describes, value: Any) -> str:
    groups = sorted((repr(key), list(map(int, at))) for key, at in value.indices.items())
    return f"{type(value).__name__}({to.text(value.obj)}, {groups})"


def _polars_frame(to: Describes, value: Any) -> str:
    columns = "; ".join(to.text(column) for column in value.get_columns())
    return f"polars.DataFrame({value.shape}, {columns})"


def _polars_series(to: Describes, value: Any) -> str:
    return f"polars.Series({value.name!r}, {value.dtype!r}, [{to.each(value.to_list())}])"


def _polars_lazy(_to: Describes, value: Any) -> str:
    return f"polars.LazyFrame({value.explain()})"


def _polars_expression(_to: Describes, value: Any) -> str:
    return f"polars.Expr({value})"


# torch


def _tensor(to: Describes, value: Any) -> str:
    flags = f"grad {value.requires_grad}, leaf {value.is_leaf}"
    numbers = value.detach().cpu()
    contents = hash_of(numbers.contiguous().numpy().tobytes())
    few = numbers.flatten()[:6].tolist()
    slope = f", slope {to.text(value.grad)}" if value.is_leaf and value.grad is not None else ""
    kind = to.class_name(type(value))
    return f"{kind}({value.dtype}, {tuple(value.shape)}, {flags}, {few} {contents}{slope})"


def _optimizer(to: Describes, value: Any) -> str:
    return f"{to.class_name(type(value))}({to.text(value.state_dict())})"


def _torch_generator(to: Describes, value: Any) -> str:
    return f"torch.Generator({to.text(value.get_state())})"


# matplotlib


def _figure(to: Describes, value: Any) -> str:
    axes = "; ".join(_axes_contents(to, ax) for ax in value.axes)
    return f"Figure({value.get_size_inches().tolist()}, {axes}, drawn {_drawn(value)})"


def _drawn(figure: Any) -> str:
    picture = io.BytesIO()
    figure.savefig(picture, format="rgba", dpi=40)
    return hash_of(picture.getvalue())


def _axes(to: Describes, value: Any) -> str:
    figure = value.figure
    place = list(figure.axes).index(value) if value in figure.axes else "removed"
    return f"Axes({place} of {_figure(to, figure)})"


def _axes_contents(to: Describes, ax: Any) -> str:
    texts = (ax.get_title(), ax.get_xlabel(), ax.get_ylabel(), *(t.get_text() for t in ax.texts))
    lines = [_line(to, line) for line in ax.lines]
    legend = ax.get_legend()
    entries = [text.get_text() for text in legend.get_texts()] if legend else []
    return (
        f"{texts}, lines {lines}, {len(ax.patches)} patches, {len(ax.collections)} collections, "
        f"{len(ax.images)} images, x {ax.get_xlim()}, y {ax.get_ylim()}, legend {entries}"
    )


def _line(_to: Describes, value: Any) -> str:
    points = hash_of(value.get_xydata().astype(float).tobytes())
    return f"Line2D({value.get_label()}, {value.get_color()}, {value.get_linestyle()}, {points})"


def _text(_to: Describes, value: Any) -> str:
    return f"Text({value.get_text()!r}, {value.get_position()})"


def _artists(to: Describes, value: Any) -> str:
    return f"{to.class_name(type(value))}({value.get_label()!r}, {to.each(tuple(value))})"


def _artist(to: Describes, value: Any) -> str:
    return f"{to.class_name(type(value))}({value.get_label()!r}, {value.zorder})"


_TABLE: list[tuple[str, str, Function]] = [
    ("numpy", "ndarray", _array),
    ("numpy", "generic", _scalar),
    ("numpy", "dtype", _dtype),
    ("numpy", "ufunc", _ufunc),
    ("numpy.random", "RandomState", _random_state),
    ("pandas", "DataFrame", _frame),
    ("pandas", "Series", _series),
    ("pandas", "Index", _index),
    ("pandas.api.extensions", "ExtensionArray", _extension_array),
    ("pandas.core.groupby", "GroupBy", _grouped),
    ("pandas.io.formats.style", "Styler", _styled),
    ("polars", "DataFrame", _polars_frame),
    ("polars", "Series", _polars_series),
    ("polars", "LazyFrame", _polars_lazy),
    ("polars", "Expr", _polars_expression),
    ("torch", "Tensor", _tensor),
    ("torch.optim", "Optimizer", _optimizer),
    ("torch", "Generator", _torch_generator),
    ("matplotlib.figure", "Figure", _figure),
    ("matplotlib.axes", "Axes", _axes),
    ("matplotlib.lines", "Line2D", _line),
    ("matplotlib.text", "Text", _text),
    ("matplotlib.artist", "Artist", _artist),
    ("matplotlib.container", "Container", _artists),
]
