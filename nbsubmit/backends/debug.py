"""The same folder and the same worker code, in this very process: for stepping through it.

The job has ended when `start` returns.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

from nbsubmit.backends import script
from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.core.backend import Owner, Report
from nbsubmit.core.definitions.known import as_another_process
from nbsubmit.core.folder import JOB_VARIABLE, JobFolder
from nbsubmit.core.options import Option
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import (
    OF_A_JOB,
    RANK_VARIABLE,
    RANKS_VARIABLE,
    TASK_VARIABLE,
    Shape,
    TaskKey,
    tasks_of,
)
from nbsubmit.worker.run import run

# In the handle of an array that was interrupted.
_INTERRUPTED = ":interrupted"


class DebugBackend:
    """Runs jobs in this process, one at a time, blocking."""

    name: ClassVar[str] = "debug"
    options: ClassVar[Sequence[Option]] = OPTIONS
    owned: ClassVar[Mapping[str, str]] = OWNED
    polite_seconds: ClassVar[float] = 0.0

    def check(self) -> None:
        """It is always possible."""

    def script(self, launch: Launch) -> str:
        """Return the script that another backend would run."""
        return f"#!{script.shell()}\n{script.body(launch)}"

    def ignored(self, launch: Launch) -> Sequence[str]:
        """All that concerns the process: it is this one."""
        return [*launch.resources.demands, *(["--setup"] if launch.setup else [])]

    def expected_start(self, launch: Launch) -> str:
        """At once, and nothing else happens meanwhile."""
        return "at once"

    def largest_array(self) -> int | None:
        """Any: the tasks run one after another."""
        return None

    def start(self, launch: Launch) -> str:
        """Run the job to its end; of several tasks one after another."""
        job = JobFolder(launch.folder)
        for task in tasks_of(job):
            task.create()
            self._run(task, launch, task.key)
            if _was_interrupted(task):  # who interrupts a cell means all of it
                job.write_json(job.cancel_file, {"at": time.time()})
                return f"{os.getpid()}{_INTERRUPTED}"
        if not Shape.of(job.spec).has_tasks:
            self._run(job, launch, TaskKey())
        return f"{os.getpid()}"

    def _run(self, folder: JobFolder, launch: Launch, key: TaskKey) -> None:
        before = dict(os.environ)
        out = os.open(folder.log_out, os.O_WRONLY | os.O_APPEND)
        err = os.open(folder.log_err, os.O_WRONLY | os.O_APPEND)
        try:
            for variable in OF_A_JOB:
                os.environ.pop(variable, None)
            os.environ.update(launch.env)
            os.environ[JOB_VARIABLE] = str(launch.folder)
            if key.index is not None:
                os.environ[TASK_VARIABLE] = str(key.index)
            if key.rank is not None:
                os.environ[RANK_VARIABLE] = str(key.rank)
            os.environ[RANKS_VARIABLE] = str(launch.ranks)
            with as_another_process():
                run(folder, stdout=out, stderr=err)
        finally:
            os.environ.clear()
            os.environ.update(before)
            os.close(out)
            os.close(err)

    def find(self, _job_id: str) -> Mapping[int, str]:
        """None: a job ends with the process that has started it."""
        return {}

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        """Every job has ended; the tasks that an interrupt kept from running were cancelled."""
        return {
            handle: Report(JobState.CANCELLED if _INTERRUPTED in handle else JobState.COMPLETED)
            for handle in handles
        }

    def warn(self, handle: str, owner: Owner | None = None) -> None:
        """There is nothing left to warn."""

    def stop(self, handle: str, owner: Owner | None = None) -> None:
        """There is nothing left to stop."""


def _was_interrupted(task: JobFolder) -> bool:
    result = task.read_json(task.result_file)
    error = result["error"] if result is not None else None
    return error is not None and error["ename"] == KeyboardInterrupt.__name__
