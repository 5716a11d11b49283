"""Values for each task: each reads its own, and what several of them share is sent once."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbsubmit.core.blobs import BlobStore
from nbsubmit.core.errors import NotPicklable
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.slices import load, read
from nbsubmit.core.slicing import Sliced, slice_names
from nbsubmit.core.tasks import Shape, TaskFolder, TaskKey


def blobs_in(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "store" / "blobs")


def back(sliced: Sliced, tmp_path: Path, **spec: Any) -> list[dict[str, Any]]:
    """What each task reads of what was written."""
    folder = JobFolder(tmp_path / "store" / "jobs" / "240102-030405-bcdf")
    folder.path.parent.mkdir(parents=True)
    folder.create()
    sliced.slices.write(folder)
    count = len(spec.get("picked", sliced.slices.placed))
    folder.write_json(folder.spec_file, {"array": {"count": count}, **spec})
    shape = Shape(count)
    tasks = [TaskFolder(folder, TaskKey(n), shape) for n in range(count)]
    return [load(read(task), {}, sliced.shared) for task in tasks]


def test_each_task_has_its_own_values_by_their_names(tmp_path: Path) -> None:
    values = [{"x": n, "label": f"task {n}"} for n in range(5)]
    assert back(slice_names(values, {}, blobs_in(tmp_path)), tmp_path) == values


def test_a_task_that_runs_again_reads_the_slice_that_it_had(tmp_path: Path) -> None:
    sliced = slice_names([{"x": n} for n in range(5)], {}, blobs_in(tmp_path))
    assert back(sliced, tmp_path, picked=[4, 1]) == [{"x": 4}, {"x": 1}]


def test_what_several_tasks_share_is_sent_once_also_inside_of_a_tuple(tmp_path: Path) -> None:
    data, other = list(range(100_000)), {"large": list(range(50_000))}
    values = [{"x": (data, n), "y": other} for n in range(50)]
    sliced = slice_names(values, {}, blobs_in(tmp_path))
    assert {id(one) for one in sliced.shared} >= {id(data), id(other)}
    assert sliced.slices.size_bytes < 20_000
    found = back(sliced, tmp_path)
    assert found == values
    assert all(one["x"][0] is data for one in found)


def test_small_values_are_not_worth_sharing(tmp_path: Path) -> None:
    assert slice_names([{"x": 1, "y": "short", "z": None}] * 3, {}, blobs_in(tmp_path)).shared == []


def test_a_function_of_several_tasks_is_looked_up_once(tmp_path: Path) -> None:
    values = [{"call": (math.gcd, textwrap.dedent, n)} for n in range(50)]
    sliced = slice_names(values, {}, blobs_in(tmp_path))
    assert sliced.shared == [textwrap.dedent]
    assert back(sliced, tmp_path) == values


def test_what_cannot_be_sent_is_named_with_its_task(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(NotPicklable) as caught:
        slice_names([{"x": 1}, {"x": [file]}], {}, blobs_in(tmp_path))
    assert str(caught.value).startswith("task 1: x[0] is an open file")
    assert caught.value.names == ("x",)


def test_small_arrays_that_are_a_blob_together_are_read_as_they_were(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    few = [rng.random(2000) for _ in range(3)]
    many = [rng.random(2000) for _ in range(100)]
    values = [{"x": few}, {"x": many}, {"x": [array + 1 for array in few]}]
    found = back(slice_names(values, {}, blobs_in(tmp_path)), tmp_path)
    for one, wanted in zip(found, values, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one["x"], wanted["x"], strict=True))
