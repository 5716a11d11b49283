"""The routes: each checks who asks and what is asked for, and has the work done off the loop."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from http.client import responses
from pathlib import Path
from typing import Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from nbsubmit.client import wire
from nbsubmit.client.ending import Unheard, cancel
from nbsubmit.client.messages import Row, rows_message
from nbsubmit.core.errors import (
    BackendMissing,
    FolderError,
    NbsubmitError,
    OptionError,
    Refused,
    SubmitError,
    UnknownJob,
)
from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job
from nbsubmit.core.store import is_id
from nbsubmit.server import actions, logs
from nbsubmit.server.listing import MOST, USUAL
from nbsubmit.server.logs import MOST_BYTES, STREAMS, USUAL_BYTES, Range
from nbsubmit.server.service import Service
from nbsubmit.server.shelf import Shelf

_log = logging.getLogger("nbsubmit")
T = TypeVar("T")

BASE = "/nbsubmit/api"
# The first that fits.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (Unheard, 503),
    (OptionError, 400),
    (UnknownJob, 404),
    (FolderError, 403),
    (Refused, 409),
    (BackendMissing, 503),
    (SubmitError, 409),
    (NbsubmitError, 409),
    (OSError, 503),
)


class Told(web.HTTPError):
    """An error with words for whoever asked.

    Parameters
    ----------
    status : int
        The status.
    told : str
        The words.
    """

    def __init__(self, status: int, told: str) -> None:
        super().__init__(status)
        self.told = plain(told)


class Handler(APIHandler):
    """What all routes have in common.

    Parameters
    ----------
    service : Service
        What they ask.
    """

    auth_resource = "nbsubmit"
    # A page that looks at jobs does not keep a server alive that would be ended for idleness.
    _track_activity = False

    def initialize(self, service: Service) -> None:
        """Take what was given with the route."""
        super().initialize()
        self.service = service

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error as JSON."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        told = getattr(error, "told", "") or getattr(error, "log_message", "")
        self.finish(json.dumps({"message": told or responses.get(status_code, "error")}))

    async def off_the_loop(self, call: Callable[..., T], *args: Any) -> T:
        """Do what takes time elsewhere; what nbsubmit raises becomes an answer, as `answered`."""
        return await self.answered(self.service.aside(call, *args))

    async def answered(self, work: Awaitable[T]) -> T:
        """Wait for something; what nbsubmit raises becomes an answer.

        Raises
        ------
        Told
            With the status that belongs to the error, and its words.
        """
        try:
            return await work
        except Exception as error:
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
            if status is None:
                raise
            _log.debug("%s cannot be answered", self.request.path, exc_info=True)
            raise Told(status, str(error)) from error

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number of the query, or what it is by default; what it can be at most.

        Raises
        ------
        Told
            400 if it is none.
        """
        text = self.get_query_argument(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdecimal()) or len(text) > len(str(2**63)):
            raise Told(400, f"{name}={text!r} is not a whole number from 0 up")
        return min(int(text), most)

    def body(self) -> dict[str, Any]:
        """Return what was sent with the request; nothing if nothing was.

        Raises
        ------
        Told
            400 if it is not an object of JSON.
        """
        if not self.request.body:
            return {}
        try:
            found = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise Told(400, "what was sent is not JSON") from None
        if not isinstance(found, dict):
            raise Told(400, "what was sent is not an object of JSON")
        return found

    async def shelf(self, store: Any) -> Shelf:
        """Return the store that is named; only those are looked into that are known.

        Raises
        ------
        Told
            400 if none is named, 404 if it is not known, 403 if it is not safe to read.
        """
        if not isinstance(store, str) or not store or "\0" in store:
            raise Told(400, "no store is named")
        notebooks = await self.service.notebooks()
        return await self.off_the_loop(self.service.listing.shelf, store, notebooks)

    async def job(self, store: Any, id_: str) -> tuple[Shelf, Job]:
        """Return the job that is named, looked at.

        Raises
        ------
        Told
            404 if there is none, 403 if it is not safe to read; and as `shelf`.
        """
        if not is_id(id_):
            raise Told(404, f"{id_!r} is not the id of a job")
        shelf = await self.shelf(store)
        return shelf, await self.off_the_loop(shelf.job, id_)

    def row(self, job: Job) -> Row:
        """Return a job's row."""
        return self.service.listing.named(wire.row(job, self.service.listing.root))


class JobsHandler(Handler):
    """All jobs."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Tell of those that are live, and of the latest that have ended.

        The query may have ``limit``: so many that have ended, by default 500, at most 5000.
        """
        limit = self.number("limit", USUAL, MOST)
        rows, remarks = await self.answered(self.service.rows(limit))
        self.service.live.asked()
        self.finish(rows_message(rows, remarks=remarks))


class LogHandler(Handler):
    """A job's log."""

    @web.authenticated
    @authorized
    async def get(self, id_: str) -> None:
        """Answer with a piece of it, as `logs.read` returns one.

        The query has ``store``, and may have ``stream`` (``stdout`` or ``stderr``), ``offset``,
        ``limit``, ``tail``, all in bytes, and ``task``: see `logs.Range`.
        """
        stream = self.get_query_argument("stream", STREAMS[0])
        if stream not in STREAMS:
            raise Told(400, f"there is no stream {stream!r}, only {' and '.join(STREAMS)}")
        tail = self.number("tail", 0, MOST_BYTES)
        wanted = Range(
            stream,
            self.number("offset", 0, 2**63 - 1),
            self.number("limit", max(tail, USUAL_BYTES), MOST_BYTES),
            tail,
            self.get_query_argument("task", ""),
        )
        _, job = await self.job(self.get_query_argument("store", ""), id_)
        if not job.is_over:  # its end is to be seen, though nobody may look at the list
            self.service.live.asked()
        self.finish(await self.off_the_loop(logs.read, job, wanted))


class JobHandler(Handler):
    """One job."""

    @web.authenticated
    @authorized
    async def delete(self, id_: str) -> None:
        """Remove it; ``store`` is in the query or in the body. One that has to stay is a 409."""
        store = self.get_query_argument("store", "") or self.body().get("store")
        shelf, _ = await self.job(store, id_)
        told = await self.off_the_loop(actions.clean, shelf, id_)
        self.finish({"row": None, "message": told})


class CancelHandler(Handler):
    """The end of a job."""

    @web.authenticated
    @authorized
    async def post(self, id_: str) -> None:
        """Ask for it to be ended; the body has ``store``. Where the backend does not, a 503."""
        _, job = await self.job(self.body().get("store"), id_)
        told = await self.off_the_loop(cancel, job)
        self.service.live.asked()
        self.finish({"row": await self.off_the_loop(self.row, job), "message": told})


class ResubmitHandler(Handler):
    """A job once more."""

    @web.authenticated
    @authorized
    async def post(self, id_: str) -> None:
        """Send it again; the body has ``store``, and may have ``options`` for its line, as text."""
        body = self.body()
        options = body.get("options", "")
        if not isinstance(options, str):
            raise Told(400, "options are text, as on a cell's line")
        _, job = await self.job(body.get("store"), id_)
        new = await self.off_the_loop(self._again, job, options)
        self.service.live.asked()
        told = f"sent again as job {new.id}"
        self.finish({"row": await self.off_the_loop(self.row, new), "message": told})

    def _again(self, job: Job, options: str) -> Job:
        """Send a job again, and have the new one listed: it is watched while somebody looks."""
        new = actions.resubmit(job, options)
        listing = self.service.listing
        listing.watcher.leave([new])
        listing.look()
        return new


class ChoicesHandler(Handler):
    """What a form offers."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Tell of it; the query may have ``path``, a notebook's, whose project's files count."""
        path = self.get_query_argument("path", "")
        folder = self._folder(path)
        self.finish(await self.answered(self.service.choices(folder)))

    def _folder(self, path: str) -> Path | None:
        root = self.service.listing.root
        if root is None or "\0" in path:
            return root
        base = root.resolve()
        folder = (base / path.lstrip("/")).parent.resolve() if path else base
        if not folder.is_relative_to(base):
            raise Told(403, f"{path} lies outside of the server's folder")
        return folder


class NothingHandler(Handler):
    """Whatever else is asked for."""

    @web.authenticated
    async def get(self, _rest: str) -> None:
        """Answer that there is nothing."""
        raise Told(404, f"there is nothing at {self.request.path}")

    post = delete = get


def routes(service: Service) -> list[tuple[str, type[Handler], dict[str, Any]]]:
    """Return the routes below a server's base."""
    found: list[tuple[str, type[Handler]]] = [
        (r"/jobs", JobsHandler),
        (r"/jobs/([^/]+)", JobHandler),
        (r"/jobs/([^/]+)/log", LogHandler),
        (r"/jobs/([^/]+)/cancel", CancelHandler),
        (r"/jobs/([^/]+)/resubmit", ResubmitHandler),
        (r"/choices", ChoicesHandler),
        (r"/(.*)", NothingHandler),
    ]
    return [(BASE + path, handler, {"service": service}) for path, handler in found]
