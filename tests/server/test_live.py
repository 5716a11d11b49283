"""What a server tells its front ends by itself, and that it does nothing while nobody looks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.sandbox.sandbox import Sandbox
from nbsubmit.server import live
from nbsubmit.server.live import SCHEMA_ID
from tests.cluster.test_slurm import calls
from tests.contract.wire import WIRE, assert_like, assert_row
from tests.server.conftest import Server, others, until, watches
from tests.way import Way

__all__ = ["calls"]

STEPS = """
import os, time
while not os.path.exists({0!r}): time.sleep(0.02)
print("epoch: 12%|##    | 12/100 [00:05<00:35, 2.50it/s]", flush=True)
while not os.path.exists({1!r}): time.sleep(0.02)
"""


class Told:
    """What came over the bus of events."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def rows(self, job_id: str) -> list[dict[str, Any]]:
        """What was told of a job."""
        return [row for each in self.messages for row in each["rows"] if row["id"] == job_id]

    async def of(self, job_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until something is told of a job."""

        async def found() -> Any:
            return next(filter(is_so, self.rows(job_id)), None)

        row: dict[str, Any] = await until(found, f"this of the job: {self.rows(job_id)}")
        return row

    async def gone(self) -> list[str]:
        """Wait until a job is told to be gone."""

        async def found() -> Any:
            return next((each["gone"] for each in self.messages if each["gone"]), None)

        ids: list[str] = await until(found, "a job that is gone")
        return ids


@asynccontextmanager
async def listening(subscribe: Callable[..., Any]) -> AsyncIterator[Told]:
    """Hear the events as a front end does."""
    told = Told()
    socket = await subscribe("api", "events", "subscribe")

    async def hear() -> None:
        while (text := await socket.read_message()) is not None:
            message = json.loads(text)
            if message["schema_id"] == SCHEMA_ID:
                told.messages.append(message)

    task = asyncio.ensure_future(hear())
    yield told
    socket.close()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def is_watching() -> bool:
    """Tell whether this process watches any job that is not another file's."""
    return not watches() <= others


def state(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda row: bool(row["state"] == name)


def test_the_schema_is_what_both_sides_know() -> None:
    assert WIRE["events"]["schema"] == SCHEMA_ID


async def test_who_looks_is_told_what_changes(
    server: Server, started: Way, jp_ws_fetch: Callable[..., Any], tmp_path: Path
) -> None:
    go, end = tmp_path / "go", tmp_path / "end"
    job = started.send(STEPS.format(str(go), str(end)))
    async with listening(jp_ws_fetch) as told:
        assert list(await server.rows()) == [job.id]
        await until(lambda: _is_running(server, job.id), "that it runs")
        go.touch()
        row = await told.of(job.id, lambda row: row["progress"] is not None)
        assert row["progress"] == {"done": 12.0, "total": 100.0, "text": "epoch"}
        other = started.send("b = 1")
        await told.of(other.id, state("COMPLETED"))
        end.touch()
        await told.of(job.id, state("COMPLETED"))
    for message in told.messages:
        assert_like({k: message[k] for k in WIRE["events"]["changed"]}, WIRE["events"]["changed"])
        for row in message["rows"]:
            assert_row(row)
    ends = [row for row in told.rows(job.id) if not row["live"]]
    assert len(ends) == 1
    states = [row["state"] for row in told.rows(job.id)]
    assert states == sorted(states, key=["PENDING", "RUNNING", "COMPLETED"].index)


async def _is_running(server: Server, job_id: str) -> bool:
    return bool((await server.rows())[job_id]["state"] == "RUNNING")


async def test_who_looks_is_told_what_is_gone(
    server: Server, local: Way, jp_ws_fetch: Callable[..., Any], tmp_path: Path
) -> None:
    ended = local.run("a = 1")
    live_one = local.send(STEPS.format(str(tmp_path / "go"), str(tmp_path / "end")))
    async with listening(jp_ws_fetch) as told:
        assert set(await server.rows()) == {ended.id, live_one.id}
        await server.ask("jobs", ended.id, method="DELETE", store=str(local.store))
        assert await told.gone() == [ended.id]


async def test_nothing_runs_while_nobody_looks_or_nothing_is_live(
    server: Server, local: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, end = tmp_path / "go", tmp_path / "end"
    local.run("a = 1")
    await until(_nobody_watches, "the end of the test's own watch")
    await server.rows()
    assert not await _is_told(server)
    assert not is_watching()
    job = local.send(STEPS.format(str(go), str(end)))
    local.watcher.leave([job])
    await until(_nobody_watches, "the end of the test's own watch")
    monkeypatch.setattr(live, "LOOKS_SECONDS", 1.0)
    assert (await server.rows())[job.id]["live"]
    assert await _is_told(server)
    await until(_watches, "somebody who watches")

    async def rests() -> bool:
        return not await _is_told(server)

    await until(rests, "rest when nobody has asked for long")
    await until(_nobody_watches, "an end of the watch")
    go.touch()
    end.touch()

    async def over() -> bool:
        return bool((await server.rows())[job.id]["state"] == "COMPLETED")

    await until(over, "its end, seen when somebody looks again")
    await until(rests, "rest when nothing is live")


async def _is_told(server: Server) -> bool:
    return server.service.live.is_watching


async def _nobody_watches() -> bool:
    return not is_watching()


async def _watches() -> bool:
    return is_watching()


async def test_slurm_is_not_asked_more_often_for_those_who_look(
    server: Server,
    make_way: Callable[..., Way],
    on_slurm: Sandbox,
    calls: Callable[[str], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    way = make_way("slurm", server.root / ".nbsubmit")
    job = way.send("a = 1", hold=None)

    async def told_why() -> bool:
        return "held" in (await server.rows())[job.id]["reason"]

    await until(told_why, "why it waits")
    before, begun = calls("squeue"), time.monotonic()
    for _ in range(20):
        assert (await server.rows())[job.id]["state"] == "PENDING"
    seconds = time.monotonic() - begun
    # A question is a look at our jobs, and once a minute one at the queue.
    assert calls("squeue") - before <= seconds / way.backend.polite_seconds + 2


async def test_who_asks_at_the_same_time_is_answered_at_once_for_all(
    server: Server, local: Way
) -> None:
    job = local.run("a = 1")
    lists = await asyncio.gather(*(server.rows() for _ in range(20)))
    assert all(list(rows) == [job.id] for rows in lists)
