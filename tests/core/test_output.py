"""Text and displays put together in order from what the worker left: logs, marks, events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbsubmit.core.folder import MARK, JobFolder
from nbsubmit.core.output import OutputReader, Piece


class Worker:
    """Writes a job's output as a worker does."""

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        self._current = "stdout"

    def prints(self, data: str | bytes, stream: str = "stdout") -> None:
        if stream != self._current:
            self._current = stream
            self._event({"type": MARK, "stream": stream})
        self._append(self.folder.log_out if stream == "stdout" else self.folder.log_err, data)

    def shows(self, text: str, kind: str = "display_data", **more: bool) -> None:
        self._event({"type": kind, "content": {"data": {"text/plain": text}}, **more})

    def child_prints(self, data: str, stream: str = "stdout") -> None:
        """What comes from C or from a child process stands in the log without a mark."""
        self._append(self.folder.log_out if stream == "stdout" else self.folder.log_err, data)

    def _event(self, event: dict[str, Any]) -> None:
        lengths = {
            "out": self.folder.log_out.stat().st_size,
            "err": self.folder.log_err.stat().st_size,
        }
        self._append(self.folder.events_file, json.dumps(event | lengths) + "\n")

    @staticmethod
    def _append(file: Path, data: str | bytes) -> None:
        with file.open("ab") as out:
            out.write(data.encode() if isinstance(data, str) else data)


def seen(pieces: list[Piece]) -> list[tuple[str, str]]:
    return [(p.kind, p.text or p.content.get("data", {}).get("text/plain", "")) for p in pieces]


def merged(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbouring text of one stream as one."""
    out: list[tuple[str, str]] = []
    for kind, text in pieces:
        if out and out[-1][0] == kind and kind in ("stdout", "stderr"):
            out[-1] = (kind, out[-1][1] + text)
        else:
            out.append((kind, text))
    return out


def test_a_job_that_has_said_nothing_has_no_output(folder: JobFolder) -> None:
    assert OutputReader(folder).read() == []


def test_a_folder_without_logs_has_no_output(tmp_path: Path) -> None:
    assert OutputReader(JobFolder(tmp_path / "gone")).read() == []


def test_text_and_displays_come_in_the_order_in_which_they_were_made(folder: JobFolder) -> None:
    worker = Worker(folder)
    worker.prints("one ")
    worker.shows("figure")
    worker.prints("two ")
    worker.prints("oops ", "stderr")
    worker.prints("three")
    worker.shows("value", "execute_result")
    assert seen(OutputReader(folder).read()) == [
        ("stdout", "one "),
        ("display_data", "figure"),
        ("stdout", "two "),
        ("stderr", "oops "),
        ("stdout", "three"),
        ("execute_result", "value"),
    ]


def test_a_display_between_two_streams_stays_between_them(folder: JobFolder) -> None:
    worker = Worker(folder)
    worker.prints("warning", "stderr")
    worker.shows("figure")
    worker.prints("more", "stderr")
    worker.prints("out")
    assert seen(OutputReader(folder).read()) == [
        ("stderr", "warning"),
        ("display_data", "figure"),
        ("stderr", "more"),
        ("stdout", "out"),
    ]


def test_what_a_child_process_prints_is_not_lost(folder: JobFolder) -> None:
    worker = Worker(folder)
    worker.prints("a")
    worker.child_prints("b")
    worker.child_prints("C", "stderr")
    worker.shows("figure")
    worker.child_prints("d")
    pieces = merged(seen(OutputReader(folder).read()))
    assert pieces == [
        ("stdout", "ab"), ("stderr", "C"), ("display_data", "figure"), ("stdout", "d"),
    ]  # fmt: skip


def test_what_was_displayed_when_the_cell_had_ended_is_told_from_the_rest(
    folder: JobFolder,
) -> None:
    worker = Worker(folder)
    worker.shows("in the cell")
    worker.shows("a figure left open", late=True)
    assert [piece.late for piece in OutputReader(folder).read()] == [False, True]


def test_each_reading_gives_only_what_is_new(folder: JobFolder) -> None:
    worker, reader = Worker(folder), OutputReader(folder)
    worker.prints("one")
    assert seen(reader.read()) == [("stdout", "one")]
    assert reader.read() == []
    worker.prints("bad", "stderr")
    worker.shows("figure")
    assert seen(reader.read()) == [("stderr", "bad"), ("display_data", "figure")]
    worker.prints("two", "stderr")
    assert seen(reader.read()) == [("stderr", "two")]
    assert reader.read() == []


def test_a_second_reader_begins_at_the_beginning(folder: JobFolder) -> None:
    worker = Worker(folder)
    worker.prints("one")
    OutputReader(folder).read()
    worker.prints("two")
    assert seen(OutputReader(folder).read()) == [("stdout", "onetwo")]


def test_a_letter_that_was_cut_in_two_is_read_as_one(folder: JobFolder) -> None:
    worker, reader = Worker(folder), OutputReader(folder)
    letter = "€".encode()
    worker.prints(b"price: " + letter[:2])
    assert seen(reader.read()) == [("stdout", "price: ")]
    worker.prints(letter[2:] + b"5")
    assert seen(reader.read()) == [("stdout", "€5")]


def test_bytes_that_are_no_text_are_shown_as_such_and_stop_nothing(folder: JobFolder) -> None:
    worker = Worker(folder)
    worker.prints(b"a\xff\xfeb")
    assert seen(OutputReader(folder).read()) == [("stdout", "a��b")]


def test_half_an_event_is_left_for_the_next_reading(folder: JobFolder) -> None:
    worker, reader = Worker(folder), OutputReader(folder)
    worker.shows("first")
    worker.shows("second €")
    whole = folder.events_file.read_bytes()
    cut = whole.index(b"second") + 3
    folder.events_file.write_bytes(whole[:cut])
    assert seen(reader.read()) == [("display_data", "first")]
    assert reader.read() == []
    folder.events_file.write_bytes(whole)
    assert seen(reader.read()) == [("display_data", "second €")]


def test_a_line_that_a_full_disk_cut_short_does_not_take_the_rest_with_it(
    folder: JobFolder,
) -> None:
    worker = Worker(folder)
    worker.prints("text")
    worker.shows("first")
    with folder.events_file.open("ab") as events:
        events.write(b'{"type": "display_data", "cont')
    worker.shows("lost with it")
    worker.shows("last")
    shown = seen(OutputReader(folder).read())
    assert shown[:2] == [("stdout", "text"), ("display_data", "first")]
    assert shown[-1] == ("display_data", "last")


def test_of_a_very_long_text_the_end_is_shown_and_the_rest_is_said_to_be_in_the_log(
    folder: JobFolder,
) -> None:
    worker = Worker(folder)
    worker.prints("x" * 10_000 + "the end")
    left_out, text = OutputReader(folder, longest=100).read()
    assert left_out.text == f"\n[... 9907 bytes left out; all of it is in {folder.log_out}]\n"
    assert text.text == "x" * 93 + "the end"


def test_a_long_text_that_is_read_as_it_comes_is_shown_whole(folder: JobFolder) -> None:
    worker, reader = Worker(folder), OutputReader(folder, longest=100)
    text = ""
    for number in range(50):
        worker.prints(f"line {number:03} {'x' * 50}\n")
        text += "".join(piece.text for piece in reader.read())
    assert text == folder.log_out.read_text()


def test_no_more_of_a_long_text_is_held_than_is_shown(folder: JobFolder) -> None:
    worker = Worker(folder)
    worker.prints(b"x" * (1 << 22))
    assert sum(len(piece.text) for piece in OutputReader(folder).read()) < (1 << 20) + 500


def test_text_that_grows_after_the_lengths_were_taken_waits_for_the_next_reading(
    folder: JobFolder,
) -> None:
    worker, reader = Worker(folder), OutputReader(folder)
    worker.prints("a")
    worker.shows("figure")
    first = seen(reader.read())
    worker.prints("b", "stderr")
    worker.prints("c")
    assert first + seen(reader.read()) == [
        ("stdout", "a"), ("display_data", "figure"), ("stderr", "b"), ("stdout", "c"),
    ]  # fmt: skip


def test_an_event_is_given_with_its_content(folder: JobFolder) -> None:
    worker = Worker(folder)
    worker._event({"type": "clear_output", "content": {"wait": True}})
    assert OutputReader(folder).read() == [Piece("clear_output", content={"wait": True})]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["stdout", "stderr", "display", "read"]),
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
    ),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STEPS)
def test_whenever_it_is_read_the_order_is_that_of_the_making(
    tmp_path_factory: Any, steps: list[tuple[str, str]]
) -> None:
    folder = JobFolder(tmp_path_factory.mktemp("job") / "240102-030405-bcdf")
    folder.create()
    worker, reader = Worker(folder), OutputReader(folder)
    made: list[tuple[str, str]] = []
    read: list[tuple[str, str]] = []
    for kind, text in steps:
        if kind == "read":
            read += seen(reader.read())
        elif kind == "display":
            worker.shows(text)
            made.append(("display_data", text))
        else:
            worker.prints(text, kind)
            made.append((kind, text))
    read += seen(reader.read())
    assert merged(read) == merged(made)
