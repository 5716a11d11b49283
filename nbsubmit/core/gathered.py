"""What the tasks of an array have brought → a list for each name, in the order of the tasks."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.errors import JobLost, NbsubmitError
from nbsubmit.core.job import Job
from nbsubmit.core.missing import Missing
from nbsubmit.core.result import VALUE
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import name_of


@dataclass
class Gathered:
    """What the tasks of an array have brought.

    Attributes
    ----------
    lists : dict
        Name → its values, one for each task; `Missing` where a task has none.
    value : list
        The last expressions.
    imported : dict
        Name → what the tasks have imported under it.
    modules : dict
        Name → module that they have imported under it.
    submodules : list of str
        Modules that are reached through those.
    changed, deleted : list of str
        Names that were sent and that tasks have changed in place, or have deleted, each its own.
    unsent : dict
        Name → why no task could bring its value.
    """

    lists: dict[str, list[Any]] = field(default_factory=dict)
    value: list[Any] = field(default_factory=list)
    imported: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    submodules: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    unsent: dict[str, str] = field(default_factory=dict)


def names_in(tasks: Sequence[Job]) -> list[str]:
    """Return the names that become lists: those that any task that has succeeded has made."""
    found: dict[str, None] = {}
    for task in tasks:
        result = task.found.result
        if result is not None and task.state is JobState.COMPLETED:
            others = {*result.changed, *result.imported, *_imported_by(task)}
            found |= dict.fromkeys(n for n in result.names if n not in others and n[:1] != "%")
    return list(found)


def _imported_by(task: Job) -> frozenset[str]:
    """Return the names that a cell imports from modules: they are one thing in all tasks."""
    return _imports(str(task.spec.get("source", "")))


# Each of thousands of tasks asks; of 30 lines it takes 0.7 ms.
@functools.lru_cache(maxsize=8)
def _imports(source: str) -> frozenset[str]:
    found, others = set[str](), set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            others.add(node.id)
    return frozenset(found - others)


def gather(tasks: Sequence[Job]) -> Gathered:
    """Put together what tasks that have ended have brought."""
    gathered = Gathered()
    brought = [_Brought(task) for task in tasks]
    gathered.value = [one.place(VALUE) for one in brought]
    gathered.lists = {n: [one.place(n) for one in brought] for n in names_in(tasks)}
    changed: dict[str, None] = {}
    deleted: dict[str, None] = {}
    for one in brought:
        result = one.task.found.result
        if result is None or one.failed is not None:
            continue
        changed |= dict.fromkeys(result.changed)
        deleted |= dict.fromkeys(result.deleted)
        imported = {*result.imported, *_imported_by(one.task)}
        gathered.imported |= {n: v for n, v in one.values.items() if n in imported and n[:1] != "%"}
        gathered.modules |= result.modules
        gathered.submodules = list(dict.fromkeys([*gathered.submodules, *result.submodules]))
        for name, why in {**result.unsent, **one.errors}.items():
            if name not in gathered.lists:
                gathered.unsent.setdefault(name, why)
    gathered.changed, gathered.deleted = list(changed), list(deleted)
    return gathered


class _Brought:
    """What one task has brought, and why it has not brought the rest."""

    def __init__(self, task: Job) -> None:
        self.task = task
        self.values: Mapping[str, Any] = {}
        self.errors: Mapping[str, str] = {}
        self.failed: Missing | None = None
        if task.state is not JobState.COMPLETED:
            self.failed = failed(task)
            return
        try:
            self.values, self.errors = task.loaded, task.load_errors
        except NbsubmitError as error:
            self.failed = Missing(f"task {name_of(task.folder)}: {error}", error)

    def place(self, name: str) -> Any:
        """Return what stands in the list of this name in the place of this task."""
        if self.failed is not None:
            return self.failed
        if name in self.values:
            return self.values[name]
        result = self.task.found.result
        why = {**(result.unsent if result else {}), **self.errors}.get(name)
        which = f"task {name_of(self.task.folder)}"
        if why is not None:
            text = f"{which}: {'the last expression' if name == VALUE else name} is not here: {why}"
            return Missing(text, JobLost(text, self.task.id, self.task.folder.path))
        if name == VALUE:
            return None
        text = f"{which} has bound no {name}"
        return Missing(text, NameError(text))


def failed(task: Job) -> Missing:
    """Return what stands in the place of a task that has not succeeded."""
    error = task.exception() or JobLost(
        f"job {task.id} has not ended: wait for it", task.id, task.folder.path
    )
    result = task.found.result
    told = result.error if result is not None and result.error and not result.signal else None
    text = f"task {name_of(task.folder)} failed: {told}" if told else str(error).splitlines()[0]
    return Missing(text, error)
