"""A job's log, piece by piece."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import nbsubmit
from tests.contract.wire import WIRE, assert_like
from tests.server.conftest import Server, until
from tests.way import Way


def shout(number: int) -> int:
    print(f"task {number}")
    if number == 2:
        raise ValueError(number)
    return number


async def whole(server: Server, job_id: str, store: Path, **asked: object) -> str:
    """The whole log, read in pieces that follow each other."""
    text, offset = "", 0
    while True:
        piece = await server.log(job_id, store, offset=offset, **asked)
        assert_like(piece, WIRE["rest"]["log"])
        assert piece["offset"] == offset
        text += str(piece["text"])
        if piece["next"] == piece["size"]:
            return text
        assert piece["next"] > offset
        offset = piece["next"]


async def test_characters_at_the_border_of_two_pieces_are_whole(server: Server, local: Way) -> None:
    letters = "aä€🎉" * 400
    job = local.run(f"print({letters!r})")
    for limit in range(512, 530):
        assert await whole(server, job.id, local.store, limit=limit) == f"{letters}\n"
    inside = await server.log(job.id, local.store, offset=2)
    assert (inside["offset"], inside["text"][0]) == (3, "€")


async def test_colours_at_the_border_of_two_pieces_are_whole(server: Server, local: Way) -> None:
    coloured = "\x1b[38;5;196mred\x1b[0m" * 100
    job = local.run(f"print({coloured!r})")
    for limit in range(512, 530):
        assert await whole(server, job.id, local.store, limit=limit) == f"{coloured}\n"


async def test_a_log_that_grows_is_followed(server: Server, local: Way, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = local.send(
        "import os, sys, time\n"
        "sys.stdout.buffer.write('half of €'.encode()[:-1]); sys.stdout.flush()\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.05)\n"
        "sys.stdout.buffer.write('€'.encode()[-1:] + b' and more\\n')"
    )

    async def begun() -> bool:
        return bool((await server.log(job.id, local.store))["text"])

    await until(begun, "the first words")
    first = await server.log(job.id, local.store)
    assert (first["text"], first["next"], first["live"]) == ("half of ", 8, True)
    again = await server.log(job.id, local.store, offset=8)
    assert (again["text"], again["next"]) == ("", 8)
    gate.touch()
    job.wait(60)
    rest = await server.log(job.id, local.store, offset=8)
    assert (rest["text"], rest["next"]) == ("€ and more\n", rest["size"])


async def test_what_ends_in_the_middle_of_a_character_ends(server: Server, local: Way) -> None:
    job = local.run("import sys; sys.stdout.buffer.write(b'end\\xe2\\x82')")
    piece = await server.log(job.id, local.store)
    assert piece["text"] == "end\N{REPLACEMENT CHARACTER}"
    assert piece["next"] == piece["size"] == 5


async def test_of_a_long_line_only_a_piece_is_read(server: Server, local: Way) -> None:
    job = local.run("for _ in range(50): print('x' * 1_000_000, end='')")
    size = 50_000_000
    piece = await server.log(job.id, local.store)
    assert (len(piece["text"]), piece["next"], piece["size"]) == (65536, 65536, size)
    end = await server.log(job.id, local.store, tail=1000)
    assert (end["text"], end["offset"]) == ("x" * 1000, size - 1000)
    most = await server.log(job.id, local.store, limit=10**9)
    assert len(most["text"]) == 1 << 20
    beyond = await server.log(job.id, local.store, offset=10**12)
    assert (beyond["text"], beyond["offset"]) == ("", size)


async def test_the_end_of_a_log_begins_with_a_line(server: Server, local: Way) -> None:
    job = local.run("for n in range(1000): print('line', n)")
    end = await server.log(job.id, local.store, tail=100)
    lines = end["text"].splitlines()
    assert lines == [f"line {n}" for n in range(1000 - len(lines), 1000)]
    assert 90 <= len(end["text"]) <= 100


async def test_nothing_in_a_log_is_obeyed(server: Server, local: Way) -> None:
    hostile = "\x1b]0;title\x07\x1b[2J\x1b[5;5H\x9b31mred\x1b[1mbold\x1b[0m\r\x00\x08\n"
    job = local.run(f"print({hostile!r}, end='')")
    piece = await server.log(job.id, local.store)
    assert piece["text"] == "red\x1b[1mbold\x1b[0m\r\x08\n"
    binary = local.run("import sys; sys.stdout.buffer.write(bytes(range(256)) * 300)")
    text = await whole(server, binary.id, local.store)
    kept = {"\t", "\n", "\r", "\b"}
    assert {letter for letter in text if ord(letter) < 32 or 127 <= ord(letter) < 160} <= kept


async def test_standard_error_is_a_log_of_its_own(server: Server, local: Way) -> None:
    job = local.run("import sys; print('out'); print('err', file=sys.stderr)")
    assert (await server.log(job.id, local.store, stream="stderr"))["text"] == "err\n"
    assert (await server.log(job.id, local.store, stream="stdout"))["text"] == "out\n"
    told = await server.refused("jobs", job.id, "log", store=str(local.store), stream="payload")
    assert told == (400, "there is no stream 'payload', only stdout and stderr")


@pytest.mark.parametrize("asked", [{"offset": "-1"}, {"limit": "1e3"}, {"tail": "9" * 40}])
async def test_a_number_that_is_none_is_refused(
    server: Server, local: Way, asked: dict[str, str]
) -> None:
    job = local.run("a = 1")
    assert (await server.refused("jobs", job.id, "log", store=str(local.store), **asked))[0] == 400


async def test_of_an_array_a_task_is_chosen(server: Server) -> None:
    jobs = nbsubmit.LocalExecutor(server.root).map_array(shout, [0, 1, 2, 3])
    job = jobs[0].whole
    assert job is not None
    job.wait(60)
    store = job.folder.store
    piece = await server.log(job.id, store)
    assert_like(piece, WIRE["rest"]["log of an array"])
    assert (piece["text"], piece["task"]) == ("task 2\n", "2")
    assert piece["tasks"] == ["0", "1", "2", "3"]
    assert (await server.log(job.id, store, task="3"))["text"] == "task 3\n"
    for task in ("4", "../../../0", "0/..", "²"):
        asked = {"store": str(store), "task": task}
        assert (await server.refused("jobs", job.id, "log", **asked))[0] == 404


async def test_a_log_that_is_a_link_is_not_read(server: Server, local: Way, tmp_path: Path) -> None:
    job = local.run("print(1)")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    job.folder.log_out.unlink()
    job.folder.log_out.symlink_to(secret)
    status, why = await server.refused("jobs", job.id, "log", store=str(local.store))
    assert status == 403
    assert "symbolic link" in why


async def test_a_pipe_in_the_place_of_a_log_keeps_nobody_waiting(
    server: Server, local: Way
) -> None:
    job = local.run("print(1)")
    job.folder.log_out.unlink()
    os.mkfifo(job.folder.log_out, 0o600)
    assert (await server.refused("jobs", job.id, "log", store=str(local.store)))[0] == 403


async def test_a_log_of_somebody_else_is_not_read(
    server: Server, local: Way, make_way: Callable[..., Way]
) -> None:
    job = local.run("print(1)")
    os.chown(job.folder.log_out, 12345, 12345)
    status, why = await server.refused("jobs", job.id, "log", store=str(local.store))
    assert (status, "belongs to another user" in why) == (403, True)
