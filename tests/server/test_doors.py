"""Who is let in, and what nobody is: other users' folders, other folders, other sites."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse
from tornado.httputil import HTTPHeaders

import nbsubmit
from tests.server.conftest import Server
from tests.way import Way

ROUTES = [
    ("GET", "jobs"),
    ("GET", "choices"),
    ("GET", "jobs/261127-164341-cdq8/log"),
    ("POST", "jobs/261127-164341-cdq8/cancel"),
    ("POST", "jobs/261127-164341-cdq8/resubmit"),
    ("DELETE", "jobs/261127-164341-cdq8"),
    ("GET", "whatever"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_who_does_not_say_who_he_is_is_refused(
    server: Server, jp_fetch: Callable[..., Any], method: str, path: str
) -> None:
    asked = {"method": method, "headers": {"Authorization": "token wrong"}}
    body = {"body": "{}"} if method == "POST" else {}
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("nbsubmit", "api", *path.split("/"), **asked, **body)
    assert caught.value.code == 403
    assert caught.value.response is not None
    assert set(json.loads(caught.value.response.body)) == {"message"}


async def test_a_browser_has_to_show_that_the_request_is_its_pages(
    server: Server, local: Way, jp_serverapp: Any
) -> None:
    """By the cookie alone another site could have a browser send it."""
    job = local.run("a = 1")
    page = _Browser(jp_serverapp)
    await page.log_in()
    assert (await page.ask("GET", "jobs")).code == 200
    path, body = f"jobs/{job.id}/cancel", json.dumps({"store": str(local.store)})
    remove = f"jobs/{job.id}?store={local.store}"
    for method, where in (("POST", path), ("DELETE", remove)):
        sent = body if method == "POST" else None
        assert (await page.ask(method, where, sent)).code == 403
    assert job.folder.path.exists()
    reply = await page.ask("POST", path, body, **{"X-XSRFToken": page.cookies["_xsrf"]})
    assert (reply.code, "had ended" in reply.body.decode()) == (409, True)


class _Browser:
    """Who has logged in once and has cookies since."""

    def __init__(self, app: Any) -> None:
        self._url = f"http://127.0.0.1:{app.port}{app.base_url}"
        self._token = app.identity_provider.token
        self.cookies: dict[str, str] = {}

    async def log_in(self) -> None:
        await self.ask("GET", f"lab-or-tree?token={self._token}", base="")
        assert any(name.startswith("username-") for name in self.cookies)

    async def ask(
        self,
        method: str,
        path: str,
        body: str | None = None,
        base: str = "nbsubmit/api/",
        **headers: str,
    ) -> HTTPResponse:
        sent = HTTPHeaders({"Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items())})
        for name, value in headers.items():
            sent.add(name, value)
        reply = await AsyncHTTPClient().fetch(
            f"{self._url}{base}{path}",
            method=method,
            body=body,
            headers=sent,
            raise_error=False,
            follow_redirects=False,
        )
        for cookie in reply.headers.get_list("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return reply


IDS = ["nope", "..", "%2e%2e", "261127-164341-cdq8_1", "261127-164341-cdq8\n", "-", "*", "é"]


@pytest.mark.parametrize("id_", IDS)
async def test_what_is_no_id_finds_nothing(server: Server, local: Way, id_: str) -> None:
    local.run("a = 1")
    store = str(local.store)
    assert (await server.refused("jobs", id_, "log", store=store))[0] == 404
    body = {"store": store}
    assert (await server.refused("jobs", id_, "cancel", method="POST", body=body))[0] == 404


async def test_a_part_of_an_id_is_none(server: Server, local: Way) -> None:
    job = local.run("a = 1")
    for part in (job.id[-4:], job.id[:6], job.id[:-1]):
        told = await server.refused("jobs", part, "log", store=str(local.store))
        assert told[0] == 404


async def test_a_folder_that_no_job_was_sent_to_is_not_looked_into(
    server: Server, local: Way, tmp_path: Path
) -> None:
    job = local.run("print('secret')")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(local.store, elsewhere)
    around = local.store / ".." / ".." / "elsewhere"
    for store in (elsewhere, around, tmp_path, "/", "relative", ".nbsubmit", "~", "x" * 5000):
        status, why = await server.refused("jobs", job.id, "log", store=str(store))
        assert status == 404, store
        assert "is no store of jobs that is known here" in why
    nothing: list[Any] = ["", None, 7, {}, []]
    for named in nothing:
        body = {"store": named}
        told = await server.refused("jobs", job.id, "cancel", method="POST", body=body)
        assert told == (400, "no store is named")


@pytest.mark.parametrize("body", ["", "null", "[]", "{", '"text"', "7", "\x00", "[" * 100_000])
async def test_a_request_that_is_none_is_refused(server: Server, local: Way, body: str) -> None:
    job = local.run("a = 1")
    for action in ("cancel", "resubmit"):
        told = await server.refused("jobs", job.id, action, method="POST", body=body)
        assert told[0] == 400
    options = json.dumps({"store": str(local.store), "options": ["--mem", "1G"]})
    told = await server.refused("jobs", job.id, "resubmit", method="POST", body=options)
    assert told == (400, "options are text, as on a cell's line")


@pytest.mark.parametrize("below", ["", "jobs"])
async def test_a_store_of_somebody_else_is_refused(server: Server, local: Way, below: str) -> None:
    job = local.run("a = 1")
    assert list(await server.rows()) == [job.id]
    os.chown(local.store / below, 12345, 12345)
    try:
        told = await server.ask("jobs")
        assert told["rows"] == []
        assert "belongs to another user" in told["remarks"][0]
        status, _ = await server.refused("jobs", job.id, "log", store=str(local.store))
        assert status == 404
    finally:
        os.chown(local.store / below, os.geteuid(), os.getegid())
    assert list(await server.rows()) == [job.id]


async def test_a_store_that_is_taken_over_while_it_is_listed_is_refused(
    server: Server, local: Way
) -> None:
    job = local.run("print('secret')")
    await server.rows()
    local.store.chmod(0o777)
    status, why = await server.refused("jobs", job.id, "log", store=str(local.store))
    assert (status, "others may write" in why) == (403, True)
    local.store.chmod(0o700)


async def test_a_job_of_somebody_else_in_a_store_is_left_out(server: Server, local: Way) -> None:
    mine, theirs = local.run("a = 1"), local.run("b = 1")
    os.chown(theirs.folder.path, 12345, 12345)
    assert list(await server.rows()) == [mine.id]
    status, why = await server.refused("jobs", theirs.id, "log", store=str(local.store))
    assert (status, "belongs to another user" in why) == (403, True)


async def test_a_store_that_is_a_link_is_not_followed(
    server: Server, make_way: Callable[..., Way], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_way("local", tmp_path / "elsewhere").run("a = 1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    (server.root / ".nbsubmit").symlink_to(tmp_path / "elsewhere")
    told = await server.ask("jobs")
    assert told["rows"] == []
    assert "symbolic link" in told["remarks"][0]


async def test_a_list_of_stores_that_others_may_write_to_is_not_read(
    server: Server, make_way: Callable[..., Way], tmp_path: Path
) -> None:
    job = make_way("local", tmp_path / "far").run("a = 1")
    assert list(await server.rows()) == [job.id]
    places = tmp_path / "state" / "nbsubmit" / "stores"
    places.chmod(0o777)
    server.service.listing._shelves.clear()
    assert await server.rows() == {}


async def test_nothing_else_is_there(server: Server) -> None:
    for path in (("whatever",), ("jobs", "261127-164341-cdq8", "payload")):
        status, why = await server.refused(*path)
        assert status == 404
        assert why.startswith("there is nothing at ")


async def test_choices_of_a_folder_outside_are_refused(server: Server) -> None:
    assert (await server.refused("choices", path="../../etc/passwd"))[0] == 403


def test_a_server_is_told_of_it_by_a_file_of_the_wheel(tmp_path: Path) -> None:
    folder = tmp_path / "jupyter_server_config.d"
    folder.mkdir()
    package = Path(nbsubmit.__file__).parent
    shutil.copy(package / "server" / "nbsubmit.json", folder)
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"],
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = re.sub(r"\x1b\[\d*m", "", listed.stdout + listed.stderr)
    assert re.search(r"\bnbsubmit enabled\n", told)
    assert re.search(r"\bnbsubmit \S+ OK\n", told)


@pytest.mark.parametrize("code", ["import nbsubmit", "%load_ext nbsubmit"])
def test_whoever_runs_no_server_does_not_load_one(code: str) -> None:
    check = "import sys; print({'tornado', 'jupyter_server', 'nbsubmit.server'} & set(sys.modules))"
    line = f"get_ipython().run_line_magic('load_ext', 'nbsubmit'); {check}"
    program = f"{code}; {check}" if code.startswith("import") else line
    start = [] if code.startswith("import") else ["-m", "IPython", "--colors=NoColor"]
    ran = subprocess.run(
        [sys.executable, *start, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip().splitlines()[-1] == "set()"
