"""The states of many tasks in little room: a sign for each, or for some that stand together.

Each kind of state has a sign of its own besides its colour. Signs of one state that stand side by
side are one element, so that the markup of an array is small whatever its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from nbsubmit.client import words
from nbsubmit.client.rows import JobRow, TaskRow
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import WORST
from nbsubmit.notebook.colours import colour
from nbsubmit.notebook.markup import table, tag, text

_MOST_SIGNS = 400
_IN_A_ROW = 50
_SIGNS = {
    JobState.PENDING: "□",
    JobState.SUSPENDED: "▤",
    JobState.RUNNING: "▣",
    JobState.COMPLETED: "■",
}
_BAD = "☒"
_ORDER = (*WORST, JobState.RUNNING, JobState.SUSPENDED, JobState.PENDING, JobState.COMPLETED)


def grid(row: JobRow) -> str:
    """Return the tasks as signs, and what the signs stand for; empty for a job that has none."""
    if not row.tasks:
        return ""
    each = -(-len(row.tasks) // _MOST_SIGNS)
    signs = [_worst(row.tasks[first : first + each]) for first in range(0, len(row.tasks), each)]
    width = len(str(len(row.tasks)))
    lines = [
        tag("div", _line(signs[first : first + _IN_A_ROW], first * each, each, width))
        for first in range(0, len(signs), _IN_A_ROW)
    ]
    shown = tag("div", "".join(lines), _GRID, role="img", aria_label=words.tasks(row))
    return shown + _legend(row, each)


def _worst(states: Sequence[JobState]) -> JobState:
    return min(states, key=_ORDER.index)


def _line(signs: Sequence[JobState], first: int, each: int, width: int) -> str:
    number = tag("span", text(f"{first:{width}} "), "opacity:.65")
    parts, at = [number], first
    for state, group in groupby(signs):
        count = len(list(group))
        last = at + count * each - 1
        which = f"task {at}" if last == at else f"tasks {at} to {last}"
        sign = _SIGNS.get(state, _BAD) * count
        parts.append(tag("span", sign, f"color:{colour(state)}", title=f"{which}: {state.value}"))
        at = last + 1
    return "".join(parts)


def _legend(row: JobRow, each: int) -> str:
    counts = row.counts
    parts = [
        tag("span", _SIGNS.get(state, _BAD), f"color:{colour(state)}")
        + text(f" {counts[state]} {state.value}")
        for state in JobState
        if state in counts
    ]
    grouped = f"; each sign is {each} tasks, and shows the worst of them" if each > 1 else ""
    return tag("div", text("of ") + text(f"{len(row.tasks)}: ") + ", ".join(parts) + text(grouped))


def failures(row: JobRow) -> str:
    """Return the first of the tasks that have failed, one by one; empty if none has."""
    if not row.failed:
        return ""
    more = f"the first {len(row.failed)} of {row.failures} that failed"
    caption = more if row.failures > len(row.failed) else "failed"
    return table([_failed(one) for one in row.failed], ("task", "state", "node", "why"), caption)


def _failed(task: TaskRow) -> tuple[str, ...]:
    reason = task.reason if len(task.reason) <= _LONGEST else f"{task.reason[:_LONGEST]}…"
    return task.name, task.state.value, task.node, reason


_LONGEST = 300
_GRID = (
    "font-size:1.25em;letter-spacing:.1em;font-family:'DejaVu Sans Mono',monospace;"
    "line-height:1.2;white-space:pre;overflow-x:auto"
)
