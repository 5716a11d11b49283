"""What the routes of one server ask: its list of jobs, and the cluster's choices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from nbsubmit.client.messages import Row
from nbsubmit.server.choices import Cluster, choices
from nbsubmit.server.listing import Listing
from nbsubmit.server.live import Live

T = TypeVar("T")

# Where a disk or Slurm does not answer, so many wait for it, and none of the server's own.
_THREADS = 8


class Service:
    """What nbsubmit keeps for one server; nothing of it is made before somebody asks.

    Parameters
    ----------
    root : Path or None
        The folder that notebooks are named in relative to.
    notebooks : callable
        Returns the notebooks that are open, by the server's names.
    emit : callable
        Sends a message to all front ends.
    """

    def __init__(
        self,
        root: Path | None,
        notebooks: Callable[[], Awaitable[list[str]]],
        emit: Callable[[dict[str, Any]], None],
    ) -> None:
        self.notebooks = notebooks
        self._cluster = Cluster()
        self._choosing = asyncio.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, "nbsubmit-server")
        self._root = root
        self._emit = emit
        self._listings: dict[int, asyncio.Task[tuple[list[Row], list[str]]]] = {}

    @cached_property
    def listing(self) -> Listing:
        """The user's jobs."""
        return Listing(self._root)

    @cached_property
    def live(self) -> Live:
        """Who tells of changes."""
        return Live(self.listing, self.notebooks, self._emit, self.aside)

    async def aside(self, call: Callable[..., T], *args: Any, **named: Any) -> T:
        """Do off the loop what takes time: all that has to do with disks or with Slurm."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(call, *args, **named))

    async def rows(self, limit: int) -> tuple[list[Row], list[str]]:
        """Return all rows; on a slow disk those who ask meanwhile are given the same."""
        task = self._listings.get(limit)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._rows(limit))
            self._listings[limit] = task
            task.add_done_callback(lambda _: self._listings.pop(limit, None))
        return await asyncio.shield(task)

    async def _rows(self, limit: int) -> tuple[list[Row], list[str]]:
        notebooks = await self.notebooks()
        return await self.aside(self.listing.rows, limit, notebooks)

    async def choices(self, folder: Path | None) -> dict[str, Any]:
        """Return what is offered for the cells of a notebook in a folder."""
        async with self._choosing:  # who comes meanwhile waits for the same answers of Slurm's
            return await self.aside(choices, self._cluster, folder)

    async def close(self) -> None:
        """End what goes on."""
        if "live" in self.__dict__:
            await self.live.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
