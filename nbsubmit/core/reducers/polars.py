"""polars' frames: their columns go as Arrow's buffers, which are not copied into the stream."""

from __future__ import annotations

import importlib.util
from typing import Any

from nbsubmit.core.reducers import Context, Reducer


def reducer_of(kind: type) -> Reducer | None:
    """Return the reducer of frames and series, where Arrow is there to help."""
    import polars

    if importlib.util.find_spec("pyarrow") is None:
        return None
    return {polars.DataFrame: reduce_frame, polars.Series: reduce_series}.get(kind)


def reduce_frame(frame: Any, context: Context) -> Any:
    """Reduce a frame as Arrow's table, if all its types are the same there."""
    import polars

    if polars.Object in frame.dtypes:  # of which polars' own pickling knows nothing
        return polars.DataFrame, (frame.get_columns(),)
    if not frame.width or not all(_is_exact(dtype) for dtype in frame.dtypes):
        return NotImplemented
    return make_frame, (frame.to_arrow(compat_level=_level()),)


def reduce_series(series: Any, context: Context) -> Any:
    """Reduce a series as Arrow's array."""
    import polars

    if series.dtype == polars.Object:
        return make_series, (series.name, series.to_list(), polars.Object)
    if not _is_exact(series.dtype):
        return NotImplemented
    return make_series, (series.name, series.to_arrow(compat_level=_level()))


def _level() -> Any:
    """Arrow's newest types are those that polars itself uses, so nothing is converted."""
    import polars

    return polars.CompatLevel.newest()


def _is_exact(dtype: Any) -> bool:
    """Tell whether a type comes back from Arrow as it was."""
    import polars

    if isinstance(dtype, (polars.List, polars.Array)):
        return _is_exact(dtype.inner)
    if isinstance(dtype, polars.Struct):
        return all(_is_exact(field.dtype) for field in dtype.fields)
    if dtype in (polars.Int128, polars.UInt128):
        return False
    plain = (polars.Boolean, polars.String, polars.Binary, polars.Date, polars.Time)
    return dtype.is_numeric() or dtype in plain or dtype in (polars.Datetime, polars.Duration)


def make_frame(table: Any) -> Any:
    """See Arrow's table as a frame."""
    import polars

    return polars.from_arrow(table, rechunk=False)


def make_series(name: str, values: Any, dtype: Any = None) -> Any:
    """See Arrow's array, or a list of objects, as a series."""
    import polars

    return polars.Series(name, values, dtype)
