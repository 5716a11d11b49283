"""What a job may print to have a terminal do something, and a look at what it would obey."""

from __future__ import annotations

import re

ATTACKS = {
    "the title": "\x1b]0;owned\x07",
    "the title, asked for": "\x1b[21t",
    "the clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "the clipboard, another end": "\x1b]52;c;b3duZWQ=\x1b\\",
    "the clipboard in C1": "\x9d52;c;b3duZWQ=\x9c",
    "a link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "an answer that is typed": "\x1b[6n",
    "a device's string": "\x1bP$qm\x1b\\",
    "a private message": "\x1b^owned\x1b\\",
    "the whole screen": "\x1b[2J\x1b[H",
    "in C1": "\x9b2J",
    "what stands above": "\x1b[3A",
    "another screen": "\x1b[?1049h",
    "a reset": "\x1bc",
    "another alphabet": "\x1b(0",
    "a shift to it": "\x0e",
    "a bell": "\x07",
    "intermediate bytes": "\x1b[0 q",
}
EVIL = "".join(ATTACKS.values())

# An escape, or a C1 character, is obeyed unless it begins a colour or erases a line's rest.
_OBEYED = re.compile(
    r"\x1b(?!\[[0-9;:]*m|\[[0-2]?K)[^\x1b]{0,8}|[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]"
)


def obeyed(text: str) -> list[str]:
    """Return what of a text a terminal would not just show; colours and returns are shown."""
    return _OBEYED.findall(text)
