"""The panel's markup: what comes from a job is text in it, never markup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from nbsubmit.client import words
from nbsubmit.client.bars import Bar
from nbsubmit.client.rows import JobRow, TaskRow, row_of
from nbsubmit.client.screen import Screen
from nbsubmit.core.state import JobState
from nbsubmit.core.usage import Limits
from nbsubmit.notebook import grid, markup, record
from nbsubmit.notebook.panel import commands
from tests.way import Way, named

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
    came=(("x", "int", "28 B", "changed in place", ""),),
    imported=("np",),
    changed=("x",),
    deleted=("y",),
    kept=("z",),
    unsent=(("log", "an open file"),),
    error=("Traceback", "ValueError: bad"),
)
OURS = {"b", "code", "div", "details", "summary", "table", "tr", "th", "td", "pre", "span"}
OURS |= {"svg", "title", "polyline", "caption"}
HARMLESS = {"style", "title", "scope", "role", "tabindex", "viewbox", "width", "height", "points"}
HARMLESS |= {"fill", "stroke", "stroke-width", "aria-label"}
HARMLESS |= {"aria-valuemin", "aria-valuemax", "aria-valuenow"}


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


# The others hold numbers, or states.
FIELDS = [f.name for f in fields(JobRow) if type(getattr(PLAIN, f.name) or 0) in (str, tuple)]


def parts(row: JobRow) -> list[str]:
    """All markup that is made of a row."""
    bundle = record.bundle(row, "#SBATCH", commands(row))
    return [record.title(row), record.names(row), record.resources(row), bundle["text/html"]]


def shown(text: str, most: int = 16_000) -> str:
    screen = Screen()
    screen.feed(text)
    return markup.screen(screen.lines, most)


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.RUNNING])
@pytest.mark.parametrize("name", FIELDS)
def test_hostile_text_is_shown_and_does_nothing(name: str, state: JobState) -> None:
    for part in parts(replace(evil_in(PLAIN, name), state=state)):
        page = Page(part)
        assert set(page.tags) <= OURS
        assert set(page.attributes) <= HARMLESS
        assert page.open == []


def test_every_field_is_shown_in_the_record_in_full() -> None:
    # The id's end names the job; a changed name and a kept one are told beside those that came;
    # the error is an output of its own.
    for name in set(FIELDS) - {"id", "changed", "error", "elapsed"}:
        row = evil_in(PLAIN, name)
        assert EVIL in Page(parts(row)[-1]).text, name


def test_hostile_output_is_shown_and_does_nothing() -> None:
    page = Page(markup.pre(shown(EVIL)))
    assert set(page.tags) == {"pre", "span"}
    assert EVIL in page.text


def test_a_hostile_bar_is_text_in_it() -> None:
    page = Page(record.title(replace(PLAIN, state=JobState.RUNNING, progress=(Bar(EVIL, 1, 2),))))
    assert set(page.tags) <= OURS
    assert EVIL in page.text


def test_colours_are_styles_and_control_characters_do_not_reach_the_page() -> None:
    part = shown("\x1b[31mred\x1b[0m\x07\n 10%\r100%")
    assert "\x1b" not in part
    assert "\x07" not in part
    assert Page(part).text == "red\n100%"
    assert part.startswith('<span style="color:#d1453b">')


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("38;5;214", "color:#ffaf00"),
        ("48;5;232", "background:#080808"),
        ("38;2;1;2;3", "color:#010203"),
        ("1;4", "font-weight:bold;text-decoration:underline"),
        ("7;31", "color:#f5f5f5;background:#d1453b"),
    ],
)
def test_terminal_styles_are_css(codes: str, style: str) -> None:
    assert shown(f"\x1b[{codes}mx") == f'<span style="{style}">x</span>'


# The tasks of an array

MANY = replace(
    PLAIN,
    tasks=(*[JobState.COMPLETED] * 20, *[JobState.RUNNING] * 3, JobState.FAILED),
    failed=(TaskRow(23, EVIL, JobState.FAILED, EVIL, EVIL),),
    apart=(EVIL,),
)


def test_the_tasks_of_an_array_are_signs_and_counts() -> None:
    page = Page(grid.grid(MANY))
    assert page.text.startswith(" 0 " + "■" * 20 + "▣" * 3 + "☒")
    assert page.text.endswith("of 24: ▣ 3 RUNNING, ■ 20 COMPLETED, ☒ 1 FAILED")
    assert 'title="tasks 0 to 19: COMPLETED"' in grid.grid(MANY)
    assert 'title="task 23: FAILED"' in grid.grid(MANY)
    assert 'aria-label="of 24 tasks 3 RUNNING, 20 COMPLETED, 1 FAILED"' in grid.grid(MANY)
    assert grid.grid(PLAIN) == ""


def test_how_many_tasks_are_in_which_state_is_said_once() -> None:
    row = replace(MANY, reason="", advice="", failed=())
    markup = record.bundle(row, "", [])
    assert Page(markup["text/html"]).text.count("20 COMPLETED") == 1
    assert markup["text/plain"].count("20 COMPLETED") == 1
    for said in ("task 23: no such file", ""):
        reason = "; ".join(part for part in (words.tasks(row), said) if part)
        page = Page(record.title(replace(row, reason=reason)))
        assert "20 COMPLETED" not in page.text
        assert page.text.endswith(said)


def test_many_thousand_tasks_take_a_few_signs_that_show_the_worst_of_each_group() -> None:
    states = [JobState.COMPLETED] * 10_000
    states[5_001] = JobState.FAILED
    shown = grid.grid(replace(PLAIN, tasks=tuple(states)))
    text = Page(shown).text
    assert text.count("■") + text.count("☒") == 400 + 2  # and the two that are explained
    assert text.count("☒") == 2
    assert 'title="tasks 5000 to 5024: FAILED"' in shown
    assert "each sign is 25 tasks, and shows the worst of them" in text
    assert len(shown) < 4_000
    mixed = tuple(list(JobState)[n % len(JobState)] for n in range(400))
    assert len(grid.grid(replace(PLAIN, tasks=mixed))) < 40_000


def test_what_has_failed_is_a_short_table_in_which_nothing_hostile_works() -> None:
    for part in [*parts(MANY), grid.grid(MANY), grid.failures(MANY)]:
        page = Page(part)
        assert set(page.tags) <= OURS
        assert set(page.attributes) <= HARMLESS
    assert Page(grid.failures(MANY)).text.count(EVIL) == 3
    assert EVIL in Page(parts(MANY)[-1]).text
    failed = tuple(TaskRow(n, str(n), JobState.FAILED, "x" * 9_999) for n in range(20))
    many = replace(MANY, tasks=(JobState.FAILED,) * 134, failed=failed)
    assert "the first 20 of 134 that failed" in grid.failures(many)
    assert len(grid.failures(many)) < 20_000


def test_what_can_be_done_with_an_array_names_the_task_that_failed() -> None:
    assert commands(replace(MANY, frames=True)) == [
        "%jobs resubmit bcdf --failed",
        "%jobs debug bcdf_23",
        "%jobs logs bcdf_23",
    ]


# The title


def test_the_title_shows_the_state_in_bold_and_in_its_colour() -> None:
    colours = {}
    for state in JobState:
        title = record.title(replace(PLAIN, state=state))
        assert Page(title).text.startswith(f"{state.value} ")
        colours[state] = title.partition("color:")[2][:7]
    assert colours[JobState.FAILED] == colours[JobState.LOST] == colours[JobState.TIMEOUT]
    assert len({colours[s] for s in (JobState.FAILED, JobState.RUNNING, JobState.COMPLETED)}) == 3


@pytest.mark.parametrize("name", ["FAILED", "a FAILED job", "\0"])
def test_a_name_that_looks_like_a_state_is_a_name(name: str) -> None:
    title = record.title(replace(PLAIN, name=name))
    assert title.count('role="status"') == 1
    assert name in title.partition("</b>")[2]


def test_the_reason_stands_below_the_title_if_there_is_one() -> None:
    assert record.title(PLAIN).endswith("<div>why; what</div>")
    assert "why" not in record.title(replace(PLAIN, reason="", advice=""))


# The names


def test_the_names_are_lines_and_two_tables() -> None:
    page = Page(record.names(PLAIN))
    assert page.tags.count("tr") == 6
    assert page.tags.count("td") == 20
    for part in ("changed in place", "stays on the node", "an open file"):
        assert part in page.text
    for part in ("sends data 120 MB", "read in line 3", "left out", "a lock", "brings x (changed)"):
        assert part in page.text


def test_without_names_there_is_no_table() -> None:
    page = Page(record.names(replace(PLAIN, sent=(), left_out=(), missing=(), came=(), unsent=())))
    assert "table" not in page.tags
    assert page.text.startswith("sends no names")


# The tail


def test_of_a_long_text_the_end_is_shown() -> None:
    part = shown("".join(f"line {number}\n" for number in range(20_000)))
    assert part.endswith("line 19999")
    assert len(part) <= 16_000


def test_of_one_long_line_the_end_is_shown() -> None:
    part = shown("x" * 9_000 + "&" * 900 + "end", most=1_000)
    assert part.endswith("&amp;end")
    assert len(part) <= 1_000


def test_where_nothing_was_printed_there_is_nothing() -> None:
    assert shown("") == shown("\n\n") == ""


# What can be done


def test_out_of_memory_advises_twice_as_much() -> None:
    row = replace(PLAIN, state=JobState.OUT_OF_MEMORY, limits=Limits(memory=4 << 30), frames=True)
    assert commands(row) == [
        "%jobs debug bcdf",
        "%jobs resubmit bcdf --mem 8192M",
        "%jobs logs bcdf",
    ]
    assert commands(replace(row, state=JobState.COMPLETED)) == []


def test_of_a_real_job_whatever_it_has_a_say_in_is_text(make_way: Callable[..., Way]) -> None:
    source = (
        "print(EVIL)\n"
        "thing = type(EVIL, (), {'__repr__': lambda self: EVIL})()\n"
        "globals()[EVIL] = thing\n"
        "lock = type(EVIL, (), {'__reduce__': lambda self: 1 / 0})()\n"
        "raise ValueError(EVIL)\n"
    )
    job = make_way("debug").run(source, {"EVIL": EVIL}, options=named(EVIL))
    row = row_of(job)
    for part in [*parts(row), shown(job.stdout()), shown("\n".join(row.error))]:
        page = Page(part)
        assert set(page.tags) <= OURS
        assert set(page.attributes) <= HARMLESS
    assert EVIL in Page(record.title(row)).text
    assert EVIL in Page(record.names(row)).text
    assert EVIL in Page(shown(job.stdout())).text
