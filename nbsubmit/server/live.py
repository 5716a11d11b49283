"""Telling front ends what changes: only while one of them has asked lately and a job is live."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from nbsubmit.client.messages import rows_message
from nbsubmit.server.listing import Listing

_log = logging.getLogger("nbsubmit")

SCHEMA_ID = "urn:nbsubmit:jobs"
SCHEMA: dict[str, Any] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "Jobs that have changed",
    "personal-data": True,
    "type": "object",
    "required": ["wire", "rows", "gone"],
    "properties": {
        "wire": {"type": "integer", "description": "The version of the rows"},
        "rows": {"type": "array", "items": {"type": "object"}},
        "gone": {"type": "array", "items": {"type": "string"}},
    },
}

# So long after it has asked somebody is taken to look.
LOOKS_SECONDS = 60.0
# All of it is looked at so often; what is seen in between is gathered for so long.
_EVERYTHING_SECONDS, _GATHER_SECONDS = 2.0, 0.25
# On a slow disk looking takes this part of the time at most.
_SHARE = 0.1


class Live:
    """Watches live jobs for those who look.

    Parameters
    ----------
    listing : Listing
        The jobs.
    notebooks : callable
        Returns the notebooks that are open, by the server's names.
    emit : callable
        Sends a message to all front ends.
    aside : callable
        Does off the loop what takes time.
    """

    def __init__(
        self,
        listing: Listing,
        notebooks: Callable[[], Awaitable[list[str]]],
        emit: Callable[[dict[str, Any]], None],
        aside: Callable[..., Awaitable[Any]],
    ) -> None:
        self._listing = listing
        self._notebooks = notebooks
        self._emit = emit
        self._aside = aside
        self._asked = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def is_watching(self) -> bool:
        """Tell whether jobs are watched now."""
        return self._task is not None

    def asked(self) -> None:
        """Note that a front end has asked for the jobs, and watch them if one is live."""
        self._asked = time.monotonic()
        if self._task is None and self._listing.is_live:
            self._task = asyncio.get_running_loop().create_task(self._watch())

    @property
    def _is_wanted(self) -> bool:
        return self._listing.is_live and time.monotonic() - self._asked < LOOKS_SECONDS

    async def close(self) -> None:
        """Watch no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        try:
            while self._is_wanted:
                await self._tell_while_wanted()
        except Exception:
            _log.exception("watching the jobs failed; it begins anew when somebody asks for them")
        finally:
            self._task = None

    async def _tell_while_wanted(self) -> None:
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        self._listing.heard = lambda: _wake(loop, heard)
        everything_at = 0.0
        try:
            await self._aside(self._listing.begin)
            while self._is_wanted:
                begun = time.monotonic()
                is_due = begun >= everything_at
                await self._tell(everything=is_due)
                if is_due:
                    took = time.monotonic() - begun
                    everything_at = time.monotonic() + max(_EVERYTHING_SECONDS, took / _SHARE)
                await asyncio.sleep(_GATHER_SECONDS)
                await _within(heard, everything_at - time.monotonic())
            await self._tell(everything=True)
        finally:
            self._listing.heard = lambda: None
            await self._aside(self._listing.rest)

    async def _tell(self, *, everything: bool) -> None:
        notebooks = await self._notebooks() if everything else []
        news = await self._aside(self._listing.news, everything=everything, notebooks=notebooks)
        if news:
            self._emit(rows_message(news.rows, gone=news.gone))


async def _within(heard: asyncio.Event, seconds: float) -> None:
    """Wait until something is heard, or for so long."""
    try:
        await asyncio.wait_for(heard.wait(), max(seconds, 0.0))
    except asyncio.TimeoutError:
        return
    finally:
        heard.clear()


def _wake(loop: asyncio.AbstractEventLoop, heard: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(heard.set)
    except RuntimeError:  # the server has ended
        return
