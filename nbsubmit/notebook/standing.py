"""How a job stands by its folder alone: no scheduler is asked, and nothing is unpickled."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nbsubmit.core import tasks
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.found import look
from nbsubmit.core.settle import settle
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import Shape, TaskFolder

# So many tasks are looked at of an array that has ended.
_TASKS = 50
_LONG_AGO = 3600.0
# A job that shows no sign of life for so long has probably ended without one.
_SILENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Standing:
    """How a job stands.

    Attributes
    ----------
    state : JobState or None
        Its state; None if it was interrupted, and only the scheduler knows whether it runs again.
    silent : float
        For how long it has shown no sign of life though it should run; 0 if it does.
    """

    state: JobState | None
    silent: float = 0.0


def standing_of(folder: JobFolder) -> Standing | None:
    """Return how a job stands; None if its folder is gone or cannot be read."""
    try:
        with os.scandir(folder.path) as entries:
            names = {entry.name for entry in entries}
        state = _of_tasks(folder) if "tasks" in names else _of_one(folder, names)
        beats = state is JobState.RUNNING and folder.beat_file.name in names
        silence = folder.silence() if beats else 0.0
    except (OSError, FolderError):
        return None
    return Standing(state, silence if silence > _SILENCE_SECONDS else 0.0)


def _of_one(folder: JobFolder, names: set[str]) -> JobState | None:
    signs = (folder.result_file, folder.end_file, folder.exit_file, folder.refusal_file)
    if any(sign.name in names for sign in signs):
        found = look(folder)
        if found.may_run_again and not found.conclusive:
            return JobState.PENDING if found.queued_again else None
        return settle(found, None, _LONG_AGO).state
    return JobState.RUNNING if folder.started_file.name in names else JobState.PENDING


def _of_tasks(folder: JobFolder) -> JobState:
    """Return the state of a job with tasks: it has ended when all of them have."""
    shape = Shape.of(folder.spec)
    listed = tasks.listing(folder)
    if folder.refusal():
        return JobState.REFUSED
    if len(listed.ended) < len(shape.keys):
        if listed.cancelled:
            return JobState.CANCELLED
        return JobState.RUNNING if listed.started else JobState.PENDING
    for key in shape.keys[:_TASKS]:
        state = settle(look(TaskFolder(folder, key, shape)), None, _LONG_AGO).state
        if state is not JobState.COMPLETED:
            return state
    return JobState.COMPLETED
