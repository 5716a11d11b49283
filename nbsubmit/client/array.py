"""The jobs of an array, as a list."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.parts import parts_of
from nbsubmit.core.state import JobState
from nbsubmit.core.tasks import Shape

if TYPE_CHECKING:
    from nbsubmit.client.job import Job

R = TypeVar("R", covariant=True)

_log = logging.getLogger("nbsubmit")


class Array(list["Job[R]"]):
    """The jobs of an array: a list, and what can be done with all of them.

    Examples
    --------
    >>> jobs = nbsubmit.DebugExecutor("logs").map_array(divmod, [7, 8], [2, 0])
    >>> jobs.done(), [job.state.value for job in jobs.failed()]
    (True, ['FAILED'])
    """

    def results(self, timeout: float | None = None) -> list[R]:
        """Wait, and return what each returned, in order.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for all of them at most; by default as long as it takes.

        Raises
        ------
        Exception
            As `Job.result`, of the first that failed.
        TimeoutError
            If not all have ended in time; they run on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        for job in self:
            job.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        return [job.result() for job in self]

    def wait(self, timeout: float | None = None) -> Array[R]:
        """Wait until all have ended, and return this list.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for all of them at most; by default as long as it takes.

        Raises
        ------
        TimeoutError
            If not all have ended in time; they run on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        for job in self:
            job.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        return self

    def done(self) -> bool:
        """Tell whether all have ended."""
        return all(job.done() for job in self)

    def cancel(self) -> None:
        """Ask for all to be ended.

        Raises
        ------
        OSError, SubmitError
            If the backend could not be asked.
        """
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

        Raises
        ------
        OptionError, NbsubmitError
            As `Job.resubmit`.
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


def tell_of_rest(folder: JobFolder) -> None:
    """Say of an array that some of it is not sent yet, and until when it will be."""
    handed, shape = parts_of(folder), Shape.of(folder.spec)
    if handed.rest is not None:
        count = shape.count or 0
        _log.warning(
            "%d of the %d tasks of job %s are %s. They are sent when others have ended, as long as "
            "this process lives; after that by whoever calls nbsubmit.attach(%r, %r)",
            count - min(handed.count * shape.pack, count),
            count,
            folder.id,
            handed.rest.reason,
            folder.id,
            str(folder.store),
        )
