"""What waits for a job in an event loop, by submitit's names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from nbsubmit.client.job import Job

R = TypeVar("R", covariant=True)


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
        """Return what the function returned.

        Parameters
        ----------
        poll_interval : float
            Of no meaning here.

        Raises
        ------
        Exception
            As `Job.result`.
        """
        await self.wait(poll_interval)
        return self._job.result()

    async def results(self, poll_interval: float = 1) -> list[R]:
        """Return what each process returned.

        Parameters
        ----------
        poll_interval : float
            Of no meaning here.

        Raises
        ------
        Exception
            As `Job.result`.
        """
        await self.wait(poll_interval)
        return self._job.results()

    def results_as_completed(self, poll_interval: float = 1) -> Iterator[asyncio.Future[R]]:
        """Yield an awaitable for each process, in the order in which they end.

        Parameters
        ----------
        poll_interval : float
            Of no meaning here.
        """
        proxies = (AsyncJobProxy(cast("Job[R]", part)) for part in self._job.parts)
        return asyncio.as_completed([proxy.result(poll_interval) for proxy in proxies])
