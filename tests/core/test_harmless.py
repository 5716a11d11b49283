"""Text from a job, as a terminal may be shown it: it is shown and does nothing else."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsubmit.core.errors import JobLost
from nbsubmit.core.harmless import Pieces, for_stream, plain, printed
from nbsubmit.core.result import CellError
from nbsubmit.core.state import JobState, Status
from tests.hostile import ATTACKS, EVIL, obeyed


@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize("make", [plain, printed])
def test_what_a_terminal_would_obey_is_taken_out_and_the_rest_stays(
    make: Callable[[str], str], kind: str
) -> None:
    assert obeyed(ATTACKS[kind])
    shown = make(f"before {ATTACKS[kind]}after")
    assert obeyed(shown) == []
    assert shown.startswith("before ")
    assert shown.endswith("after")


@given(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("\x1b[]P0;1mKcHJ?\\\x07\x9b\x9c\x9d\r\n"), st.characters()
        )
    )
)
def test_no_text_at_all_is_obeyed(text: str) -> None:
    assert obeyed(printed(text)) == []
    assert obeyed(printed(text, goes_on=True)) == []
    assert obeyed(plain(text)) == []
    plain(text).encode()  # so it can be printed


@given(
    st.lists(
        st.text(
            alphabet=st.one_of(
                st.sampled_from("\x1b[]P0;1mKcHJ?\\\x07\x9b\x9c\x9d\r\n"), st.characters()
            )
        )
    )
)
def test_nothing_is_obeyed_however_it_was_cut(texts: list[str]) -> None:
    pieces = Pieces()
    shown = "".join(pieces.printed(text) for text in texts) + pieces.end()
    assert obeyed(shown) == []


@pytest.mark.parametrize("at", range(20))
def test_a_colour_that_is_cut_in_two_is_that_colour(at: int) -> None:
    text, pieces = "a \x1b[31mred\x1b[0m \x1b[2Kb", Pieces()
    assert pieces.printed(text[:at]) + pieces.printed(text[at:]) + pieces.end() == text


def test_what_seems_to_be_a_sequence_and_never_ends_is_not_kept_for_ever() -> None:
    pieces = Pieces()
    shown = "".join(pieces.printed(text) for text in ("\x1b]0;", "x" * 5000, "y" * 10))
    assert shown.endswith("y" * 10)
    assert obeyed(shown) == []


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_text_that_can_be_seen_stays_as_it_is(text: str) -> None:
    assert plain(text) == printed(text) == text


KEPT = {
    "colours": "\x1b[1;31mred\x1b[0m and \x1b[38;5;200mpink\x1b[m",
    "colons": "\x1b[38:2::1:2:3mexact\x1b[0m",
    "a bar": "\r 10%|#    | 1/10\r 20%|##   | 2/10\x1b[K",
    "tabs and lines": "a\tb\r\nc\n",
    "a backspace": "|\b/\b-",
}


@pytest.mark.parametrize("kind", KEPT)
def test_colours_and_bars_of_what_was_printed_stay(kind: str) -> None:
    assert printed(KEPT[kind]) == KEPT[kind]


def test_a_colour_that_a_job_does_not_end_ends_with_its_text() -> None:
    assert printed("\x1b[8mhidden") == "\x1b[8mhidden\x1b[0m"
    assert printed("\x1b[8mhidden", goes_on=True) == "\x1b[8mhidden"


def test_a_sequence_that_never_ends_hides_nothing() -> None:
    text = "\x1b]0;title\nthe rest of the log\n"
    assert printed(text) == "]0;title\nthe rest of the log\n"
    assert plain(text) == "\\x1b]0;title\nthe rest of the log\n"


def test_a_sequence_in_two_pieces_is_not_put_together_again() -> None:
    whole = ATTACKS["the clipboard"]
    for cut in range(1, len(whole)):
        assert obeyed(printed(whole[:cut], goes_on=True) + printed(whole[cut:])) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\0b", "a\\x00b"),
        ("gpu\rcpu", "gpu\\rcpu"),
        ("win\r\ndows", "win\ndows"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("not utf-8 \udcff", "not utf-8 \\udcff"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("two\nlines\tok", "two\nlines\tok"),
    ],
)
def test_what_cannot_be_seen_of_a_name_is_written_as_python_does(text: str, shown: str) -> None:
    assert plain(text) == shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_notebook_gets_what_was_printed_and_a_terminal_what_is_harmless() -> None:
    for attack in ATTACKS.values():
        assert for_stream(attack, io.StringIO()) == attack
        assert obeyed(for_stream(attack, Terminal())) == []


def test_a_status_and_an_error_are_harmless_whoever_prints_them() -> None:
    status = Status(JobState.FAILED, f"exit code 1: {EVIL}", EVIL, EVIL)
    error = CellError("ValueError", EVIL, (EVIL, "\x1b[31mline\x1b[0m"))
    ours = JobLost(EVIL, "240102-030405-bcdf", EVIL)  # type: ignore[arg-type]
    texts = [str(status), status.reason, status.advice, str(error), *error.traceback]
    texts += ours._render_traceback_()
    assert [obeyed(text) for text in texts] == [[]] * len(texts)
    assert error.traceback[-1] == "\x1b[31mline\x1b[0m"
    assert re.match(r"exit code 1: ", status.reason)
