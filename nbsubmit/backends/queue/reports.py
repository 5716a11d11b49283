"""What the queue knows of its launches → what is reported of them."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence

from nbsubmit.backends.queue import processes
from nbsubmit.backends.queue.entries import Entry, Run
from nbsubmit.backends.queue.handles import Handle
from nbsubmit.backends.queue.order import waits
from nbsubmit.backends.queue.place import QueueFolder, State
from nbsubmit.core.backend import Report
from nbsubmit.core.state import JobState

GONE = Report(JobState.FAILED, "its process is gone", platform.node())


def reports(queue: QueueFolder, state: State, handles: Sequence[Handle]) -> Mapping[Handle, Report]:
    """Return what is to be said of each.

    What waits is looked up for a launch and not for each task: 1,000 take 1.6 ms, and one by one
    170.
    """
    lines = waits(state.entries)
    entries: dict[str, Entry | None] = {}
    pending: dict[str, Report] = {}
    for key in dict.fromkeys(handle.key for handle in handles):
        entries[key] = state.entries.get(key) or queue.closed(key)
        if key in lines:
            wait = lines[key]
            pending[key] = Report(JobState.PENDING, wait.lack.value, ahead=wait.ahead)
    found = {}
    for handle in handles:
        entry = entries[handle.key]
        found[handle] = (
            _report(entry, handle.task, pending.get(handle.key, GONE)) if entry else GONE
        )
    return found


def report_of(run: Run, seconds: int | None = None) -> Report:
    """Return what is to be said of something that runs."""
    if any(processes.is_stopped(process) for process in run.processes):
        return Report(JobState.SUSPENDED, "its process is stopped", seconds=seconds)
    return Report(JobState.RUNNING, seconds=seconds)


def _report(entry: Entry, task: int | None, waits: Report) -> Report:
    if task is None:
        return _of_all(entry, waits)
    if task in entry.runs:
        return report_of(entry.runs[task], entry.seconds)
    if entry.waits(task):
        return waits
    end = entry.end_of(task)
    return Report(end.state, end.reason, platform.node()) if end else GONE


def _of_all(entry: Entry, waits: Report) -> Report:
    """Of a launch as a whole: it runs while one of its tasks does."""
    if entry.runs:
        some = next(iter(entry.runs.values()))
        return report_of(some, entry.seconds)
    if not entry.is_over:
        return waits
    ends = [entry.end_of(task) for task in {*entry.ends, *range(entry.stopped or 0, entry.count)}]
    told = next((end for end in ends if end), None)
    return Report(told.state, told.reason, platform.node()) if told else GONE
