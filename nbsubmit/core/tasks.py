"""The tasks of a job: one payload for all of them, and for each what it leaves.

A job array has a task for each index. A job that consists of several processes has one for each
rank, and an array of such jobs has one for each pair. All that is sent is the whole job's and lies
in its folder; a task makes a folder of its own when it starts, so that an array of thousands costs
twenty files until then. Results lie side by side, for one listing to tell which are there.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbsubmit.core.folder import (
    JOB_VARIABLE,
    LIMITS_VARIABLE,
    NODE_VARIABLE,
    PRIVATE_FOLDER,
    JobFolder,
)
from nbsubmit.core.packs import PACK_LOG, PACK_VARIABLE, PACKS, PackFolder
from nbsubmit.core.parts import Rest, parts_of
from nbsubmit.core.record import dataclass
from nbsubmit.core.trust import check_if_there

# Tell a worker which task of the array it is, and which of how many processes that run together.
TASK_VARIABLE, RANK_VARIABLE, RANKS_VARIABLE = "NBSUBMIT_TASK", "NBSUBMIT_RANK", "NBSUBMIT_RANKS"
# The scheduler's id of the job or task, where there is one.
ID_VARIABLE = "NBSUBMIT_JOB_ID"
# What a job must not inherit from one that it is submitted from inside of.
OF_A_JOB = (
    TASK_VARIABLE, RANK_VARIABLE, RANKS_VARIABLE, PACK_VARIABLE, JOB_VARIABLE, ID_VARIABLE,
    LIMITS_VARIABLE, NODE_VARIABLE,
)  # fmt: skip
_TASKS, _RESULTS, _LOGS = "tasks", "results", "logs"
_RESULT = ".json"
_CHECK_SECONDS = 1.0
_LEFT_OUT = "cancelled before it was sent"


@dataclass(frozen=True)
class TaskKey:
    """Which task of a job one is.

    Attributes
    ----------
    index : int or None
        Its number in the array, from 0; None outside of one.
    rank : int or None
        Its number among the processes that run together; None for one that runs alone.
    """

    index: int | None = None
    rank: int | None = None

    @classmethod
    def of(cls, text: str) -> TaskKey:
        """Return the key that is written so."""
        index, _, rank = text.partition("_")
        return cls(int(index) if index else None, int(rank) if rank else None)

    def __str__(self) -> str:
        index = "" if self.index is None else str(self.index)
        return index if self.rank is None else f"{index}_{self.rank}"


@dataclass(frozen=True)
class Shape:
    """How many tasks a job has.

    Attributes
    ----------
    count : int or None
        The size of the array; None if it is none.
    part : int or None
        At most so many elements are handed to the backend at once.
    ranks : int
        Processes that run together.
    pack : int
        So many tasks, one after another, are one element of the array that the backend has. The
        last may have fewer.
    """

    count: int | None = None
    part: int | None = None
    ranks: int = 1
    pack: int = 1

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Shape:
        """Return the shape of a job of which the specification is known."""
        array = spec.get("array") or {}
        pack = int(array.get("pack", 1))
        return cls(array.get("count"), array.get("part"), int(spec.get("ranks", 1)), pack)

    def to_json(self) -> dict[str, Any]:
        """Return what belongs into the specification."""
        array = {"count": self.count, "part": self.part, "pack": self.pack}
        return {"array": None if self.count is None else array, "ranks": self.ranks}

    @property
    def has_tasks(self) -> bool:
        """The job is more than one process."""
        return self.count is not None or self.ranks > 1

    @property
    def keys(self) -> list[TaskKey]:
        """All tasks, in order."""
        indices: Sequence[int | None] = [None] if self.count is None else range(self.count)
        ranks: Sequence[int | None] = [None] if self.ranks == 1 else range(self.ranks)
        return [TaskKey(index, rank) for index in indices for rank in ranks]

    @property
    def elements(self) -> int | None:
        """How many elements the array has for the backend; None if it is none."""
        return None if self.count is None else -(-self.count // self.pack)

    def element(self, index: int) -> int:
        """Return in which element of an array a task is."""
        return index // self.pack

    def members(self, element: int) -> range:
        """Return the tasks of one element of an array."""
        first = element * self.pack
        return range(first, min(first + self.pack, self.count or 0))

    def place(self, element: int) -> tuple[int, int]:
        """Return in which part of an array an element is, and its number there."""
        return divmod(element, self.part or (self.elements or 1))


SINGLE = Shape()


@dataclass(frozen=True)
class Listing:
    """Which tasks of a job have started and which have left a result, by their keys as text.

    And which packs have, whether all are to be cancelled, and what is known of those that are not
    sent yet.
    """

    started: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    packs: frozenset[str] = frozenset()
    cancelled: bool = False
    rest: Rest | None = None

    def tells_of(self, key: TaskKey) -> bool:
        """Tell whether there may be more to know of a task than that it waits."""
        if self.cancelled or key.rank is not None:
            return True
        return str(key) in self.started or str(key) in self.ended


class TaskFolder(JobFolder):
    """The files of one task.

    Parameters
    ----------
    job : JobFolder
        The whole job's.
    key : TaskKey
        Which task it is.
    shape : Shape
        How many there are.
    """

    def __init__(self, job: JobFolder, key: TaskKey, shape: Shape) -> None:
        self.whole = job.path
        self.job = job
        self.key = key
        self.shape = shape
        self.id = f"{job.id}_{name_of(self)}"

    # To make it takes 8 µs, each time that a file in it is named.
    @functools.cached_property
    def path(self) -> Path:  # type: ignore[override]
        return self.whole / _TASKS / str(self.key)

    @property
    def spec(self) -> dict[str, Any]:
        return self.job.spec

    @property
    def result_file(self) -> Path:
        return self.whole / _RESULTS / f"{self.key}{_RESULT}"

    @property
    def log_out(self) -> Path:
        return self._log_of_pack("out") or self._own_log("out")

    @property
    def log_err(self) -> Path:
        return self._log_of_pack("err") or self._own_log("err")

    def _log_of_pack(self, ending: str) -> Path | None:
        """Where to read why a pack ended before this task had its turn; None if it is not so."""
        pack = self.pack
        if pack is None or self._own_log(ending).exists() or not pack.exit_file.exists():
            return None
        return pack.log_out if ending == "out" else pack.log_err

    def _own_log(self, ending: str) -> Path:
        return self.whole / _LOGS / f"{self._log}.{ending}"

    @property
    def _log(self) -> str:
        if self.key.index is None or self.is_packed:
            return str(self.key)
        part, number = self.shape.place(self.key.index)
        inside = str(TaskKey(number, self.key.rank))
        return f"{part}+{inside}" if part else inside

    @property
    def job_id(self) -> str:
        return self.job.id if self.key.index is None else f"{self.job.id}_{number_of(self)}"

    @property
    def together(self) -> JobFolder:
        if self.key.rank is None:
            return self
        if self.key.index is None:
            return self.job
        return TaskFolder(self.job, TaskKey(self.key.index), self.shape)

    @property
    def element(self) -> int:
        """In which element of the array it is; 0 outside of one."""
        return self.shape.element(self.key.index or 0)

    @property
    def pack(self) -> PackFolder | None:
        """The pack in which it has its turn; None if it runs by itself."""
        return pack_of(self.job, self.shape, self.element) if self.is_packed else None

    @property
    def around(self) -> JobFolder:
        return self.pack or self.together

    @property
    def is_packed(self) -> bool:
        return self.key.index is not None and self.shape.pack > 1

    @property
    def beat_file(self) -> Path:  # type: ignore[override]
        """The pack shows for all of its tasks that it lives."""
        return self.pack.beat_file if self.pack is not None else self.path / "beat"

    @property
    def is_first(self) -> bool:
        return not self.key.rank

    @property
    def ranks(self) -> list[TaskFolder]:
        """The folders of the processes that run together, with its own."""
        if self.key.rank is None:
            return [self]
        keys = (TaskKey(self.key.index, rank) for rank in range(self.shape.ranks))
        return [TaskFolder(self.job, key, self.shape) for key in keys]

    def check(self) -> None:
        """Make sure that the whole job's folders are the user's own."""
        now = time.monotonic()
        # Thousands of tasks are looked at one after another, which would take 130 µs each; and each
        # file when it is opened.
        if now - self.job.checked > _CHECK_SECONDS:
            self.job.check_parts()
            for folder in (_TASKS, _RESULTS, _LOGS, PACKS):
                check_if_there(self.whole / folder)
            self.job.checked = now

    @property
    def _parts(self) -> tuple[Path, ...]:
        return (self.path,)

    def handle(self) -> str:
        if self.key.index is None:
            return self.job.handle()
        part = parts_of(self.job).find(self.element)
        if part is None or not part.handle:
            return ""
        return f"{part.handle}_{self.shape.place(self.element)[1]}"

    def refusal(self) -> str:
        refused, rest = super().refusal(), self._rest
        return refused or (rest.refused if rest else "")

    def unsent(self) -> tuple[str, bool]:
        rest = self._rest
        if rest is not None:
            return rest.reason, rest.is_deserted
        was_left_out = self.key.index is not None and self._part_without_handle
        return (_LEFT_OUT if was_left_out and self.is_cancelled() else "", False)

    @property
    def _rest(self) -> Rest | None:
        """What is known of the tasks that are not sent yet, if this is one of them."""
        index, handed = self.key.index, parts_of(self.job)
        return None if index is None or handed.find(self.element) else handed.rest

    @property
    def _part_without_handle(self) -> bool:
        part = parts_of(self.job).find(self.element)
        return part is not None and not part.handle

    def is_cancelled(self) -> bool:
        if self.cancel_file.exists() or self.job.is_cancelled():
            return True
        return self.key.rank is not None and self.together.cancel_file.exists()

    def write_json(self, file: Path, data: dict[str, Any]) -> None:
        if file.parent == self.path:  # which a task that has not started does not have
            self.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        super().write_json(file, data)

    def create(self) -> None:
        """Make the task's own folder and its events, if they are not there from an earlier run."""
        self.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        for file in (self.events_file, self._own_log("out"), self._own_log("err")):
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))


def number_of(task: TaskFolder) -> int:
    """Return which task of the whole array it is; one that is run again keeps its number."""
    index = task.key.index or 0
    picked = task.spec.get("picked")
    return int(picked[index]) if picked else index


def name_of(task: JobFolder) -> str:
    """Return by what number people know a task: ``7``, or ``7_0`` for one of several processes."""
    if not isinstance(task, TaskFolder):
        return ""
    index = None if task.key.index is None else number_of(task)
    return str(TaskKey(index, task.key.rank))


def pack_of(job: JobFolder, shape: Shape, number: int) -> PackFolder:
    """Return the folder of one pack of an array."""
    part, place = shape.place(number)
    logs = job.path / _LOGS / f"{PACK_LOG}{f'{part}+' if part else ''}{place}"
    return PackFolder(job, number, str(logs))


def prepare(job: JobFolder) -> None:
    """Make the folders in which the tasks of a job leave what they leave."""
    packs = [PACKS] if Shape.of(job.spec).pack > 1 else []
    for name in (_TASKS, _RESULTS, _LOGS, *packs):
        (job.path / name).mkdir(mode=PRIVATE_FOLDER)


def tasks_of(job: JobFolder) -> list[TaskFolder]:
    """Return the folders of a job's tasks, in order; none if it is a single process."""
    if isinstance(job, TaskFolder):
        return parts_named(job.job, str(job.key))
    shape = Shape.of(job.spec)
    return [TaskFolder(job, key, shape) for key in shape.keys] if shape.has_tasks else []


def parts_named(job: JobFolder, name: str) -> list[TaskFolder]:
    """Return the tasks that a key as text stands for: one, or all that run together."""
    return [task for task in tasks_of(job) if f"{task.key}_".startswith(f"{name}_")]


def listing(job: JobFolder) -> Listing:
    """Look which tasks have started and which have ended, with a few listings for all of them."""
    rest = parts_of(job, fresh=True).rest
    ended = (name for name in _names(job.path / _RESULTS) if name.endswith(_RESULT))
    return Listing(
        frozenset(_names(job.path / _TASKS)),
        frozenset(name.removesuffix(_RESULT) for name in ended if not name.startswith(".")),
        frozenset(_names(job.path / PACKS) if Shape.of(job.spec).pack > 1 else ()),
        job.cancel_file.exists(),
        rest,
    )


def have_ended(job: JobFolder, tasks: Iterable[TaskFolder]) -> bool:
    """Tell whether each of some tasks of a job has left a result, or was settled to have ended."""
    ended = listing(job).ended
    return all(str(task.key) in ended or task.end_file.exists() for task in tasks)


def _names(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name
