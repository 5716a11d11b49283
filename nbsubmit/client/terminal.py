"""A job's text as a terminal would show it, without colours: for where only text can stand."""

from __future__ import annotations

import re

# CSI and OSC sequences, and the short escapes; without those that are carried out.
_ESCAPES = re.compile(
    r"\x1b(?!\[[0-9]*[AK])"
    r"(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])"
)
_CONTROLS = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]")
_MOVES = re.compile(r"(\x1b\[[0-9]*[AK]|[\r\n\b])")


def as_shown(text: str) -> str:
    """Return the text with the cursor's moves carried out and other escapes left out.

    The moves are carriage returns, backspaces, and what nested progress bars need: going up, and
    clearing a line.
    """
    text = _ESCAPES.sub("", text)
    if "\x1b" in text or "\r" in text or "\b" in text:
        screen = _Screen()
        for part in _MOVES.split(text):
            screen.take(part)
        text = "\n".join(screen.lines)
    return _CONTROLS.sub("", text)


class _Screen:
    """Lines without end, and a cursor."""

    def __init__(self) -> None:
        self.lines = [""]
        self._row = self._column = 0

    def take(self, part: str) -> None:
        """Take a move, or text without one."""
        if part == "\n":
            self._row, self._column = self._row + 1, 0
            if self._row == len(self.lines):
                self.lines.append("")
        elif part == "\r":
            self._column = 0
        elif part == "\b":
            self._column = max(self._column - 1, 0)
        elif part.startswith("\x1b["):
            self._obey(part[2:-1], part[-1])
        elif part:
            self._write(part)

    def _obey(self, number: str, letter: str) -> None:
        if letter == "A":
            self._row = max(self._row - max(int(number or 1), 1), 0)
            return
        line = self.lines[self._row]
        if number in ("", "0"):
            self.lines[self._row] = line[: self._column]
        elif number == "1":
            self.lines[self._row] = " " * self._column + line[self._column :]
        else:
            self.lines[self._row] = ""

    def _write(self, text: str) -> None:
        line = self.lines[self._row]
        end = self._column + len(text)
        self.lines[self._row] = line[: self._column].ljust(self._column) + text + line[end:]
        self._column = end
