"""A job's text as a terminal would show it, without colours: for where only text can stand."""

from __future__ import annotations

import re

# CSI and OSC sequences, and the short escapes.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_CONTROLS = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]")


def as_shown(text: str) -> str:
    """Return the text with carriage returns and backspaces carried out and escapes left out."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    lines = (_overwritten(line) if "\r" in line or "\b" in line else line
             for line in text.split("\n"))  # fmt: skip
    return _CONTROLS.sub("", "\n".join(lines))


def _overwritten(line: str) -> str:
    shown: list[str] = []
    column = 0
    for character in line:
        if character == "\r":
            column = 0
        elif character == "\b":
            column = max(column - 1, 0)
        else:
            shown[column : column + 1] = [character]
            column += 1
    return "".join(shown)
