"""What the cell prints and shows: through at once, nothing lost, the order kept by marks."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.output import OutputReader
from nbsubmit.worker.streams import LogStream, Recorder
from tests.way import Way


class Desk:
    """Both streams and the recorder between them, as a cell has them."""

    def __init__(self, folder: JobFolder, logs: tuple[int, int]) -> None:
        self.folder = folder
        self.recorder = Recorder(folder.events_file, *logs)
        self.out = LogStream(self.recorder, "stdout", logs[0])
        self.err = LogStream(self.recorder, "stderr", logs[1])

    def events(self) -> list[dict[str, Any]]:
        lines = self.folder.events_file.read_text().splitlines()
        return [json.loads(line) for line in lines]

    def output(self) -> list[tuple[str, str]]:
        return [(piece.kind, piece.text) for piece in OutputReader(self.folder).read()]


@pytest.fixture
def desk(folder: JobFolder, logs: tuple[int, int]) -> Any:
    made = Desk(folder, logs)
    yield made
    made.recorder.close()


# Text


def test_text_is_in_the_log_at_once(desk: Desk) -> None:
    assert desk.out.write("no line's end") == 13
    assert desk.folder.log_out.read_text() == "no line's end"


def test_print_works_with_all_that_it_takes(desk: Desk) -> None:
    print("a", 1, None, sep="-", end="!\n", file=desk.out, flush=True)
    desk.out.writelines(["b\n", "c\n"])
    assert desk.folder.log_out.read_text() == "a-1-None!\nb\nc\n"


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("ü€😀", "ü€😀".encode()),
        ("a\0b\r\n", b"a\0b\r\n"),
        ("half \ud800 a pair", rb"half \ud800 a pair"),
        ("", b""),
    ],
)
def test_every_text_can_be_written(desk: Desk, text: str, data: bytes) -> None:
    assert desk.out.write(text) == len(text)
    assert desk.folder.log_out.read_bytes() == data


def test_only_text_is_text(desk: Desk) -> None:
    with pytest.raises(TypeError):
        desk.out.write(b"bytes")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        desk.out.write(None)  # type: ignore[arg-type]


def test_a_mark_stands_where_the_stream_changes_and_nowhere_else(desk: Desk) -> None:
    for stream, text in ((desk.out, "a"), (desk.out, "b"), (desk.err, "C"), (desk.err, "D"),
                         (desk.out, "e")):  # fmt: skip
        stream.write(text)
    marks = [(e["type"], e["stream"], e["out"], e["err"]) for e in desk.events()]
    assert marks == [("mark", "stderr", 2, 0), ("mark", "stdout", 2, 2)]


def test_the_order_can_be_put_together_again(desk: Desk) -> None:
    desk.out.write("one ")
    desk.recorder.event("display_data", {"data": {}})
    desk.err.write("two ")
    desk.out.write("three")
    assert desk.output() == [
        ("stdout", "one "), ("display_data", ""), ("stderr", "two "), ("stdout", "three"),
    ]  # fmt: skip


def test_an_event_says_when_it_was_and_how_long_the_logs_were(desk: Desk) -> None:
    desk.out.write("123")
    desk.recorder.event("display_data", {"data": {"text/plain": "ü\n"}, "odd": {1, 2}.__class__})
    (event,) = desk.events()
    assert (event["type"], event["out"], event["err"]) == ("display_data", 3, 0)
    assert event["content"]["data"] == {"text/plain": "ü\n"}
    assert event["content"]["odd"] == "<class 'set'>"  # what JSON lacks is shown as text
    assert event["at"] > 0


# Bytes, descriptors, children


def test_bytes_can_be_written_to_the_buffer(desk: Desk) -> None:
    desk.out.write("text ")
    assert desk.out.buffer.write(b"\xffbytes ") == 7
    desk.out.write("text")
    assert desk.folder.log_out.read_bytes() == b"text \xffbytes text"


def test_bytes_are_there_after_a_flush_of_either(desk: Desk) -> None:
    for flush in (desk.out.flush, desk.out.buffer.flush):
        desk.out.buffer.write(b"x")
        flush()
    assert desk.folder.log_out.read_bytes() == b"xx"


def test_the_descriptor_is_the_logs(desk: Desk) -> None:
    os.write(desk.err.fileno(), b"from C ")
    subprocess.run([sys.executable, "-c", "print('child')"], stdout=desk.err.fileno(), check=True)
    assert desk.folder.log_err.read_text() == "from C child\n"


def test_a_stream_answers_what_libraries_ask_of_one(desk: Desk) -> None:
    stream = desk.out
    assert (stream.name, stream.encoding, stream.errors) == (
        "<stdout>",
        "utf-8",
        "backslashreplace",
    )
    assert (stream.isatty(), stream.writable(), stream.readable()) == (False, True, False)
    assert isinstance(stream, io.TextIOBase)
    assert stream.closed is False
    with pytest.raises(io.UnsupportedOperation):
        stream.read()


def test_logging_and_redirection_go_through_a_stream(desk: Desk) -> None:
    handler = logging.StreamHandler(desk.err)
    handler.emit(logging.LogRecord("x", 30, "f", 1, "careful: %s", ("this",), None))
    with redirect_stdout(desk.out):
        print("redirected")
    assert desk.output() == [("stderr", "careful: this\n"), ("stdout", "redirected\n")]


# Many threads


def test_ten_thousand_lines_from_many_threads_stay_whole(desk: Desk) -> None:
    threads, each = 8, 1250
    start = threading.Barrier(threads)

    def talk(number: int) -> None:
        stream = desk.err if number % 2 else desk.out
        start.wait()
        for line in range(each):
            stream.write(f"{number} {line} {'x' * 30}\n")

    running = [threading.Thread(target=talk, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    for file, odd in ((desk.folder.log_out, 0), (desk.folder.log_err, 1)):
        lines = file.read_text().splitlines()
        assert len(lines) == threads * each // 2
        for number in range(odd, threads, 2):
            said = [line for line in lines if line.startswith(f"{number} ")]
            assert said == [f"{number} {line} {'x' * 30}" for line in range(each)]


def test_events_from_many_threads_are_each_one_line(desk: Desk) -> None:
    def show(number: int) -> None:
        for _ in range(200):
            desk.recorder.event("display_data", {"data": {"text/plain": str(number) * 500}})
            desk.err.write("e")
            desk.out.write("o")

    running = [threading.Thread(target=show, args=(n,)) for n in range(4)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    shown = [event for event in desk.events() if event["type"] == "display_data"]
    assert len(shown) == 800
    assert len({event["content"]["data"]["text/plain"] for event in shown}) == 4
    ends = [(event["out"], event["err"]) for event in desk.events()]
    assert ends == sorted(ends)


def test_a_stream_that_outlives_its_job_writes_into_nobody_elses_file(
    make_way: Callable[..., Way], tmp_path: Path
) -> None:
    """A log handler that a cell has made in this very process goes on after the job."""
    log = logging.getLogger("kept by a cell")
    log.propagate = False
    source = (
        "import logging, sys\n"
        "logging.getLogger('kept by a cell').addHandler(logging.StreamHandler(sys.stdout))"
    )
    make_way("debug").run(source)
    (handler,) = log.handlers
    with (tmp_path / "precious").open("w") as first, (tmp_path / "more").open("w") as second:
        log.error("late words")
        first.flush()
        second.flush()
    log.removeHandler(handler)
    assert (tmp_path / "precious").read_text() == (tmp_path / "more").read_text() == ""


def test_a_full_disk_is_the_cells_error(folder: JobFolder) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    recorder = Recorder(folder.events_file, full, full)
    stream = LogStream(recorder, "stdout", full)
    with pytest.raises(OSError, match="No space left on device"):
        stream.write("text")
    recorder.close()
    os.close(full)
