"""The job as users hold it: what it can do besides, under submitit's names and as a future."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from nbsubmit.backends import registry
from nbsubmit.client.awaitable import AsyncJobProxy
from nbsubmit.client.paths import JobPaths
from nbsubmit.client.submission import submission_of
from nbsubmit.client.watching import watcher
from nbsubmit.core.backend import Backend
from nbsubmit.core.delayed import DelayedSubmission
from nbsubmit.core.errors import BackendMissing, SubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.found import look
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job as CoreJob
from nbsubmit.core.job import Watches
from nbsubmit.core.settle import settle
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob as CoreTaskedJob
from nbsubmit.core.tasks import Shape, TaskFolder, TaskKey

if TYPE_CHECKING:
    pass

_log = logging.getLogger("nbsubmit")

R = TypeVar("R", covariant=True)

# The states of a future of `concurrent.futures`, whose functions look at them.
_FUTURE_STATES = {JobState.PENDING: "PENDING", JobState.CANCELLED: "CANCELLED_AND_NOTIFIED"}
# Backends whose own ids mean nothing to a person.
_WITHOUT_IDS = ("local", "debug")


class Job(CoreJob, Generic[R], Future[Any]):  # type: ignore[misc]
    """One job.

    An executor's `submit` returns one, `nbsubmit.attach` and `nbsubmit.jobs` find it again; nobody
    else makes one. It can be waited for and asked as submitit's, and as a future of
    `concurrent.futures`: of that class it is for those who insist on it, as `asyncio.wrap_future`
    does. What it can do it knows by itself.

    Parameters
    ----------
    folder : JobFolder
        Its folder.
    backend : Backend or None
        What runs it; None for a job that can only be looked at.
    watcher : Watches
        Looks at it while somebody waits.
    home : dict, optional
        The namespace that functions among its values are bound to; by default ``__main__``'s.
    whole : Job, optional
        The job that it is a task of.

    Attributes
    ----------
    id : str
        Our own id.
    name : str
        The job's name; empty if it was given none.
    spec : dict
        What is known of it from the start, as plain data.

    Raises
    ------
    FolderError
        If somebody else could have written what its folder holds.

    Examples
    --------
    >>> job = nbsubmit.DebugExecutor("logs").submit(math.sqrt, 16)
    >>> job.result(), job.done(), str(job.state)
    (4.0, True, 'COMPLETED')
    >>> job = nbsubmit.DebugExecutor("logs").submit(math.sqrt, -1)
    >>> job.exception()
    ValueError('math domain error')
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
        # Has the executor that sent it hold it no longer.
        self.leave: Callable[[CoreJob], None] | None = None
        super().__init__(folder, backend, watcher, home, whole)

    def __repr__(self) -> str:
        return f'<{type(self).__name__} {self.id} job_id={self.job_id} state="{self.state}">'

    # What it is

    @property
    def state(self) -> JobState:
        """The state as last seen; who asks has it looked at from now on."""
        if not self.is_over:
            keep = getattr(self._watcher, "keep", None)
            if keep is not None:
                keep(self)
        return super().state

    @property
    def job_id(self) -> str:
        """Its handle, as Slurm's ``7`` or ``7_3``; our own id where it runs on this machine.

        Our own also of a task in a pack, for the handle is that of the whole pack.
        """
        if self.folder.spec.get("backend") in _WITHOUT_IDS or self.folder.is_packed:
            return self.folder.job_id
        return self.handle

    @property
    def task_id(self) -> int | None:
        """Its rank among the processes that run together; 0 if it runs alone, None of several."""
        if isinstance(self.folder, TaskFolder):
            return self.folder.key.rank or 0
        return 0

    @property
    def num_tasks(self) -> int:
        """How many processes run together; of a whole array, how many there are in all."""
        return len(self.parts)

    @property
    def paths(self) -> JobPaths:
        """Where its files are."""
        return JobPaths(self.folder, self.job_id, self.task_id)

    def task(self, task_id: int) -> Job[R]:
        """Return one of the processes that run together.

        Parameters
        ----------
        task_id : int
            Its rank, from 0.

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
            If the job is a cell, or a whole array; or if what was sent cannot be loaded here.
        """
        return submission_of(self)

    # What came of it

    def result(self, timeout: float | None = None) -> R:
        """Wait, and return what the function returned, or the value of a cell's last expression.

        Of several processes, or a whole array, it is the list of theirs.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Raises
        ------
        Exception
            What was raised there, with the traceback of the node as its cause. What a function
            raised is a `FailedJobError` too.
        UncompletedJobError
            If the job ended without a result, or it cannot be loaded here.
        TimeoutError
            If it has not ended in time; it runs on.

        Examples
        --------
        >>> job = nbsubmit.LocalExecutor("logs").submit(divmod, 17, 5)
        >>> job.result(timeout=60)
        (3, 2)
        """
        return cast(R, super().result(timeout))

    def __await__(self) -> Generator[Any, None, R]:
        return super().__await__()

    def results(self, timeout: float | None = None) -> list[R]:
        """Wait, and return what each process returned, in order.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; by default as long as it takes.

        Raises
        ------
        Exception
            As of `result`, of the first that failed.
        """
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
            Look now, and ask what runs it, rather than take what was last seen, as by default.
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
            ``force``, the default, looks now; ``standard`` and ``cache`` take what was last seen.
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
            Raise an error if the backend could not be asked, as by default; else it is logged.

        Returns
        -------
        bool
            False if it had ended already.

        Raises
        ------
        OSError, SubmitError
            If the backend could not be asked; it is asked again while the job is watched.
        """
        return _cancelled(self, super().cancel, check)

    def resubmit(self, **changed: Any) -> Job[R]:
        """Send the same call or cell again, as a new job, and return that.

        Parameters
        ----------
        **changed
            Parameters of the executor that are to be others than they were; of a cell ``options``,
            a text that is added to its line. What a cell brings waits until it is attached to.

        Raises
        ------
        OptionError
            If there is no such parameter or option, or it cannot have that value.
        NbsubmitError
            If it cannot be sent, or another nbsubmit has written it.

        Examples
        --------
        >>> job = nbsubmit.DebugExecutor("logs").submit(abs, -1)
        >>> job.resubmit(job_name="again").result()
        1
        """
        from nbsubmit.client.again import place_of, send_again

        place = place_of(self)
        if place is None or self.whole is None:
            return cast("Job[R]", send_again(self, changed))
        whole = cast("Job[Any]", self.whole)
        return cast("Job[R]", send_again(whole, changed, [place]).of_array()[0])

    def cancel_at_deletion(self, value: bool = True) -> Job[R]:
        """Have it cancelled when nobody holds it any more, and return it.

        Its executor does not count. The tasks of an array hold each other, so that all of them are
        to be let go.

        Parameters
        ----------
        value : bool
            False has it run on after all.
        """
        self.may_go = value
        if value and self.leave is not None:
            self.leave(self.whole or self)
        return self

    def __del__(self) -> None:
        if self.__dict__.get("may_go") and not self.is_over:
            self.cancel(check=False)

    # Elsewhere

    def __reduce__(self) -> Any:
        key = self.folder.key if isinstance(self.folder, TaskFolder) else None
        return reopened, (str(self.folder.whole), key)

    def of_array(self) -> list[Job[Any]]:
        """Return the jobs of an array, one for each index; the job itself if it is none."""
        return [self]

    def of_folder(self, folder: JobFolder) -> Job[Any]:
        """Return the part of the job that a folder belongs to: a task, or one of an array.

        Parameters
        ----------
        folder : JobFolder
            The folder; of one that is none of the job's the job itself is returned.
        """
        parts = [cast("Job[Any]", part) for part in self.parts]
        return next((j for j in (*parts, *self.of_array()) if j.folder.path == folder.path), self)

    def awaitable(self) -> AsyncJobProxy[R]:
        """Return what waits for it without keeping the loop busy."""
        return AsyncJobProxy(self)

    # As a future

    def running(self) -> bool:
        """Tell whether it runs now, or is suspended."""
        return self.state in (JobState.RUNNING, JobState.SUSPENDED)

    def cancelled(self) -> bool:
        """Tell whether it was cancelled."""
        return self.state is JobState.CANCELLED

    def _future_state(self) -> str:
        if self.is_over:
            return _FUTURE_STATES.get(self.state, "FINISHED")
        return _FUTURE_STATES.get(self.state, "RUNNING")

    def _get_snapshot(self) -> tuple[bool, bool, Any, BaseException | None]:
        """Return what `asyncio` asks of a future from Python 3.14 on."""
        if not self.is_over or self.cancelled():
            return self.is_over, self.is_over, None, None
        error = self.exception()
        return True, False, None if error else self.result(), error

    def _future_condition(self) -> threading.Condition:
        """What `concurrent.futures.wait` holds while it looks; it is told of the end then."""
        if self._lock_of_waiters is None:
            self._lock_of_waiters = threading.Condition()
            self._watcher.add(self)
            self.add_done_callback(_tell_waiters)
        return self._lock_of_waiters

    # To a type checker they stay the attributes of any future.
    _state = property(_future_state)
    _condition = property(_future_condition)


def _cancelled(job: Job[Any], cancel: Callable[[], bool], check: bool) -> bool:
    try:
        return cancel()
    except (OSError, SubmitError):
        if check:
            raise
        _log.warning("job %s could not be cancelled", job.id, exc_info=True)
        return False


def _tell_waiters(job: Any) -> None:
    with job._condition:
        for waiter in job._waiters:
            if job._state == "FINISHED":
                failed = job.state is not JobState.COMPLETED
                (waiter.add_exception if failed else waiter.add_result)(job)
            else:
                waiter.add_cancelled(job)


class TaskedJob(CoreTaskedJob, Job[list[Any]]):  # type: ignore[misc]
    """A job that has tasks: several processes, or a whole array."""

    of_a_task: ClassVar[type[CoreJob]] = Job

    @property
    def task_id(self) -> int | None:
        return None

    def cancel(self, check: bool = True) -> bool:
        # Not Job's, behind which stands the one that knows of no tasks.
        return _cancelled(self, super().cancel, check)

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
    """Return one job of an array of jobs that are several processes each."""
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


def open_job(
    folder: JobFolder, backend: Backend | None, watcher: Watches, home: Namespace | None = None
) -> Job[Any]:
    """Return the job in a folder."""
    kind = TaskedJob if Shape.of(folder.spec).has_tasks else Job
    return kind(folder, backend, watcher, home)


def backend_of(folder: JobFolder) -> Backend | None:
    """Return what runs the job in a folder; None if only its files can be looked at."""
    try:
        return registry.get(str(folder.spec.get("backend", "")))
    except BackendMissing:
        return None


def reopened(path: str, key: TaskKey | None = None) -> Job[Any]:
    """Return a job that was pickled."""
    folder = JobFolder(Path(path))
    job = open_job(folder, backend_of(folder), watcher())
    for part in job.parts:  # what the folder tells is known at once
        found = look(part.folder)
        part.update(found, settle(found, None, 0.0))
    job.refresh()
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
