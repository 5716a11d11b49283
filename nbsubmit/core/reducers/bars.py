"""tqdm's bars pickle without complaint and fail when they are loaded: they are refused here."""

from __future__ import annotations

import pickle
from typing import Any, NoReturn

from nbsubmit.core.reducers import Context, Reducer


def reducer_of(kind: type) -> Reducer | None:
    """Return what refuses bars."""
    from tqdm import tqdm

    return refuse if issubclass(kind, tqdm) else None


def refuse(bar: Any, context: Context) -> NoReturn:
    """Say that a bar cannot be pickled."""
    raise pickle.PicklingError("cannot pickle a tqdm bar: it belongs to the terminal that shows it")
