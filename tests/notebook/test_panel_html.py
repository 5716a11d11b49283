"""The panel's markup: what comes from a job is text in it, never markup."""

from __future__ import annotations

from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from nbsubmit.client.rows import JobRow
from nbsubmit.core.state import JobState
from nbsubmit.notebook.panel import names_html, tail_html, title_html

EVIL = '<script>alert(1)</script><img src=x onerror="x"> & \' " <b>'

PLAIN = JobRow(
    id="240102-030405-bcdf",
    name="train",
    backend="slurm",
    handle="17",
    state=JobState.FAILED,
    reason="why",
    advice="what",
    node="n1",
    elapsed="3 s",
    sent=(("data", "numpy.ndarray", "120 MB", "", "read in line 3"),),
    left_out=(("lock", "a lock"),),
    missing=("absent",),
    warnings=("mind the gap",),
    back=("x",),
    imported=("np",),
    changed=("x",),
    deleted=("y",),
    kept=("z",),
    unsent=(("log", "an open file"),),
    error=("Traceback", "ValueError: bad"),
)
OURS = {"b", "br", "div", "details", "summary", "table", "tr", "td", "pre"}


class Page(HTMLParser):
    """Text and tags of a piece of markup, as a browser reads it."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def evil_in(row: JobRow, name: str) -> JobRow:
    """The row with hostile text in every text of one field."""
    changed: dict[str, Any] = {name: hostile(getattr(row, name))}
    return replace(row, **changed)


def hostile(value: Any) -> Any:
    return EVIL if isinstance(value, str) else tuple(hostile(part) for part in value)


# The others hold numbers.
FIELDS = [f.name for f in fields(JobRow) if isinstance(getattr(PLAIN, f.name) or 0, (str, tuple))]


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.RUNNING])
@pytest.mark.parametrize("name", FIELDS)
def test_hostile_text_is_shown_and_does_nothing(name: str, state: JobState) -> None:
    row = replace(evil_in(PLAIN, name), state=state)
    for markup in (title_html(row), names_html(row), tail_html("text", row)):
        page = Page(markup)
        assert set(page.tags) <= OURS
        assert set(page.attributes) <= {"style"}
        assert page.open == []


def test_every_field_is_shown_somewhere_in_full() -> None:
    # The id's end names the job; a changed name and a kept one are told beside those that came.
    for name in set(FIELDS) - {"id", "changed"}:
        row = evil_in(PLAIN, name)
        text = (
            "".join(Page(f(row)).text for f in (title_html, names_html))
            + Page(tail_html("", row)).text
        )
        assert EVIL in text.replace("\u2002", " "), name


def test_hostile_output_is_shown_and_does_nothing() -> None:
    page = Page(tail_html(EVIL, PLAIN))
    assert set(page.tags) == {"pre"}
    assert EVIL in page.text


def test_colours_and_control_characters_do_not_reach_the_page() -> None:
    markup = tail_html("\x1b[31mred\x1b[0m\x07\n 10%\r100%", replace(PLAIN, error=("\x1b[1mE",)))
    assert "\x1b" not in markup
    assert "\x07" not in markup
    assert Page(markup).text == "red\n100%E"


# The title


def test_the_title_shows_the_state_in_bold_and_in_its_colour() -> None:
    colours = {state: Page(title_html(replace(PLAIN, state=state))) for state in JobState}
    for state, page in colours.items():
        assert page.tags[0] == "b"
        assert f" {state.value} " in page.text
    red = title_html(PLAIN).partition("</b>")[0].partition("<b")[2]
    green = title_html(replace(PLAIN, state=JobState.COMPLETED)).partition("</b>")[0]
    assert "error" in red
    assert "success" in green


@pytest.mark.parametrize("name", ["FAILED", "a FAILED job", "\0"])
def test_a_name_that_looks_like_a_state_is_a_name(name: str) -> None:
    page = title_html(replace(PLAIN, name=name))
    assert page.count("<b ") == 1
    head, _, rest = page.partition("<b ")
    assert name in head
    assert "FAILED</b>" in rest


def test_the_reason_stands_below_the_title_if_there_is_one() -> None:
    assert title_html(PLAIN).endswith("<br>why; what")
    assert "<br>" not in title_html(replace(PLAIN, reason="", advice=""))


# The names


def test_the_names_are_a_line_that_opens_into_a_table() -> None:
    page = Page(names_html(PLAIN))
    assert page.tags.count("tr") == 2
    assert page.tags.count("td") == 10
    for part in ("sends data 120 MB", "read in line 3", "left out", "a lock", "brings x (changed)"):
        assert part in page.text.replace("\u2002", " ")


def test_without_names_there_is_no_table() -> None:
    page = Page(names_html(replace(PLAIN, sent=(), left_out=(), missing=())))
    assert "details" not in page.tags
    assert page.text.startswith("sends no names")


# The tail


def test_of_a_long_text_the_end_is_shown() -> None:
    text = "\n".join(f"line {number}" for number in range(20_000))
    page = Page(tail_html(text, replace(PLAIN, error=())))
    assert page.text.endswith("line 19999")
    assert "line 0\n" not in page.text
    assert len(page.text) <= 16_000


def test_text_and_traceback_are_apart() -> None:
    markup = tail_html("printed\n", PLAIN)
    assert markup.count("<pre") == 2
    assert Page(markup).text == "printedTraceback\nValueError: bad"


def test_where_nothing_was_printed_there_is_nothing() -> None:
    assert tail_html("", replace(PLAIN, error=())) == ""
    assert tail_html("\n\n", replace(PLAIN, error=())) == ""
