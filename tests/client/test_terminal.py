"""A job's text as a terminal would show it."""

from __future__ import annotations

import time

import pytest

from nbsubmit.client.terminal import as_shown

ESC = "\x1b"

SHOWN = {
    "plain": ("a\nb\n", "a\nb\n"),
    "nothing": ("", ""),
    "other languages": ("ünï… 😀\t|", "ünï… 😀\t|"),
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
    "clear to the end of the line": (f"a{ESC}[K\nabc\rx{ESC}[0K", "a\nx"),
    "clear the whole line": (f"abc{ESC}[2K\rx", "x"),
    "clear to the line's beginning": (f"abc\b{ESC}[1K", "  c"),
    "up a line": (f"a\nb{ESC}[A\rc", "c\nb"),
    "up two lines and down again": (f"a\nb\nc{ESC}[2A\rx\n\ny", "x\nb\ny"),
    "up further than there is": (f"a{ESC}[9A\rb", "b"),
    "the cursor": (f"{ESC}[2A{ESC}[10;5H{ESC}[?25lx{ESC}[?25h", "x"),
    "a title": (f"{ESC}]0;my title\x07text", "text"),
    "a link": (f"{ESC}]8;;http://x/{ESC}\\name{ESC}]8;;{ESC}\\!", "name!"),
    "a character set": (f"{ESC}(Btext", "text"),
    "saved and restored": (f"{ESC}7a{ESC}8b", "ab"),
    "reset": (f"{ESC}ctext", "text"),
    # what is nothing on a page
    "bell": ("a\x07b", "ab"),
    "null": ("a\0b", "ab"),
    "form feed": ("a\x0cb", "ab"),
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
