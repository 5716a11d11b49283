"""The job as users hold it: what it can do besides, under submitit's names and as a future."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from nbsubmit.backends import registry
from nbsubmit.client.paths import JobPaths
from nbsubmit.client.watching import watcher
from nbsubmit.core.backend import Backend
from nbsubmit.core.bundle import Bundle
from nbsubmit.core.call import CALL, SHARED
from nbsubmit.core.delayed import DelayedSubmission
from nbsubmit.core.errors import BackendMissing, NbsubmitError, UnknownJob
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job as CoreJob
from nbsubmit.core.job import Watches
from nbsubmit.core.slices import load as load_slice
from nbsubmit.core.slices import read as read_slice
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob as CoreTaskedJob
from nbsubmit.core.tasks import Shape, TaskFolder, TaskKey

if TYPE_CHECKING:
    from nbsubmit.client.executor import Executor

_log = logging.getLogger("nbsubmit")

R = TypeVar("R", covariant=True)

# The states of a future of `concurrent.futures`, whose functions look at them.
_FUTURE_STATES = {JobState.PENDING: "PENDING", JobState.CANCELLED: "CANCELLED_AND_NOTIFIED"}
# Backends whose own ids mean nothing to a person.
_WITHOUT_IDS = ("local", "debug")


class Job(CoreJob, Generic[R]):
    """One job.

    It can be waited for and asked as submitit's, and as a future of `concurrent.futures`.

    Parameters
    ----------
    folder : JobFolder or path
        Its folder, or the folder that its executor was given.
    backend : Backend, optional
        What runs it.
    watcher : Watches, optional
        Looks at it while somebody waits.
    home : dict, optional
        The namespace that functions among its values are bound to.
    whole : Job, optional
        The job that it is a task of.
    """

    def __init__(
        self,
        folder: JobFolder,
        backend: Backend | None,
        watcher: Watches,
        home: Namespace | None = None,
        whole: CoreJob | None = None,
    ) -> None:
        self._waiters: list[Any] = []
        self._lock_of_waiters: threading.Condition | None = None
        self._cancels_at_deletion = False
        super().__init__(folder, backend, watcher, home, whole)

    def __repr__(self) -> str:
        return f'<{type(self).__name__} {self.id} job_id={self.job_id} state="{self.state}">'

    # What it is

    @property
    def job_id(self) -> str:
        """The scheduler's id of it, ``7`` or ``7_3``; our own where there is no scheduler."""
        if self.folder.spec.get("backend") in _WITHOUT_IDS:
            return self.folder.job_id
        return self.handle

    @property
    def task_id(self) -> int | None:
        """Its rank among the processes that run together; 0 if it runs alone."""
        if isinstance(self.folder, TaskFolder):
            return self.folder.key.rank or 0
        return 0

    @property
    def num_tasks(self) -> int:
        """How many processes run together."""
        return len(self.parts)

    @property
    def paths(self) -> JobPaths:
        """Where its files are."""
        return JobPaths(self.folder, self.job_id, self.task_id)

    def task(self, task_id: int) -> Job[R]:
        """Return one of the processes that run together.

        Raises
        ------
        ValueError
            If there is none of this number.
        """
        if not 0 <= task_id < self.num_tasks:
            raise ValueError(
                f"job {self.job_id} has {self.num_tasks} tasks, from 0; there is no {task_id}"
            )
        return cast("Job[R]", self.parts[task_id])

    def submission(self) -> DelayedSubmission:
        """Return the function and the arguments that were sent.

        Raises
        ------
        NbsubmitError
            If the job is a cell.
        """
        return _submission(self)

    # What came of it

    def result(self, timeout: float | None = None) -> R:
        """Wait, and return what the function returned, or the value of a cell's last expression.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Raises
        ------
        Exception
            What the function raised, with the traceback of the node as its cause; it is a
            `FailedJobError` too.
        UncompletedJobError
            If the job ended without a result.
        TimeoutError
            If it has not ended in time.
        """
        return cast(R, super().result(timeout))

    def results(self, timeout: float | None = None) -> list[R]:
        """Wait, and return what each process returned, in order."""
        self.wait(timeout)
        error = self.exception()
        if error is not None:
            raise error
        return [cast(R, part.result()) for part in self.parts]

    def done(self, force_check: bool = False) -> bool:
        """Tell whether it has ended, however it did.

        Parameters
        ----------
        force_check : bool
            Look now rather than take what was last seen.
        """
        if self.is_over:
            return True
        if force_check:
            _look_now(self)
        else:
            self._watcher.add(self)
        return self.is_over

    def get_info(self, mode: str = "force") -> dict[str, str]:
        """Return what Slurm's accounting would call ``JobID``, ``State`` and ``NodeList``.

        Parameters
        ----------
        mode : str
            ``force`` looks now, ``standard`` and ``cache`` take what was last seen.
        """
        if mode == "force":
            self.done(force_check=True)
        return {"JobID": self.job_id, "State": str(self.state), "NodeList": self.status.node}

    # Acting on it

    def cancel(self, check: bool = True) -> bool:
        """Ask for it to be ended.

        Parameters
        ----------
        check : bool
            Raise an error if the scheduler could not be asked.

        Returns
        -------
        bool
            False if it had ended already.
        """
        try:
            return super().cancel()
        except OSError:
            if check:
                raise
            _log.warning("job %s could not be cancelled", self.id, exc_info=True)
            return False

    def resubmit(self, **changed: Any) -> Job[R]:
        """Send the same call again, as a new job, and return that.

        Parameters
        ----------
        **changed
            Parameters of the executor that are to be others than they were.

        Raises
        ------
        NbsubmitError
            If the job is a cell: ``%jobs resubmit`` sends that.
        """
        from nbsubmit.client.again import place_of, send_again

        place = place_of(self)
        if place is None or self.whole is None:
            return cast("Job[R]", send_again(self, changed))
        whole = cast("Job[Any]", self.whole)
        return cast("Job[R]", send_again(whole, changed, [place]).of_array()[0])

    def cancel_at_deletion(self, value: bool = True) -> Job[R]:
        """Have it cancelled when nobody holds it any more, and return it."""
        self._cancels_at_deletion = value
        return self

    def __del__(self) -> None:
        if self.__dict__.get("_cancels_at_deletion") and not self.is_over:
            self.cancel(check=False)

    # Elsewhere

    def __reduce__(self) -> Any:
        key = self.folder.key if isinstance(self.folder, TaskFolder) else None
        return reopened, (str(self.folder.whole), key)

    def of_array(self) -> list[Job[Any]]:
        """Return the jobs of an array, one for each index; the job itself if it is none."""
        return [self]

    def of_index(self, index: str) -> Job[Any]:
        """Return one job of an array.

        Raises
        ------
        UnknownJob
            If there is none of this index.
        """
        jobs = self.of_array()
        if self.folder.spec.get("array") and index.isdecimal() and int(index) < len(jobs):
            return jobs[int(index)]
        raise UnknownJob(f"job {self.id} has no task {index}")

    def awaitable(self) -> AsyncJobProxy[R]:
        """Return what waits for it without keeping the loop busy."""
        return AsyncJobProxy(self)

    # As a future

    def running(self) -> bool:
        """Tell whether it runs now."""
        return self.state in (JobState.RUNNING, JobState.SUSPENDED)

    def cancelled(self) -> bool:
        """Tell whether it was cancelled."""
        return self.state is JobState.CANCELLED

    @property
    def _state(self) -> str:
        if self.is_over:
            return _FUTURE_STATES.get(self.state, "FINISHED")
        return _FUTURE_STATES.get(self.state, "RUNNING")

    @property
    def _condition(self) -> threading.Condition:
        """What `concurrent.futures.wait` holds while it looks; it is told of the end then."""
        if self._lock_of_waiters is None:
            self._lock_of_waiters = threading.Condition()
            self._watcher.add(self)
            self.add_done_callback(_tell_waiters)
        return self._lock_of_waiters


def _tell_waiters(job: Any) -> None:
    with job._condition:
        for waiter in job._waiters:
            if job._state == "FINISHED":
                failed = job.state is not JobState.COMPLETED
                (waiter.add_exception if failed else waiter.add_result)(job)
            else:
                waiter.add_cancelled(job)


class TaskedJob(CoreTaskedJob, Job[list[Any]]):
    """A job that has tasks: several processes, or a whole array."""

    of_a_task: ClassVar[type[CoreJob]] = Job

    @property
    def task_id(self) -> int | None:
        return None

    def cancel(self, check: bool = True) -> bool:
        return Job.cancel(self, check)

    def results(self, timeout: float | None = None) -> list[Any]:
        return self.result(timeout)

    def of_array(self) -> list[Job[Any]]:
        found: list[Job[Any]] = []
        shape = Shape.of(self.folder.spec)
        if shape.count is None:
            return [self]
        if shape.ranks == 1:
            return [cast("Job[Any]", task) for task in self.tasks]
        for index in range(shape.count or 0):
            some = self.tasks[index * shape.ranks : (index + 1) * shape.ranks]
            found.append(_together(self, index, some))
        return found


def _together(whole: TaskedJob, index: int, some: Sequence[CoreJob]) -> Job[Any]:
    """Return the handle of one job of an array of jobs that are several processes each."""
    folder = TaskFolder(whole.folder, TaskKey(index), Shape.of(whole.folder.spec))
    return RanksJob(folder, whole.backend, whole._watcher, whole._home, whole, some)


class RanksJob(TaskedJob):
    """Several processes that run together, as one job of an array."""

    def __init__(
        self,
        folder: TaskFolder,
        backend: Backend | None,
        watcher: Watches,
        home: Namespace | None,
        whole: CoreJob,
        tasks: Sequence[CoreJob],
    ) -> None:
        self._given = list(tasks)
        super().__init__(folder, backend, watcher, home)
        self.whole = whole

    def _make_tasks(self) -> list[CoreJob]:
        return self._given


class AsyncJobProxy(Generic[R]):
    """What waits for a job without keeping the loop busy.

    Parameters
    ----------
    job : Job
        The job.
    """

    def __init__(self, job: Job[R]) -> None:
        self._job = job

    async def wait(self, poll_interval: float = 1) -> None:
        """Return when it has ended.

        Parameters
        ----------
        poll_interval : float
            Of no meaning here: whoever waits is woken.
        """
        await self._job.ended()

    async def result(self, poll_interval: float = 1) -> R:
        """Return what the function returned."""
        await self.wait(poll_interval)
        return self._job.result()

    async def results(self, poll_interval: float = 1) -> list[R]:
        """Return what each process returned."""
        await self.wait(poll_interval)
        return self._job.results()

    def results_as_completed(self, poll_interval: float = 1) -> Iterator[asyncio.Future[R]]:
        """Yield an awaitable for each process, in the order in which they end."""
        proxies = (AsyncJobProxy(cast("Job[R]", part)) for part in self._job.parts)
        return asyncio.as_completed([proxy.result(poll_interval) for proxy in proxies])


class Array(list["Job[R]"]):
    """The jobs of an array: a list, and what can be done with all of them."""

    def results(self, timeout: float | None = None) -> list[R]:
        """Wait, and return what each returned, in order; the first that failed raises."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for job in self:
            job.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        return [job.result() for job in self]

    def wait(self, timeout: float | None = None) -> Array[R]:
        """Wait until all have ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for job in self:
            job.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        return self

    def done(self) -> bool:
        """Tell whether all have ended."""
        return all(job.done() for job in self)

    def cancel(self) -> None:
        """Ask for all to be ended."""
        wholes = {id(job.whole): job.whole for job in self if job.whole is not None}
        if sum(len(whole.parts) for whole in wholes.values()) == len(self):
            for whole in wholes.values():
                whole.cancel()
        else:
            for job in self:
                job.cancel()

    def failed(self) -> Array[R]:
        """Return those that have ended and have not succeeded."""
        return Array(j for j in self if _has_failed(j))

    def rerun_failed(self, **changed: Any) -> Array[R]:
        """Send the calls again that have failed; those of one array as one array.

        Parameters
        ----------
        **changed
            Parameters of the executor that are to be others than they were.

        Returns
        -------
        list of Job
            The jobs of this one, with new ones in the place of those that have failed.
        """
        from nbsubmit.client.again import place_of, send_again

        found, of_arrays = list(self), dict[str, list[int]]()
        for number, job in enumerate(self):
            if not _has_failed(job):
                continue
            if job.whole is None or place_of(job) is None:
                found[number] = job.resubmit(**changed)
            else:
                of_arrays.setdefault(job.whole.id, []).append(number)
        for numbers in of_arrays.values():
            whole = cast("Job[Any]", self[numbers[0]].whole)
            places = [place_of(self[number]) or 0 for number in numbers]
            jobs = send_again(whole, changed, places).of_array()
            for number, job in zip(numbers, jobs, strict=True):
                found[number] = job
        return Array(found)


def _has_failed(job: Job[Any]) -> bool:
    return job.is_over and job.state is not JobState.COMPLETED


class DelayedJob(Job[R]):
    """A job inside of a batch, which becomes a real one when the batch is sent."""

    def __init__(self, executor: Executor) -> None:
        self.__dict__["_executor"] = executor

    def __repr__(self) -> str:
        return "<DelayedJob, sent at the end of the batch>"

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        executor = object.__getattribute__(self, "__dict__").get("_executor")
        if executor is not None and type(self) is DelayedJob:
            executor.send_early()
            return getattr(self, name)
        return object.__getattribute__(self, name)

    def __del__(self) -> None:
        """Nothing was sent."""


def promote(delayed: DelayedJob[Any], job: Job[Any]) -> None:
    """Make a job of a batch the real one, so that who holds it holds that."""
    delayed.__dict__ = job.__dict__  # not a copy: what is seen of one is seen of both
    delayed.__class__ = type(job)  # type: ignore[assignment]


def open_job(
    folder: JobFolder, backend: Backend | None, watcher: Watches, home: Namespace | None = None
) -> Job[Any]:
    """Return the handle of the job in a folder."""
    kind = TaskedJob if Shape.of(folder.spec).has_tasks else Job
    return kind(folder, backend, watcher, home)


def backend_of(folder: JobFolder) -> Backend | None:
    """Return what runs the job in a folder; None if only its files can be looked at."""
    try:
        return registry.get(str(folder.spec.get("backend", "")))
    except BackendMissing:
        return None


def reopened(path: str, key: TaskKey | None = None) -> Job[Any]:
    """Return the handle of a job that was pickled."""
    folder = JobFolder(Path(path))
    job = open_job(folder, backend_of(folder), watcher())
    return _find(job, key) if key is not None and isinstance(job, TaskedJob) else job


def _find(job: TaskedJob, key: TaskKey) -> Job[Any]:
    shape = Shape.of(job.folder.spec)
    if shape.ranks > 1 and key.rank is None:
        return job.of_array()[key.index or 0]
    return cast("Job[Any]", job.tasks[shape.keys.index(key)])


def _look_now(job: Job[Any]) -> None:
    """Look at a job here and now, and ask its backend."""
    watching = job._watcher
    look = getattr(watching, "look_now", None)
    if look is not None:
        look([job])


def _submission(job: Job[Any]) -> DelayedSubmission:
    folder, values = job.folder, dict[str, Any]()
    home = job._namespace
    Bundle(folder.payload_stream, job.sent.contents, folder.locate).load(home, values.__setitem__)
    if CALL in values:
        function, args, kwargs = values[CALL]
    elif SHARED in values and isinstance(folder, TaskFolder) and folder.key.index is not None:
        function, args, kwargs = load_slice(read_slice(folder), home, values[SHARED])[CALL]
    else:
        raise NbsubmitError(f"job {job.id} is a cell or a whole array: no single call was sent")
    return DelayedSubmission(function, *args, **kwargs)
