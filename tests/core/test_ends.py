"""What folders alone tell of the jobs that another one starts after."""

from __future__ import annotations

from typing import Any

from nbsubmit.core.ends import awaited
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasks import Shape, prepare, tasks_of


def after(store: JobStore, *, count: int) -> dict[str, Any]:
    """What a job's specification says that may start after an array, however that ends."""
    folder = store.new()
    spec = {"id": folder.id, **Shape(count=count).to_json()}
    folder.write_json(folder.spec_file, spec)
    prepare(folder)
    return {"folder": str(folder.path), "task": "", "whatever": True}


def test_a_task_that_ended_without_a_result_is_not_waited_for_any_more(store: JobStore) -> None:
    data = after(store, count=2)
    first, second = tasks_of(store.folders()[0])
    first.write_json(first.result_file, {})
    assert awaited([data]) == f"it starts after job {first.job.id}"
    end = {"state": "OUT_OF_MEMORY", "reason": "", "advice": "", "node": "", "at": 1.0}
    second.write_json(second.end_file, end)
    assert awaited([data]) == ""
