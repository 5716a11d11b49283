"""What a task of an array has for itself: the values of its slice, and its number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.tasks import TaskFolder, number_of
from nbsubmit.worker.load import mappings_for

if TYPE_CHECKING:
    from nbsubmit.core.mapped import Mappings


def number(folder: JobFolder) -> int | None:
    """Return which task of its array a process runs; None outside of one."""
    if isinstance(folder, TaskFolder) and folder.key.index is not None:
        return number_of(folder)
    return None


def own_values(
    folder: JobFolder, namespace: Namespace, shared: Sequence[Any], mappings: Mappings | None
) -> Namespace:
    """Return the names that each task has for itself, with the values of this one."""
    if not isinstance(folder, TaskFolder) or not folder.slices_file.exists():
        return {}
    from nbsubmit.core.slices import load, read  # 1 ms, and only an array has such

    bundle = read(folder)
    return load(bundle, namespace, shared, mappings or mappings_for(bundle.contents))


def set_variables(folder: JobFolder) -> None:
    """Set the variables by which Slurm tells a task its index, on every backend."""
    mine = number(folder)
    if mine is None:
        return
    asked = folder.spec.get("indices") or range(int(folder.spec.get("tasks", mine + 1)))
    _set(asked[mine], asked)


def set_variables_in_pack(folder: JobFolder) -> None:
    """Set them for a call that has its turn in a pack: Slurm's own tell which pack that is."""
    if folder.is_packed and isinstance(folder, TaskFolder):
        _set(folder.key.index or 0, range(folder.shape.count or 1))


def _set(mine: int, indices: Sequence[int]) -> None:
    told = {"ID": mine, "COUNT": len(indices), "MIN": indices[0], "MAX": indices[-1]}
    os.environ.update({f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in told.items()})
