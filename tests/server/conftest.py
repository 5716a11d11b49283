"""A Jupyter server with the extension, in the process of the tests."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403  its fixtures are for this folder alone
from tornado.httpclient import HTTPClientError

from nbsubmit.core.job import Job
from nbsubmit.server.service import Service
from tests.way import Way

Fetch = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def no_other_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user has sent jobs to no store but those of the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture  # type: ignore[no-redef]
def jp_server_config() -> dict[str, Any]:
    """The extension alone."""
    return {"ServerApp": {"jpserver_extensions": {"nbsubmit": True}}}


class Server:
    """The server's routes, asked as a front end asks them.

    Parameters
    ----------
    fetch : callable
        Sends a request.
    service : Service
        What they ask.
    root : Path
        The folder of the notebooks.
    """

    def __init__(self, fetch: Fetch, service: Service, root: Path) -> None:
        self._fetch = fetch
        self.service = service
        self.root = root

    async def ask(
        self, *path: str, method: str = "GET", body: Any = None, **asked: Any
    ) -> dict[str, Any]:
        """Return what a route answers."""
        more: dict[str, Any] = {"params": asked, "method": method}
        if method == "POST":
            more["body"] = body if isinstance(body, str) else json.dumps(body)
        reply = await self._fetch("nbsubmit", "api", *path, **more)
        found: dict[str, Any] = json.loads(reply.body)
        return found

    async def refused(self, *path: str, **asked: Any) -> tuple[int, str]:
        """Return the status and the words with which it answers what cannot be."""
        with pytest.raises(HTTPClientError) as caught:
            await self.ask(*path, **asked)
        reply = caught.value.response
        assert reply is not None
        told = json.loads(reply.body)
        assert set(told) == {"message"}
        return caught.value.code, str(told["message"])

    async def status(self, *path: str, **asked: Any) -> int:
        """Return the status with which it answers."""
        try:
            await self.ask(*path, **asked)
        except HTTPClientError as error:
            return error.code
        return 200

    async def rows(self) -> dict[str, dict[str, Any]]:
        """Return the rows of all jobs, by id."""
        return {row["id"]: row for row in (await self.ask("jobs"))["rows"]}

    async def log(self, job_id: str, store: Path, **asked: Any) -> dict[str, Any]:
        """Return a piece of a job's log."""
        return await self.ask("jobs", job_id, "log", store=str(store), **asked)


@pytest.fixture
def server(jp_fetch: Fetch, jp_serverapp: Any, jp_root_dir: Path) -> Server:
    """A server."""
    (app,) = jp_serverapp.extension_manager.extension_apps["nbsubmit"]
    return Server(jp_fetch, app.service, jp_root_dir)


@pytest.fixture
def local(make_way: Callable[..., Way], jp_root_dir: Path) -> Way:
    """Local jobs of a store beside the server's notebooks."""
    return make_way("local", jp_root_dir / ".nbsubmit")


@pytest.fixture
def started(make_way: Callable[..., Way], jp_root_dir: Path, started_backend: str) -> Way:
    """The same for each backend that starts a process."""
    return make_way(started_backend, jp_root_dir / ".nbsubmit")


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Wait for a condition without standing in the server's way."""
    for _ in range(1200):
        found = await condition()
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"still not: {what}")


async def at_rest(job: Job) -> None:
    """Wait for the end of a job's script, after which no file of it comes or goes."""

    async def is_over() -> bool:
        return job.folder.exit_file.exists()

    await until(is_over, "the job's last file is written")


# Threads that watch jobs of tests in other files, which may be left to run for the whole session.
others: set[threading.Thread] = set()


def watches() -> set[threading.Thread]:
    """Return the threads of this process that watch jobs."""
    return {thread for thread in threading.enumerate() if thread.name == "nbsubmit-watch"}


@pytest.fixture(autouse=True, scope="module")
def others_known() -> Iterator[None]:
    """Have the watching of other files' jobs known as theirs."""
    others.update(watches())
    yield
    others.clear()
