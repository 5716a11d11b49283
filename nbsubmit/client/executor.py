"""Executors: they send calls of functions as jobs, and keep how to.

What each does with its parameters stands in `nbsubmit.client.parameters`; the way of a job is the
same for all of them, and the same as a cell's.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import math
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from nbsubmit.backends import registry
from nbsubmit.client import configured, parameters
from nbsubmit.client.arguments import have_been_sent, inputs_of, with_inputs
from nbsubmit.client.array import Array, tell_of_rest
from nbsubmit.client.batch import Batch, DelayedJob, promote
from nbsubmit.client.job import Job, open_job
from nbsubmit.client.watching import watcher
from nbsubmit.core import config_files, patterns
from nbsubmit.core import settings as settings_module
from nbsubmit.core.backend import Backend
from nbsubmit.core.call import Call, name_of
from nbsubmit.core.calling import capture_call, capture_calls
from nbsubmit.core.errors import BackendMissing
from nbsubmit.core.held import hold
from nbsubmit.core.inputs import After
from nbsubmit.core.job import Job as CoreJob
from nbsubmit.core.settings import STORE_NAME, Settings
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import Request, submit
from nbsubmit.core.utils import DelayedSubmission  # so that nbsubmit.core.utils is there

R = TypeVar("R")

_SUFFIX = "Executor"


class Executor:
    """Sends calls of functions as jobs.

    Parameters
    ----------
    folder : path
        Where the jobs' files are to lie; it may hold the patterns ``%j``, ``%A``, ``%a``, ``%t``.
    max_num_timeout : int
        So many times a job that can save what it has is run again after its time was over; by
        default 3.
    max_pickle_size_gb : float, optional
        More GB than this, of 1,000,000,000 bytes, are not sent with one job or array; 0 is no
        limit. By default what the setting ``size_limit`` says, which is 4 unless it was set.
    python : str, optional
        The command that starts Python for the jobs; by default this one.
    profile : str, optional
        Options that configuration files have under this name; several are separated by commas.

    Attributes
    ----------
    folder : Path
        The folder, absolute.
    parameters : dict
        What was set with `update_parameters`.
    known : mapping
        Every parameter that there is → its default.
    backend_name : str
        The backend that runs its jobs.
    jobs : list of Job
        What was sent, an array as one job.

    Raises
    ------
    BackendMissing
        If Slurm is asked for, and there is none here.

    Examples
    --------
    Each of the executors has what this one has:

    >>> with nbsubmit.DebugExecutor("logs") as executor:
    ...     list(executor.map(abs, [-1, 2]))
    [1, 2]
    """

    backend_name: ClassVar[str] = ""
    known: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        folder: Path | str,
        max_num_timeout: int = 3,
        max_pickle_size_gb: float | None = None,
        python: str | None = None,
        profile: str | None = None,
    ) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.max_num_timeout = max_num_timeout
        self.max_pickle_size_gb = max_pickle_size_gb
        self.python = python
        self.profile = profile
        self.parameters: dict[str, Any] = {}
        # Of each thread its own: what another one sends meanwhile goes at once.
        self._batches: dict[int, Batch] = {}
        self.jobs: list[Job[Any]] = []
        self._check()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(folder={str(self.folder)!r})"

    def _check(self) -> None:
        """Make sure that jobs can be run here."""

    @classmethod
    def name(cls) -> str:
        """Return what users call it, and what its parameters may begin with."""
        return cls.__name__.removesuffix(_SUFFIX).lower()

    @classmethod
    def affinity(cls) -> int:
        """Return how well it suits this machine: -1 not at all, 0 if asked for, 1, 2 best."""
        return -1

    # Parameters

    def update_parameters(self, **kwargs: Any) -> None:
        """Set parameters for all jobs that are sent from now on.

        Parameters
        ----------
        **kwargs
            Those that are to change; what each means stands at the class of the executor.

        Raises
        ------
        OptionError
            If there is no such parameter, listing all, or a value is not of its kind. It is a
            `ValueError` too, as submitit's.
        RuntimeError
            Inside of `batch`.

        Examples
        --------
        >>> executor = nbsubmit.LocalExecutor("logs")
        >>> executor.update_parameters(timeout_min=0.5, cpus_per_task=1)
        >>> executor.parameters
        {'timeout_min': 0.5, 'cpus_per_task': 1}
        """
        if self._batch is not None:
            raise RuntimeError(
                "parameters cannot change inside of batch(): its jobs are one array. "
                "Set them before"
            )
        parameters.check_names(kwargs, self.known, type(self).__name__)
        updated = {**self.parameters, **kwargs}
        self._asked(updated)  # so that what is wrong is said here and now
        self.parameters = updated

    def asked(self) -> parameters.Asked:
        """Return what its parameters ask for, over what configuration files say.

        Raises
        ------
        ConfigError
            If there is no such profile, or the files say what cannot be.
        """
        asked = self._asked(self.parameters)
        options = configured.of_executor(asked.options, self.profile, self.backend_name)
        return replace(asked, options=options)

    def _asked(self, given: Mapping[str, Any]) -> parameters.Asked:
        return parameters.of_local(given, self.python)

    @classmethod
    def from_shared(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters that all executors share by the names that this one has for them.

        Parameters
        ----------
        given : mapping
            Shared name → value.
        """
        return parameters.for_local(given)

    # Sending

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Job[R]:
        """Call a function in a job.

        Parameters
        ----------
        fn : callable
            What is called there.
        *args, **kwargs
            With what. A job among them, a cell's too, also in a list, tuple or dict, is waited for
            by the scheduler, and its value is loaded where the new job runs. ``after=[job, ...]``
            has it start after these jobs, unless the function itself takes an argument of that
            name.

        Returns
        -------
        Job
            The job, which is also a future of `concurrent.futures`.

        Raises
        ------
        CaptureError
            If something cannot be sent; it says what and where.
        SubmitError
            If it could not be handed to the backend.
        InputFailed
            If a job that it is to start after has failed already.
        FolderError
            If the folder is not safe or cannot be written to.
        OptionError
            If what is configured cannot be.
        TypeError
            If there is nothing to call, or ``after`` holds what is no job.
        RuntimeError
            If it is to start after another one inside of `batch`.

        Examples
        --------
        >>> executor = nbsubmit.LocalExecutor("logs")
        >>> first = executor.submit(divmod, 17, 5)
        >>> executor.submit(sum, first).result(timeout=60)
        5
        """
        _check_callable(fn)
        after = _after(fn, kwargs)
        call = DelayedSubmission(fn, *args, **kwargs)
        have_been_sent(call)
        batch = self._batch
        if batch is not None:
            if after:
                raise RuntimeError("inside of batch() a job cannot start after another one")
            delayed: DelayedJob[R] = DelayedJob(self, batch)
            batch.calls.append((delayed, call))
            return delayed
        return cast("Job[R]", self._send([call], after, one=True)[0])

    def map_array(self, fn: Callable[..., R], *iterable: Iterable[Any]) -> Array[R]:
        """Call a function once with each element, or tuple of elements, in a job array.

        Parameters
        ----------
        fn : callable
            What is called.
        *iterable : iterable
            One for each of its arguments; the shortest one ends it.

        Returns
        -------
        list of Job
            One for each call, in order; an empty one, with a warning, if there is nothing to call.

        Raises
        ------
        CaptureError, SubmitError, InputFailed, FolderError, OptionError, TypeError, RuntimeError
            As `submit`.

        Examples
        --------
        >>> jobs = nbsubmit.LocalExecutor("logs").map_array(pow, [1, 2, 3], [2, 2, 2])
        >>> jobs.results(timeout=60)
        [1, 4, 9]
        """
        return self._send_array([DelayedSubmission(fn, *args) for args in zip(*iterable)])  # noqa: B905

    def submit_array(self, fns: Sequence[Callable[[], R]]) -> Array[R]:
        """Call each of several functions, without arguments, in a job array.

        Parameters
        ----------
        fns : sequence of callable
            What is called; `functools.partial` gives them arguments.

        Returns
        -------
        list of Job
            One for each function, in order.

        Raises
        ------
        CaptureError, SubmitError, InputFailed, FolderError, OptionError, TypeError, RuntimeError
            As `submit`.

        Examples
        --------
        >>> jobs = nbsubmit.DebugExecutor("logs").submit_array([int, str])
        >>> jobs.results()
        [0, '']
        """
        return self._send_array([DelayedSubmission(fn) for fn in fns])

    def map(
        self,
        fn: Callable[..., R],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
    ) -> Iterator[R]:
        """Call a function with each element, and yield what it returns, in order.

        As the method of `concurrent.futures.Executor`: all is sent now, as by `map_array`, and what
        has not been asked for runs on when somebody gives up.

        Parameters
        ----------
        fn : callable
            What is called.
        *iterables : iterable
            One for each of its arguments; the shortest one ends it.
        timeout : float, optional
            Seconds from this call until the last result at most; by default as long as it takes.
        chunksize : int
            Of no meaning here.

        Yields
        ------
        object
            What each call has returned.

        Raises
        ------
        Exception
            As `Job.result`, of the first job that has failed.
        TimeoutError
            If the next result has not come in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        jobs = self.map_array(fn, *iterables)
        return _results(jobs, deadline)

    def _send_array(self, calls: Sequence[DelayedSubmission]) -> Array[Any]:
        for call in calls:
            _check_callable(call.function)
            have_been_sent(call)
        batch = self._batch
        if batch is not None:
            delayed = [DelayedJob[Any](self, batch) for _ in calls]
            batch.calls += zip(delayed, calls, strict=True)
            return Array(delayed)
        if not calls:
            warnings.warn("Received an empty job array", stacklevel=3)
            return Array([])
        return Array(self._send(calls, ()))

    @property
    def _batch(self) -> Batch | None:
        """The batch that this thread is inside of."""
        return self._batches.get(threading.get_ident())

    @contextlib.contextmanager
    def batch(self, allow_implicit_submissions: bool = False) -> Iterator[None]:
        """Have all jobs that this thread sends inside become one job array, sent at the end.

        Parameters
        ----------
        allow_implicit_submissions : bool
            To ask something of a job inside sends what was collected so far; else, and by default,
            that is an `AttributeError`.

        Raises
        ------
        RuntimeError
            Inside of another batch.
        CaptureError, SubmitError, InputFailed, FolderError, OptionError
            At the end, as `submit`.

        Examples
        --------
        >>> executor = nbsubmit.DebugExecutor("logs")
        >>> with executor.batch():
        ...     jobs = [executor.submit(divmod, 17, number) for number in (2, 5)]
        >>> [job.result() for job in jobs]
        [(8, 1), (3, 2)]
        """
        if self._batch is not None:
            raise RuntimeError("batch() inside of batch(): one array cannot be part of another")
        batch = Batch(allow_implicit_submissions)
        self._batches[threading.get_ident()] = batch
        try:
            yield
            if not batch.calls and not batch.sends_early:
                warnings.warn(
                    'No submission happened during "with executor.batch()" context.',
                    RuntimeWarning,
                    stacklevel=3,
                )
            self._send_batch(batch)
        finally:
            batch.is_over = True
            del self._batches[threading.get_ident()]

    def _send_batch(self, batch: Batch) -> None:
        calls, batch.calls = batch.calls, []
        if calls:
            jobs = self._send([call for _, call in calls], ())
            for (delayed, _), job in zip(calls, jobs, strict=True):
                promote(delayed, job)

    def send_early(self, batch: Batch) -> None:
        """Send what was collected so far, because something was asked of it.

        Parameters
        ----------
        batch : Batch
            What was collected.

        Raises
        ------
        AttributeError
            If that is not allowed.
        """
        if batch.is_over:
            raise AttributeError(
                "nothing can be asked of a job that was never sent: batch() failed"
            )
        if not batch.sends_early:
            raise AttributeError(
                "nothing can be asked of a job inside of batch(): it is sent at the end of it. "
                "batch(allow_implicit_submissions=True) sends what there is when a job is asked"
            )
        self._send_batch(batch)

    def _send(
        self, calls: Sequence[DelayedSubmission], after: Sequence[CoreJob], *, one: bool = False
    ) -> list[Job[Any]]:
        backend, settings = self.backend(), self._settings()
        asked = self.asked()
        after = [*after, *inputs_of(calls)]
        calls = [with_inputs(call) for call in calls]
        store = JobStore(patterns.common(self.folder) / STORE_NAME)
        home = sys.modules["__main__"].__dict__
        what = Call(name_of(calls[0].function))
        more = {
            "folder": str(self.folder),
            "one_stream": asked.one_stream,
            "timeouts": self.max_num_timeout,
            "parameters": plain(self.parameters),
            "python": self.python,
            "profile": self.profile,
        }
        if one or len(calls) == 1:
            payload, slices, count = capture_call(calls[0], home, store.blobs), None, None
        else:
            payload, slices = capture_calls(calls, home, store.blobs)
            count = len(calls)
        request = Request(
            what,
            payload,
            asked.options,
            what.name,
            more=more,
            count=count,
            slices=slices,
            after=tuple(map(After, after)),
        )
        job = submit(request, backend, store, watcher(), settings, home, open_job)
        sent = cast("Job[Any]", job)
        self.jobs.append(sent)
        hold(sent.folder)
        for part in {id(each): each for each in (sent, *sent.parts, *sent.of_array())}.values():
            cast("Job[Any]", part).leave = self._leave
        if backend.name == DebugExecutor.backend_name:
            sent.done(force_check=True)  # it has ended
        if count is None:
            return [sent]
        tell_of_rest(sent.folder)
        return sent.of_array()

    def _leave(self, job: CoreJob) -> None:
        """Hold a job no longer."""
        self.jobs = [each for each in self.jobs if each is not job]

    def backend(self) -> Backend:
        """Return what runs its jobs.

        Raises
        ------
        BackendMissing
            If there is none by its name, or it cannot be loaded.
        """
        return registry.get(self.backend_name)

    def _settings(self) -> Settings:
        settings = config_files.settings()
        if self.max_pickle_size_gb is None:
            return settings
        limit = f"{math.ceil(self.max_pickle_size_gb * 1e6)}K"
        return settings_module.replaced(settings, size_limit=limit)

    # As the executors of concurrent.futures

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.shutdown()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the jobs that were sent, or cancel those that have not started.

        Parameters
        ----------
        wait : bool
            Return when all of them have ended, as by default.
        cancel_futures : bool
            Cancel those that have not started; by default they are left to run.

        Raises
        ------
        OSError, SubmitError
            If the backend could not be asked to cancel one.
        """
        for job in self.jobs:
            if cancel_futures and not job.done() and not job.running():
                job.cancel()
        if wait:
            for job in self.jobs:
                job.wait()


class SlurmExecutor(Executor):
    """Sends jobs to Slurm.

    Its parameters, for `update_parameters`, are sbatch's options with ``_`` for ``-``, as far as
    they are in ``SlurmExecutor.known``: partition, qos, account, gres and so on. None takes one
    back. What they mean stands in https://slurm.schedmd.com/sbatch.html. These take values of
    Python's:

    ``time``
        Minutes, or a text as for sbatch; also ``"90m"``, ``"2h"``.
    ``mem``
        Memory on each node: MB of 1,048,576 bytes, or a text as ``"4G"``.
    ``job_name``, ``cpus_per_task``, ``nodes``, ``ntasks_per_node``, ``gpus_per_node``
        As for sbatch; ``num_gpus`` is another name of the last. ``nodes`` times ``ntasks_per_node``
        processes call the function, started by srun.
    ``exclusive``
        True, or what sbatch takes behind it.
    ``signal_delay_s``
        So many seconds before its time is over a job is told to save what it has, by default 90;
        None: it is not told.
    ``array_parallelism``
        So many jobs of an array run at once at most, by default 256; None: any number.
    ``pack``
        So many calls of an array run one after another in one job of it, each in a process of its
        own. ``time`` is then for all of them together.
    ``setup``, ``teardown``
        Lists of shell lines that run before and after Python.
    ``stderr_to_stdout``
        True has both streams in one log.
    ``srun_args``, ``use_srun``
        A list of arguments for srun; False starts a single process without it.
    ``additional_parameters``
        A dict of any other options of sbatch: True for one without a value.

    The constructor is that of `Executor`.

    Examples
    --------
    >>> executor = nbsubmit.SlurmExecutor("logs")
    >>> executor.update_parameters(time=5, cpus_per_task=1, setup=["export COLOUR=blue"])
    >>> executor.submit(os.getenv, "COLOUR").result()
    'blue'
    """

    backend_name = "slurm"
    known = parameters.SLURM

    def _check(self) -> None:
        self.backend().check()

    @classmethod
    def affinity(cls) -> int:
        """Return 2 where a controller answers, else -1; the commands alone do not run jobs."""
        return 2 if _is_there("slurm") else -1

    def _asked(self, given: Mapping[str, Any]) -> parameters.Asked:
        return parameters.of_slurm(given, self.python)

    @classmethod
    def from_shared(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        return parameters.for_slurm(given)


class LocalExecutor(Executor):
    """Runs jobs as processes on this machine, as many at once as there are processors.

    Its parameters, for `update_parameters`; None takes one back:

    ``timeout_min``
        Minutes after which a job is ended, or a text as ``"2h"``; by default never.
    ``cpus_per_task``, ``gpus_per_node``
        Processors and GPUs that a job takes of this machine's; by default one, and no GPU.
    ``tasks_per_node``
        So many processes call the function; by default 1.
    ``visible_gpus``
        The numbers of the GPUs that a job sees.
    ``signal_delay_s``
        So many seconds before its time is over a job is told to save what it has; by default 30.
    ``array_parallelism``
        So many jobs of an array run at once at most; by default any number.
    ``job_name``, ``setup``, ``teardown``, ``stderr_to_stdout``
        As of `SlurmExecutor`.
    ``mem_gb``, ``nodes``
        Of no effect: no limit of memory is set, and more than 1 node is an error.
    ``pack``
        Of no effect: the worker of each call is forked anyway.

    The constructor is that of `Executor`.

    Examples
    --------
    >>> job = nbsubmit.LocalExecutor("logs").submit(sum, [1, 2, 3])
    >>> job.result(timeout=60)
    6
    """

    backend_name = "local"
    known = parameters.LOCAL

    @classmethod
    def affinity(cls) -> int:
        """Return 1: it is always there."""
        return 1


class DebugExecutor(Executor):
    """Runs jobs in this process, one after another, through the whole way all the same.

    A job has ended when it is returned. It takes the parameters of `LocalExecutor`; only
    ``job_name``, ``tasks_per_node``, ``visible_gpus`` and ``stderr_to_stdout`` do something. The
    constructor is that of `Executor`.

    Examples
    --------
    >>> nbsubmit.DebugExecutor("logs").submit(sum, [1, 2, 3]).result()
    6
    """

    backend_name = "debug"
    known = parameters.DEBUG

    @classmethod
    def affinity(cls) -> int:
        """Return 0: only if it is asked for."""
        return 0


def _results(jobs: Sequence[Job[R]], deadline: float | None) -> Iterator[R]:
    for job in jobs:
        yield job.result(None if deadline is None else max(deadline - time.monotonic(), 0.0))


def _check_callable(fn: Any) -> None:
    if not callable(fn):
        raise TypeError(f"a job calls a function, and {fn!r} cannot be called")


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that can be kept as text."""
    return {name: value for name, value in given.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def _is_there(name: str) -> bool:
    try:
        registry.get(name).check()
    except BackendMissing:
        return False
    return True


def _after(fn: Callable[..., Any], kwargs: dict[str, Any]) -> Sequence[CoreJob]:
    """Take the jobs that a new one is to start after out of the keyword arguments."""
    if "after" not in kwargs or _takes(fn, "after"):
        return ()
    after = kwargs.pop("after")
    jobs = [after] if isinstance(after, CoreJob) else list(after)
    for job in jobs:
        if not isinstance(job, CoreJob):
            raise TypeError(f"after: {job!r} is no job; nbsubmit.attach(id) finds one by its id")
    return jobs


def _takes(fn: Callable[..., Any], name: str) -> bool:
    try:
        found = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return False
    return name in found or any(p.kind is p.VAR_KEYWORD for p in found.values())
