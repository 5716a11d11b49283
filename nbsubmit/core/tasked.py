"""A job that has tasks, as a user holds it: an array, or processes that run together."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from nbsubmit.core.backend import Backend
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.garbage import uncollected
from nbsubmit.core.gathered import Gathered, gather
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job, Watches
from nbsubmit.core.originals import Home
from nbsubmit.core.parts import parts_of
from nbsubmit.core.rest import Sender, handles_of
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.tasks import Shape, name_of, tasks_of

# What is said first of tasks that ended in several ways.
WORST = (
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
        self._send_failed: Callable[[str], Job] | None = None
        self._sending: Sender | None = None
        self._live = len(self.tasks)
        for task in self.tasks:
            task.add_done_callback(self._one_has_ended)

    def _make_tasks(self) -> list[Job]:
        kind, common = self.of_a_task, (self.backend, self._watcher, self._home, self)
        with uncollected():
            return [kind(task, *common) for task in tasks_of(self.folder)]

    @property
    def parts(self) -> Sequence[Job]:
        return self.tasks

    @property
    def states(self) -> Counter[JobState]:
        """How many tasks are in which state."""
        return Counter(task.status.state for task in self.tasks)

    @property
    def handle(self) -> str:
        return self.folder.handle()

    @property
    def elapsed_seconds(self) -> float:
        """How many seconds it has run, or ran: from a task's first start to the last end."""
        started = [task.found.started for task in self.tasks if task.found.started]
        if not started:
            return 0.0
        ends = [time.time()]
        if self.is_over:
            ends = [_end(task) for task in self.tasks if task.found.started]
        return max(max(ends) - min(started), 0.0)

    # Output

    def stdout(self) -> str:
        return "\n".join(task.stdout() for task in self.tasks)

    def stderr(self) -> str:
        return "\n".join(task.stderr() for task in self.tasks)

    # Values

    @property
    def failed(self) -> list[Job]:
        """The tasks that have ended and have not succeeded."""
        return [t for t in self.tasks if t.is_over and t.status.state is not JobState.COMPLETED]

    @functools.cached_property
    def gathered(self) -> Gathered:
        """What the tasks have brought, put together; they have to have ended."""
        return gather(self.tasks)

    def forget_values(self) -> None:
        self.__dict__.pop("gathered", None)
        for task in self.tasks:
            task.forget_values()

    @property
    def names(self) -> Mapping[str, Any]:
        """A list for each name that came back, with the values of the tasks in their order.

        In the place of a task that has failed stands what raises its error when it is used
        (`Missing`). Nothing is waited for: it is empty until all of them have ended.
        """
        return self.gathered.lists if self.is_over else {}

    @property
    def value(self) -> list[Any]:
        """The value of the last expression of each task; waits for them.

        In the place of a task that has failed stands what raises its error when it is used
        (`Missing`).
        """
        self.wait()
        return self.gathered.value

    def sent_from(self, home: Home) -> None:
        for task in self.tasks:
            task.sent_from(_HomeOfTask(home))

    def result(self, timeout: float | None = None) -> list[Any]:
        """Wait, and return the value of each task, in order.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Raises
        ------
        Exception
            What the first task raised that failed, or how it ended.
        TimeoutError
            If not all have ended in time; they run on.
        """
        self.wait(timeout)
        error = self.exception()
        if error is not None:
            raise error
        return [task.result() for task in self.tasks]

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait, and return what went wrong in the first task that failed, or None.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Raises
        ------
        TimeoutError
            If not all have ended in time; they run on.
        """
        self.wait(timeout)
        errors = (task.exception() for task in self.tasks)
        return next((error for error in errors if error is not None), None)

    # Acting on it

    def cancel(self) -> bool:
        if self.is_over:
            return False
        self.folder.write_json(self.folder.cancel_file, {"at": time.time()})
        if self.backend is not None:
            self._stop(self.backend, self._handles(self.backend))
        self._watcher.add(self)
        return True

    def _handles(self, backend: Backend) -> list[str]:
        if self._is_array:
            return handles_of(self.folder, backend)
        return [self.handle] if self.handle else []

    @property
    def _is_array(self) -> bool:
        """It is the whole of one, not processes that run together as one job of it."""
        is_whole = self.folder.whole == self.folder.path
        return is_whole and Shape.of(self.folder.spec).count is not None

    def _interrupt(self, timeout: bool = False) -> None:
        if not self._is_array:
            super()._interrupt(timeout)  # they run together, and are told together
            return
        for task in self.tasks:
            folder = task.folder
            waits = folder.is_packed and not folder.started_file.exists()
            if folder.is_first and not task.is_over and not waits:
                task._interrupt(timeout)

    def resubmit_failed(self, options: str = "") -> Job:
        """Send the tasks again that have failed; what they bring fills their places in the lists.

        Parameters
        ----------
        options : str
            Options to add to those of the cell's line: ``"--mem 8G"``; by default none.

        Returns
        -------
        Job
            The new job, of these tasks alone.

        Raises
        ------
        NbsubmitError
            If the job is not one of this notebook's cells.
        """
        if self._send_failed is None:
            raise NbsubmitError(
                f"job {self.id} is not a cell of this notebook. %jobs attach {self.id} makes it "
                f"one; calls of functions are sent again by rerun_failed() of their array"
            )
        return self._send_failed(options)

    def on_resubmit_failed(self, send: Callable[[str], Job]) -> None:
        """Have this send the tasks that have failed, with more options.

        Parameters
        ----------
        send : callable
            Options, as text, in; the new job out.
        """
        self._send_failed = send

    # For whoever watches

    def _one_has_ended(self, _task: Job) -> None:
        with self._lock:
            self._live -= 1
            ended = self._live == 0
        if ended:
            self.refresh()

    def send_more(self, now: float, pause: float) -> None:
        if self.backend is None or not self._is_array or parts_of(self.folder).rest is None:
            return
        if self._sending is None:
            self._sending = Sender(self.folder, self.backend)
        shape = Shape.of(self.folder.spec)
        over, size = [task.is_over for task in self.tasks], shape.ranks * shape.pack
        if size > 1:
            over = [all(over[n : n + size]) for n in range(0, len(over), size)]
        self._sending.go_on(over, now, max(pause, self.backend.polite_seconds))

    def refresh(self) -> None:
        """Put together what was seen of the tasks, and tell those who listen."""
        if self.is_over:
            return
        self._report = next((task.report for task in self.tasks if task.report), None)
        self._status = together(self.tasks)
        if self._live == 0:
            self._has_ended()
        self.notify()


class _HomeOfTask:
    """What a task may refer to of the notebook's objects: those that it has left as they were.

    What tasks change they change each for itself, so that the notebook's own object stays.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    def original(self, name: str, *, changed: bool) -> Any:
        return None if changed else self._home.original(name, changed=False)

    def part(self, name: str, number: int, *, changed: bool) -> Any:
        return None if changed else self._home.part(name, number, changed=False)

    def is_shared(self, _name: str) -> bool:
        return False

    def may_change_named(self, _name: str, _kind: type) -> bool:
        return False

    def may_change_class(self, _kind: type) -> bool:
        return False


def together(jobs: Sequence[Job]) -> Status:
    """Return the one status of several tasks."""
    states = Counter(job.status.state for job in jobs)
    live = [state for state in states if not state.ended]
    if live:
        first = next(
            (s for s in (JobState.RUNNING, JobState.SUSPENDED) if s in states), JobState.PENDING
        )
        one = next(job.status for job in jobs if job.status.state is first)
        told = counted(states) if len(states) > 1 else one.reason
        unsent = [job for job in jobs if job.found.unsent and not job.is_over]
        if not unsent:
            return Status(first, told, one.advice)
        status = unsent[0].status
        told = f"{counted(states)}; {len(unsent)} of them {status.reason}"
        return Status(first, told, status.advice)
    if set(states) == {JobState.COMPLETED}:
        return Status(JobState.COMPLETED)
    worst = next(state for state in WORST if state in states)
    first_bad = next(job for job in jobs if job.status.state is worst)
    bad = first_bad.status
    reason = f"{counted(states)}; task {name_of(first_bad.folder)}: {bad.reason or worst.value}"
    return Status(worst, reason, bad.advice, bad.node)


def _end(task: Job) -> float:
    """Return when a task ended, by its node's clock."""
    result = task.found.result
    return task.found.started + task.elapsed_seconds if result is None else result.ended


def counted(states: Mapping[JobState, int]) -> str:
    """Say how many tasks are in which state."""
    total = sum(states.values())
    told = [f"{states[state]} {state.value}" for state in JobState if state in states]
    return f"of {total} task{'s' * (total != 1)} " + ", ".join(told)


def part_of(job: Job, folder: JobFolder) -> Job:
    """Return the task of a job that has this folder, or the job itself."""
    return next((task for task in job.parts if task.folder.path == folder.path), job)


def open_job(
    folder: JobFolder, backend: Backend | None, watcher: Watches, home: Namespace | None = None
) -> Job:
    """Return the job in a folder."""
    kind = TaskedJob if Shape.of(folder.spec).has_tasks else Job
    return kind(folder, backend, watcher, home)


Opens = Callable[[JobFolder, Backend | None, Watches, Namespace | None], Job]
