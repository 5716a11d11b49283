"""A log that is read forward, in pieces."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsubmit.client import tail
from nbsubmit.client.tail import Tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_each_reading_gives_what_is_new(log: Path) -> None:
    reader = Tail(log)
    assert [*reader.read()] == []
    log.write_text("first\n")
    assert [*reader.read()] == ["first\n"]
    assert [*reader.read()] == []
    with log.open("a") as file:
        file.write("second\n")
    assert "".join(reader.read()) + reader.end() == "second\n"


def test_a_letter_that_is_half_there_waits_for_its_other_half(log: Path) -> None:
    reader = Tail(log)
    log.write_bytes("é".encode()[:1])
    assert [*reader.read()] == []
    log.write_bytes("é".encode())
    assert [*reader.read()] == ["é"]
    log.write_bytes("éé".encode()[:3])
    assert "".join(reader.read()) + reader.end() == "\ufffd"


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(log: Path) -> None:
    reader = Tail(log)
    log.write_text("of the first run\n")
    assert [*reader.read()] == ["of the first run\n"]
    log.write_text("anew\n")
    assert [*reader.read()] == ["anew\n"]


def test_colours_end_with_it(log: Path) -> None:
    log.write_text("\x1b[31mred")
    reader = Tail(log)
    assert "".join(reader.read()) + reader.end() == "\x1b[31mred\x1b[0m"


@given(
    text=st.text(alphabet="ab\né", max_size=60), count=st.integers(0, 8), piece=st.integers(1, 9)
)
def test_the_last_lines_are_those_that_there_are(
    tmp_path_factory: pytest.TempPathFactory, text: str, count: int, piece: int
) -> None:
    log = tmp_path_factory.mktemp("log") / "log"
    log.write_text(text, newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail, "_PIECE_BYTES", piece)
        reader = Tail(log, count)
        shown = "".join(reader.read()) + reader.end()
    assert shown == "".join(text.splitlines(keepends=True)[-count:] if count else [])
