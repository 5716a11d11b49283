"""What folders alone tell of ends: of a job's own, and of those that it starts after.

A job that one of these keeps from being run is told by two: the one that it starts after, and the
one at the root, which was run and failed.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nbsubmit.core.errors import FolderError, InputFailed
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.result import NOT_WRITTEN, Result
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.tasks import Shape, TaskFolder, TaskKey, have_ended, parts_named, tasks_of

T = TypeVar("T")
# What a backend says of a job that is to start after others.
AFTER_OTHERS = "it waits for other jobs"
# What it says of one whose script did not get as far as its first line, or was killed itself.
NOT_STARTED = "it could not be started on its node"
# So many of them are named.
_FEW = 3
_MAKE_ROOM = (
    "make room there (%jobs clean says what would), or have jobs elsewhere with NBSUBMIT_FOLDER, "
    "and send it again"
)


def read(folder: JobFolder, file: Path, parse: Callable[[dict[str, Any]], T], absent: T) -> T:
    """Return what a file of a job's says, or something else while there is no such file.

    Raises
    ------
    FolderError
        If it is not what nbsubmit writes.
    """
    data = folder.read_json(file)
    if data is None:
        return absent
    try:
        return parse(data)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise FolderError(f"{file} is not what nbsubmit wrote there: {error!r}") from None


def settled(folder: JobFolder) -> Status | None:
    """Return the end that was settled on earlier, if one was.

    The first of several processes may have settled the end of all of them.
    """
    found = read(folder, folder.end_file, _settled, None)
    if found is not None or folder.together is folder:
        return found
    return read(folder.together, folder.together.end_file, _settled, None)


def note(folder: JobFolder, status: Status, **more: Any) -> None:
    """Note an end, for `settled` to find."""
    end = {
        "state": status.state.value,
        "reason": status.reason,
        "advice": status.advice,
        "node": status.node,
        "at": time.time(),
    }
    folder.write_json(folder.end_file, {**end, **more})


def _settled(data: Mapping[str, Any]) -> Status:
    return Status(JobState(data["state"]), data["reason"], data["advice"], data["node"])


def of_result(result: Result, node: str) -> Status:
    """Return the end that a result tells of."""
    if result.error is None:
        return Status(JobState.COMPLETED, node=node)
    first_line = str(result.error).strip().partition("\n")[0]
    if is_of_input(result):
        return Status(JobState.CANCELLED, result.error.evalue, node=node)
    advice = _MAKE_ROOM if result.error.ename == NOT_WRITTEN else ""
    return Status(JobState.FAILED, first_line, advice, node)


def is_of_input(result: Result) -> bool:
    """Tell whether it is that of a job which has found when it started that an input failed."""
    return result.error is not None and result.error.ename == InputFailed.__name__


@dataclass(frozen=True)
class Failed:
    """A job, or a task of one, that has ended and has not succeeded.

    Attributes
    ----------
    folder : JobFolder
        Its folder.
    status : Status
        How it ended.
    """

    folder: JobFolder
    status: Status

    @property
    def root(self) -> Failed:
        """The one that failed by itself: this one, or the one for which it was not run."""
        before = failed_input(self.folder.spec.get("after", ())) if self._was_not_run else None
        return self if before is None else before.root

    @property
    def _was_not_run(self) -> bool:
        if self.status.state is not JobState.CANCELLED or self.folder.is_cancelled():
            return False
        result = read(self.folder, self.folder.result_file, Result.from_json, None)
        # Without one it may be about to find out by itself.
        return result is None or is_of_input(result)

    def __str__(self) -> str:
        root = self.root
        if root is self:
            return f"job {self.folder.id}, is {self.status}"
        return f"job {self.folder.id}, was not run, for job {root.folder.id} is {root.status}"


def not_run(failed: Failed) -> str:
    """Return what is said of a job that starts after one that has failed."""
    return f"not run: its input, {failed}"


def failed_input(after: Iterable[Mapping[str, Any]]) -> Failed | None:
    """Return the first that has failed of those that a job is to start after, if one has.

    Parameters
    ----------
    after : iterable of mapping
        What the job's specification says of them.
    """
    for one in after:
        if not one.get("whatever"):
            failed = _failed(JobFolder(Path(one["folder"])), one["task"])
            if failed is not None:
                return failed
    return None


def awaited(after: Iterable[Mapping[str, Any]]) -> str:
    """Return in words which jobs have not ended of those that a job is to start after."""
    ids = list(dict.fromkeys(_id(one) for one in after if not _has_ended(one)))
    if not ids:
        return ""
    more = f" and {len(ids) - _FEW} more" if len(ids) > _FEW else ""
    return f"it starts after job{'s' * (len(ids) > 1)} {', '.join(ids[:_FEW])}{more}"


def _id(one: Mapping[str, Any]) -> str:
    job = JobFolder(Path(one["folder"]))
    if not one["task"]:
        return job.id
    return TaskFolder(job, TaskKey.of(one["task"]), Shape.of(job.spec)).id


def _has_ended(one: Mapping[str, Any]) -> bool:
    job = JobFolder(Path(one["folder"]))
    try:
        if not Shape.of(job.spec).has_tasks:
            return job.result_file.exists() or settled(job) is not None
        parts = parts_named(job, one["task"]) if one["task"] else tasks_of(job)
        return have_ended(job, parts)
    except (OSError, FolderError):
        return True  # there is nothing to tell of it


def _failed(job: JobFolder, task: str) -> Failed | None:
    """Return a job or a task that has ended without success; of several when all have ended."""
    if not Shape.of(job.spec).has_tasks:
        return _if_failed(job)
    if task:
        parts = parts_named(job, task)
        return next((found for part in parts if (found := _if_failed(part))), None)
    return _first_failed(job.path) if _have_all_ended(job) else None


def _have_all_ended(job: JobFolder) -> bool:
    try:
        return have_ended(job, tasks_of(job))
    except OSError:
        return False


@functools.lru_cache(maxsize=64)
def _first_failed(path: Path) -> Failed | None:
    """Of a job whose tasks have all ended, so that they are read once: 0.1 ms for each."""
    tasks: list[TaskFolder] = tasks_of(JobFolder(path))
    return next((found for task in tasks if (found := _if_failed(task))), None)


def _if_failed(folder: JobFolder) -> Failed | None:
    result = read(folder, folder.result_file, Result.from_json, None)
    # A result outranks what was settled on before it was seen.
    is_whole = result is not None and not result.signal
    end = of_result(result, "") if result is not None and is_whole else settled(folder)
    if end is None or end.state is JobState.COMPLETED:
        return None
    return Failed(folder, end)
