"""A job's text as a terminal would show it."""

from __future__ import annotations

import time

import pytest

from nbsubmit.client.screen import HEIGHT, LONGEST_LINE, Line, Screen, Style, as_shown

ESC = "\x1b"

SHOWN = {
    "plain": ("a\nb\n", "a\nb\n"),
    "nothing": ("", ""),
    "other languages": ("ünï… 😀\t|", "ünï… 😀 |"),
    # carriage returns
    "a bar that grows": ("\r 10%\r 50%\r100%\n", "100%\n"),
    "a shorter text over a longer one": ("123456\rab\n", "ab3456\n"),
    "a carriage return at the end": ("done\r", "done"),
    "a bar above, a bar below": ("a 1\ra 2\nb 1\rb 2\n", "a 2\nb 2\n"),
    "Windows' lines": ("a\r\nb\r\n", "a\nb\n"),
    "a bar that ends as Windows' lines do": ("1%\r2%\r\nnext", "2%\nnext"),
    "two carriage returns and a line's end": ("abc\r\r\ndef", "abc\ndef"),
    # backspaces
    "a spinner": ("|\b/\b-\bdone", "done"),
    "a letter taken back": ("abc\bd", "abd"),
    "more taken back than there is": ("a\b\b\bxy", "xy"),
    "bold as old manuals write it": ("a\bab\bb", "ab"),
    # colours and other escapes
    "colour": (f"{ESC}[31mred{ESC}[0m {ESC}[1;38;5;214mbold{ESC}[m", "red bold"),
    "colour inside a bar": (f"{ESC}[32m 10%{ESC}[0m\r{ESC}[32m 99%{ESC}[0m", " 99%"),
    "clear to the end of the line": (f"a{ESC}[K\nb{ESC}[2Kc", "a\n c"),
    "the cursor": (f"{ESC}[2A{ESC}[3;5H{ESC}[?25lx{ESC}[?25h", "\n\n    x"),
    "a title": (f"{ESC}]0;my title\x07text", "text"),
    "a link": (f"{ESC}]8;;http://x/{ESC}\\name{ESC}]8;;{ESC}\\!", "name!"),
    "a character set": (f"{ESC}(Btext", "text"),
    "saved and restored": (f"{ESC}7a{ESC}8b", "ab"),
    "reset": (f"{ESC}ctext", "text"),
    "two bars, one below the other": (
        f"a 1\nb 1{ESC}[A\ra 2\n\rb 2{ESC}[1A\ra 3\n\n", "a 3\nb 2\n"),
    "a bar that is taken away": (f"\r99%\r{ESC}[2Kdone\n", "done\n"),
    "the beginning of a line erased": (f"abcdef\r{ESC}[2C{ESC}[1Kx", "  xdef"),
    "up a line": (f"a\nb{ESC}[A\rc", "c\nb"),
    "up two lines and down again": (f"a\nb\nc{ESC}[2A\rx\n\ny", "x\nb\ny"),
    "up further than there is": (f"a{ESC}[9A\rb", "b"),
    "the screen cleared": (f"a\nb\n{ESC}[2J{ESC}[Hnew", "new"),
    "cleared from here on": (f"a\nb\nc{ESC}[2A\r{ESC}[Jx", "x"),
    "characters put in and taken out": (f"abcd\r{ESC}[2@{ESC}[4C{ESC}[1P", "  abd"),
    "up no further than the window": (
        "x\n" * 60 + f"{ESC}[99Ahere", "x\n" * 11 + "here\n" + "x\n" * 48),
    # wide characters
    "a bar over wide characters": ("日本語\rab", "ab本語"),
    "half of a wide character": ("日本\rx", "x 本"),
    "a mark on a letter": ("e\u0301x\b\by", "yx"),
    "a mark on nothing": ("\u0301a", "a"),
    # what is nothing on a page
    "bell": ("a\x07b", "ab"),
    "null": ("a\0b", "ab"),
    "form feed": ("a\x0cb", "a\nb"),
    "delete": ("a\x7fb", "ab"),
    "an escape that leads nowhere": (f"a{ESC}", "a"),
    "half an escape": (f"a{ESC}[", "a"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHOWN)
def test_text_is_shown_as_a_terminal_would(kind: str) -> None:
    text, shown = SHOWN[kind]
    assert as_shown(text) == shown


@pytest.mark.parametrize("kind", SHOWN)
def test_nothing_that_steers_a_terminal_is_left(kind: str) -> None:
    shown = as_shown(SHOWN[kind][0])
    assert not [c for c in shown if (ord(c) < 32 and c not in "\n\t") or ord(c) == 127]


def test_what_is_shown_stays_as_it_is() -> None:
    for _, shown in SHOWN.values():
        assert as_shown(shown) == shown


@pytest.mark.parametrize(
    "text",
    [f"{ESC}]" * 20_000, f"{ESC}[" * 20_000, "\r" * 100_000, "x\b" * 50_000, "\x1b[1" * 9_999],
)
def test_hostile_text_takes_no_longer_than_other_text(text: str) -> None:
    before = time.process_time()
    as_shown(text)
    assert time.process_time() - before < 2


# Colours


def runs(text: str, *, stream: str = "stdout") -> list[tuple[str, Style]]:
    screen = Screen()
    screen.feed(text, stream)
    return [run for line in screen.lines for run in line.runs]


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("31", Style(foreground=1)),
        ("97", Style(foreground=15)),
        ("44", Style(background=4)),
        ("100", Style(background=8)),
        ("38;5;214", Style(foreground=214)),
        ("48;2;1;2;255", Style(background="#0102ff")),
        ("38:2::1:2:3", Style(foreground="#010203")),
        ("1;3;4;7;9", Style(bold=True, italic=True, underline=True, inverse=True, strike=True)),
        ("1;31;22", Style(foreground=1)),
        ("31;39", Style()),
        ("38;5", Style(foreground=0)),
        ("38;2;999;0;0;1", Style(foreground="#ff0000", bold=True)),
        ("31;0", Style()),
        ("31;", Style()),
        ("1234567890", Style()),
        ("9" * 5_000, Style()),
        ("4:3", Style(underline=True)),
        ("58;2;1;2;3;1", Style(bold=True)),
        ("58:5:9", Style()),
    ],
)
def test_colours_are_those_of_a_terminal(codes: str, style: Style) -> None:
    assert runs(f"{ESC}[{codes}mx") == [("x", style)]


def test_a_colour_lasts_until_it_is_ended() -> None:
    red = Style(foreground=1)
    assert runs(f"a{ESC}[31mb\nc{ESC}[md") == [
        ("a", Style()),
        ("b", red),
        ("c", red),
        ("d", Style()),
    ]


def test_each_stream_has_its_own_colour() -> None:
    screen = Screen()
    screen.feed(f"{ESC}[31mred ")
    screen.feed("plain", "stderr")
    screen.feed(" red")
    (line,) = screen.lines
    assert line.runs == (
        ("red ", Style(foreground=1)),
        ("plain", Style(stream="stderr")),
        (" red", Style(foreground=1)),
    )


# What comes in pieces


@pytest.mark.parametrize("kind", SHOWN)
def test_it_does_not_matter_where_text_is_cut(kind: str) -> None:
    text, shown = SHOWN[kind]
    screen = Screen()
    for character in text:
        screen.feed(character)
    assert screen.text == shown


def test_a_sequence_that_another_stream_cuts_in_two_is_put_together() -> None:
    screen = Screen()
    screen.feed(f"a{ESC}[3")
    screen.feed("!", "stderr")
    screen.feed("1mb")
    assert [text for text, _ in screen.lines[0].runs] == ["a", "!", "b"]
    assert screen.lines[0].runs[-1][1].foreground == 1


def test_a_title_that_never_ends_does_not_swallow_everything() -> None:
    screen = Screen()
    screen.feed(f"{ESC}]0;")
    for _ in range(100):
        screen.feed("x" * 1000)
    assert "x" * 1000 in screen.text.replace("\n", "")


# Bounds


def test_of_many_lines_the_last_ones_are_kept() -> None:
    screen = Screen(most_lines=100)
    screen.feed("".join(f"{n}\n" for n in range(1000)))
    assert [line.text for line in screen.lines] == [str(n) for n in range(901, 1000)]


def test_a_bar_that_is_redrawn_for_ever_stays_one_line() -> None:
    screen = Screen()
    for n in range(20_000):
        screen.feed(f"\r{n} of 20000 \u2588")
    assert [line.text for line in screen.lines] == ["19999 of 20000 \u2588"]


def test_a_very_long_line_is_wrapped() -> None:
    screen = Screen()
    screen.feed("x" * (2 * LONGEST_LINE + 5))
    assert [len(line) for line in screen.lines] == [LONGEST_LINE, LONGEST_LINE, 5]


def test_a_cursor_far_to_the_right_writes_no_endless_line() -> None:
    screen = Screen()
    screen.feed(f"{ESC}[999999999Cx{ESC}[999999999Gy{ESC}[999999999;999999999Hz")
    assert max(len(line) for line in screen.lines) <= LONGEST_LINE
    assert len(screen.lines) <= HEIGHT + 3


def test_a_line_that_did_not_change_gives_the_same_runs() -> None:
    screen = Screen()
    screen.feed("first\nsecond")
    lines: list[Line] = screen.lines
    before = [line.runs for line in lines]
    screen.feed(" more")
    after = [line.runs for line in screen.lines]
    assert after[0] is before[0]
    assert after[1] == (("second more", Style()),)


def test_marks_do_not_pile_up() -> None:
    assert len(as_shown("a" + "\u0301" * 10_000)) < 10
