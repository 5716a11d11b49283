"""The list of jobs that a server has, and what can be done with one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

import nbsubmit
from nbsubmit.client import wire
from nbsubmit.core.store import JobStore
from nbsubmit.sandbox.sandbox import Sandbox
from nbsubmit.server import shelf
from tests.contract.wire import WIRE, assert_like, assert_row
from tests.opened import Opened
from tests.server.conftest import Server, at_rest, until
from tests.way import Way, named

GATE = "import os, time\nwhile not os.path.exists({!r}): time.sleep(0.05)"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A job that waits for this file ends with the test at the latest."""
    path = tmp_path / "gate"
    yield path
    path.touch()


def fail(number: int) -> int:
    if number == 1:
        raise ValueError(number)
    return number


# The list


async def test_jobs_that_run_and_that_have_ended_are_listed(
    server: Server, started: Way, gate: Path
) -> None:
    ended = started.run("1/0", options=named("wrong"))
    live = started.send(GATE.format(str(gate)), options=named("long"))

    async def runs() -> Any:
        told = await server.ask("jobs")
        assert_like(told, WIRE["rest"]["jobs"])
        return {r["id"]: r for r in told["rows"]} if _states(told) == _BOTH else None

    rows = await until(runs, "a job that runs")
    for row in rows.values():
        assert_row(row)
    assert list(rows) == [ended.id, live.id]
    assert (rows[live.id]["name"], rows[live.id]["store"]) == ("long", str(started.store))
    assert "ZeroDivisionError" in rows[ended.id]["reason"]
    gate.touch()

    async def all_ended() -> bool:
        rows = await server.rows()
        return bool(rows[live.id]["state"] == "COMPLETED")

    await until(all_ended, "the end")
    assert not server.service.listing.is_live


_BOTH = {"FAILED", "RUNNING"}


def _states(told: dict[str, Any]) -> set[str]:
    return {row["state"] for row in told["rows"]}


async def test_a_job_that_a_store_far_away_has_been_sent_is_listed_too(
    server: Server, make_way: Callable[..., Way], tmp_path: Path
) -> None:
    far = make_way("local", tmp_path / "far" / "store")
    job = far.run("a = 1")
    assert list(await server.rows()) == [job.id]
    shutil.rmtree(far.store)
    assert await server.rows() == {}


async def test_a_store_beside_a_notebook_that_is_open_is_listed(
    server: Server,
    make_way: Callable[..., Way],
    tmp_path: Path,
    jp_fetch: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = server.root / "deep"
    job = make_way("local", folder / ".nbsubmit").run("a = 1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert await server.rows() == {}
    body = {"path": "deep/work.ipynb", "type": "notebook", "name": "work.ipynb"}
    session = {**body, "kernel": {"name": "python3"}}
    made = await jp_fetch("api", "sessions", method="POST", body=json.dumps(session))
    assert list(await server.rows()) == [job.id]
    id_ = json.loads(made.body)["id"]
    await jp_fetch("api", "sessions", id_, method="DELETE")


async def test_a_list_of_many_that_have_ended_is_read_once(
    server: Server, local: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "_COARSEST_CLOCK", 0.0)
    job = local.run("a = 1")

    await at_rest(job)
    for number in range(300):
        day, letters = f"25{1 + number % 12:02}01-{number:06}", "bcdf"
        shutil.copytree(job.folder.path, local.store / "jobs" / f"{day}-{letters}")
    told = await server.ask("jobs")
    assert len(told["rows"]) == 301
    assert told["remarks"] == []
    assert told["rows"][-1]["id"] == job.id
    opened = Opened(local.store / "jobs")
    assert len((await server.ask("jobs"))["rows"]) == 301
    assert opened.stop() == []
    few = await server.ask("jobs", limit=10)
    assert len(few["rows"]) == 10
    assert few["remarks"] == ["291 jobs that ended before are not listed"]
    assert (await server.refused("jobs", limit="many"))[0] == 400


async def test_a_job_that_comes_within_a_tick_of_the_disks_clock_is_listed(
    server: Server, local: Way
) -> None:
    jobs = local.store / "jobs"
    first = local.run("a = 1")
    os.utime(jobs, (1e9, 1e9))
    assert list(await server.rows()) == [first.id]
    second = local.run("b = 1")
    os.utime(jobs, (1e9, 1e9))
    assert list(await server.rows()) == [first.id, second.id]


async def test_a_job_whose_folder_is_not_written_yet_is_listed_when_it_is(
    server: Server, local: Way
) -> None:
    job = local.run("a = 1")
    aside = local.store / "aside"
    job.folder.spec_file.rename(aside)
    job.folder.result_file.rename(local.store / "result")
    assert await server.rows() == {}
    (local.store / "result").rename(job.folder.result_file)
    aside.rename(job.folder.spec_file)
    assert list(await server.rows()) == [job.id]


BROKEN = {
    "job.json": [
        "",
        "[]",
        "{",
        '{"array": 7}',
        '{"created": "x"}',
        '{"origin": []}',
        '{"line": 5}',
    ],
    "result.json": ["", "[]", "{}", '{"format": 99}', "\x00"],
    "started.json": ["", "[]", '{"at": []}'],
    "end.json": ["[]", "{}", '{"state": 7}'],
    "handle.json": ["", "{}", '{"handle": 1}'],
}


async def test_what_is_broken_in_a_job_hides_no_other(server: Server, local: Way) -> None:
    whole, job = local.run("a = 1"), local.run("print(1)")
    await at_rest(job)
    number = 0
    for name, texts in BROKEN.items():
        for text in texts:
            broken = job.folder.path.with_name(f"250101-{number:06}-bcdf")
            number += 1
            shutil.copytree(job.folder.path, broken)
            if name == "end.json":
                (broken / "result.json").unlink()
            (broken / name).write_text(text)
            (broken / name).chmod(0o600)
    for _ in range(2):
        rows = await server.rows()
        assert {whole.id, job.id} <= rows.keys()
        for row in rows.values():
            assert_row(row)
    told = {200, 400, 403, 404, 409}
    store = str(local.store)
    for folder in JobStore(local.store).folders():
        assert await server.status("jobs", folder.id, "log", store=store) in told
        asked: dict[str, Any] = {"method": "POST", "body": {"store": store}}
        assert await server.status("jobs", folder.id, "resubmit", **asked) in told
        assert await server.status("jobs", folder.id, "cancel", **asked) in told


async def test_a_notebook_behind_a_link_is_named_as_it_was_opened(
    server: Server, local: Way, tmp_path: Path, jp_fetch: Callable[..., Any]
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (server.root / "link").symlink_to(scratch)
    job = local.run("a = 1")
    spec = {**job.spec, "origin": {"notebook": str(scratch / "work.ipynb")}}
    job.folder.write_json(job.folder.spec_file, spec)
    assert (await server.rows())[job.id]["path"] is None
    body = {"path": "link/work.ipynb", "type": "notebook", "name": "work.ipynb"}
    session = {**body, "kernel": {"name": "python3"}}
    made = await jp_fetch("api", "sessions", method="POST", body=json.dumps(session))
    assert (await server.rows())[job.id]["path"] == "link/work.ipynb"
    await jp_fetch("api", "sessions", json.loads(made.body)["id"], method="DELETE")
    assert (await server.rows())[job.id]["path"] == "link/work.ipynb"


# What is done with one


async def test_a_job_is_cancelled(server: Server, started: Way, gate: Path) -> None:
    job = started.send(GATE.format(str(gate)))
    await until(lambda: _is_live(server, job.id), "the job")
    asked: dict[str, Any] = {"method": "POST", "body": {"store": str(started.store)}}
    told = await server.ask("jobs", job.id, "cancel", **asked)
    assert_like(told, WIRE["rest"]["cancel"])
    assert told["message"] == f"job {job.id} is being cancelled"
    assert told["row"]["id"] == job.id

    async def over() -> bool:
        return bool((await server.rows())[job.id]["state"] == "CANCELLED")

    await until(over, "its end")
    status, why = await server.refused("jobs", job.id, "cancel", **asked)
    assert (status, "had ended" in why) == (409, True)


async def _is_live(server: Server, job_id: str) -> bool:
    row = (await server.rows()).get(job_id)
    return row is not None and bool(row["live"])


async def test_a_job_is_removed_once_it_has_ended(server: Server, local: Way, gate: Path) -> None:
    job = local.send(GATE.format(str(gate)))
    store = str(local.store)
    status, why = await server.refused("jobs", job.id, method="DELETE", store=store)
    assert status == 409
    assert "stays: it is " in why
    gate.touch()
    job.wait(60)
    asked = {"method": "DELETE", "store": store}

    async def removed() -> Any:  # its script may go on for a moment, and then it stays
        return await _unless(409, server.ask("jobs", job.id, **asked))

    told = await until(removed, "an end of its script")
    assert_like(told, WIRE["rest"]["clean"])
    assert told["message"].startswith("removed 1 job")
    assert not job.folder.path.exists()
    assert await server.rows() == {}
    assert (await server.refused("jobs", job.id, method="DELETE", store=store))[0] == 404


async def _unless(status: int, answer: Awaitable[Any]) -> Any:
    """Return an answer; None if it is this status."""
    try:
        return await answer
    except HTTPClientError as error:
        if error.code != status:
            raise
        return None


async def test_tasks_of_an_array_that_failed_are_sent_again(server: Server, tmp_path: Path) -> None:
    executor = nbsubmit.LocalExecutor(server.root)
    whole = executor.map_array(fail, [0, 1, 2])[0].whole
    assert whole is not None
    whole.wait(60)
    rows = await server.rows()
    assert rows[whole.id]["tasks"] == {"COMPLETED": 2, "FAILED": 1}
    assert "resubmit" in rows[whole.id]["can"]
    asked: dict[str, Any] = {"method": "POST", "body": {"store": rows[whole.id]["store"]}}
    told = await server.ask("jobs", whole.id, "resubmit", **asked)
    assert_like(told, WIRE["rest"]["resubmit"])
    new = told["row"]["id"]
    assert told["message"] == f"sent again as job {new}"

    async def over() -> Any:
        row = (await server.rows()).get(new)
        return row and not row["live"] and row

    assert (await until(over, "its end"))["tasks"] == {"COMPLETED": 2, "FAILED": 1}
    asked["body"] = {**asked["body"], "options": "--mem 1G"}
    assert (await server.refused("jobs", whole.id, "resubmit", **asked))[0] == 400


async def test_a_job_that_is_no_cell_of_a_magic_cannot_be_sent_again(
    server: Server, local: Way
) -> None:
    job = local.run("a = 1")
    for options in ("", "--mem 1G"):
        body = {"store": str(local.store), "options": options}
        told = await server.refused("jobs", job.id, "resubmit", method="POST", body=body)
        assert told[0] == 400
        assert f"job {job.id} was not sent by a cell. Send it again as it was sent" in told[1]


async def test_what_slurm_cannot_be_told_is_said(
    server: Server,
    make_way: Callable[..., Way],
    on_slurm: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = make_way("slurm", server.root / ".nbsubmit")
    job = way.send("a = 1", begin="now+1hour")
    await until(lambda: _is_live(server, job.id), "the job")
    path = os.environ["PATH"]
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "scancel"
    broken.write_text("#!/bin/sh\necho 'scancel: error: nobody answers' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{path}")
    body = {"store": str(way.store)}
    status, why = await server.refused("jobs", job.id, "cancel", method="POST", body=body)
    assert status == 503
    assert "is noted, and could not be said" in why
    assert "nobody answers" in why
    monkeypatch.setenv("PATH", path)
    await server.ask("jobs", job.id, "cancel", method="POST", body=body)
    job.wait(60)
    assert wire.row(job)["state"] == "CANCELLED"


def test_a_store_is_known_once_a_job_was_sent_there(
    make_way: Callable[..., Way], tmp_path: Path
) -> None:
    from nbsubmit.core import stores

    assert stores.known() == []
    way = make_way("debug", tmp_path / "store")
    assert stores.known() == []
    way.run("a = 1")
    assert stores.known() == [tmp_path / "store"]
    assert JobStore(stores.known()[0]).folders()
