"""The handle of a job that has tasks: an array, or several processes that run together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from nbsubmit.core import tasks
from nbsubmit.core.backend import Backend
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job, Watches
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.tasks import Shape, tasks_of

# What is said first of tasks that ended in several ways.
_WORST = (
    JobState.REFUSED, JobState.LOST, JobState.NODE_FAIL, JobState.OUT_OF_MEMORY, JobState.TIMEOUT,
    JobState.PREEMPTED, JobState.FAILED, JobState.CANCELLED,
)  # fmt: skip


class TaskedJob(Job):
    """A job that has tasks; what is asked of it is asked of all of them.

    Parameters
    ----------
    folder, backend, watcher, home
        As for `Job`.

    Attributes
    ----------
    tasks : list of Job
        The tasks, in order.
    """

    of_a_task: ClassVar[type[Job]] = Job

    def __init__(
        self,
        folder: JobFolder,
        backend: Backend | None,
        watcher: Watches,
        home: Namespace | None = None,
    ) -> None:
        super().__init__(folder, backend, watcher, home)
        self.tasks = self._make_tasks()
        self._live = len(self.tasks)
        for task in self.tasks:
            task.add_done_callback(self._one_has_ended)

    def _make_tasks(self) -> list[Job]:
        kind, common = self.of_a_task, (self.backend, self._watcher, self._home, self)
        return [kind(task, *common) for task in tasks_of(self.folder)]

    @property
    def parts(self) -> Sequence[Job]:
        return self.tasks

    @property
    def states(self) -> Counter[JobState]:
        """How many tasks are in which state."""
        return Counter(task.state for task in self.tasks)

    @property
    def handle(self) -> str:
        return self.folder.handle()

    @property
    def elapsed_seconds(self) -> float:
        """How long it has run, or ran: from the first start of a task to the last end."""
        started = [task.found.started for task in self.tasks if task.found.started]
        if not started:
            return 0.0
        ends = [time.time()]
        if self.is_over:
            ends = [task.found.result.ended for task in self.tasks if task.found.result] or started
        return max(max(ends) - min(started), 0.0)

    # Output

    def stdout(self) -> str:
        return "\n".join(task.stdout() for task in self.tasks)

    def stderr(self) -> str:
        return "\n".join(task.stderr() for task in self.tasks)

    # Values

    def result(self, timeout: float | None = None) -> list[Any]:
        """Wait, and return the value of each task, in order.

        Raises
        ------
        Exception
            What the first task raised that failed.
        """
        self.wait(timeout)
        error = self.exception()
        if error is not None:
            raise error
        return [task.result() for task in self.tasks]

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait, and return what went wrong in the first task that failed, or None."""
        self.wait(timeout)
        errors = (task.exception() for task in self.tasks)
        return next((error for error in errors if error is not None), None)

    # Acting on it

    def cancel(self) -> bool:
        if self.is_over:
            return False
        self.folder.write_json(self.folder.cancel_file, {"at": time.time()})
        if self.backend is not None:
            handles = [part.handle for part in tasks.parts_of(self.folder).parts]
            for handle in handles or [self.handle]:
                if handle:
                    self.backend.stop(handle)
        self._watcher.add(self)
        return True

    def _interrupt(self, timeout: bool = False) -> None:
        if self.folder.whole != self.folder.path or Shape.of(self.folder.spec).count is None:
            super()._interrupt(timeout)  # they run together, and are told together
            return
        for task in self.tasks:
            if task.folder.is_first and not task.is_over:
                task._interrupt(timeout)

    # For whoever watches

    def _one_has_ended(self, _task: Job) -> None:
        with self._lock:
            self._live -= 1
            ended = self._live == 0
        if ended:
            self.refresh()

    def refresh(self) -> None:
        """Put together what was seen of the tasks, and tell those who listen."""
        if self.is_over:
            return
        self._report = next((task.report for task in self.tasks if task.report), None)
        self._status = together(self.tasks)
        if self._live == 0:
            self._has_ended()
        self.notify()


def together(jobs: Sequence[Job]) -> Status:
    """Return the one status of several tasks."""
    states = Counter(job.state for job in jobs)
    live = [state for state in states if not state.ended]
    if live:
        first = next(
            (s for s in (JobState.RUNNING, JobState.SUSPENDED) if s in states), JobState.PENDING
        )
        waiting = next((job.status.reason for job in jobs if job.state is first), "")
        told = _counted(states) if len(states) > 1 else waiting
        return Status(first, told)
    if set(states) == {JobState.COMPLETED}:
        return Status(JobState.COMPLETED)
    worst = next(state for state in _WORST if state in states)
    one = next(job for job in jobs if job.state is worst)
    reason = f"{_counted(states)}; task {_name(one)}: {one.status.reason or worst.value}"
    return Status(worst, reason, one.status.advice, one.status.node)


def _counted(states: Counter[JobState]) -> str:
    total = sum(states.values())
    told = [f"{states[state]} {state.value}" for state in JobState if state in states]
    return f"of {total} tasks " + ", ".join(told)


def _name(job: Job) -> str:
    return job.folder.id.rpartition("_")[2]


def open_job(
    folder: JobFolder, backend: Backend | None, watcher: Watches, home: Namespace | None = None
) -> Job:
    """Return the handle of the job in a folder."""
    kind = TaskedJob if Shape.of(folder.spec).has_tasks else Job
    return kind(folder, backend, watcher, home)


Opens = Callable[[JobFolder, Backend | None, Watches, Namespace | None], Job]
