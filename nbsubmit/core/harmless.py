"""Text from a job, made so that a terminal shows it and does nothing else.

A terminal obeys what it is shown: sequences set its title and the clipboard, move the cursor over
what stands there, or have it type an answer. Whatever is printed that a job, its name or its folder
had a say in goes through here. What a job has printed keeps its colours, and the returns that draw
a progress bar; of a name or a reason nothing is kept that is not a character to be seen.
"""

from __future__ import annotations

import re
from typing import TextIO

# Text that `re` compiles when it is first used, for that takes 2 ms and few workers need it.

# ECMA-48, section 5: control strings (titles, clipboard, devices) on one line, control sequences,
# and escapes of one function; each begins with an escape or with the C1 character that means it.
_SEQUENCE = (
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-Z\\^-~]"
)
_COLOUR = r"\x1b\[[0-9;:]*m"
# Colours, and the end of a line erased, which progress bars do.
_KEPT = rf"{_COLOUR}|\x1b\[[0-2]?K"
_ENDED_COLOUR = r"\x1b\[[0;]*m"
# The beginning of one, at the end of a piece; one that does not end after so much is none.
_CUT = (
    r"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c\n]*\x1b?|[ -/]*)"
    r"|\x9b[0-?]*[ -/]*|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c\n]*\x1b?)\Z"
)
_LONGEST_CUT = 4_096
_CONTROL = r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]"
# Besides: what turns the direction of text around, ends a line, or cannot be encoded.
_UNSEEN = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def plain(text: str) -> str:
    """Return a name, a reason, a path or a message as characters that can be seen.

    Sequences to the terminal are taken out, and what is left of control characters stands there as
    Python writes it; lines stay lines.
    """
    if not re.search(_UNSEEN, text):
        return text
    text = re.sub(_SEQUENCE, "", text.replace("\r\n", "\n"))
    return re.sub(_UNSEEN, lambda found: found[0].encode("unicode_escape").decode(), text)


def printed(text: str, *, goes_on: bool = False) -> str:
    """Return what a job has printed with its colours, tabs and returns, and nothing else.

    Parameters
    ----------
    text : str
        What it has printed.
    goes_on : bool
        More of it follows, so a colour that is not ended is left so.
    """
    if not re.search(_CONTROL, text):
        return text
    # Else it is long, and there is nothing to take out.
    if re.search(_CONTROL, re.sub(_KEPT, "", text)):
        text = "".join(_pieces(text))
    return text if goes_on or not _is_coloured(text) else f"{text}\x1b[0m"


class Pieces:
    """Makes harmless what a job has printed as it comes, in pieces that may cut a sequence in two.

    What it returns, put together, is obeyed as little as the whole.
    """

    def __init__(self) -> None:
        self._cut = ""
        self._coloured = False

    def printed(self, text: str) -> str:
        """Return what can be shown of the next piece; what may be half a sequence waits."""
        text = self._cut + text
        cut = re.compile(_CUT).search(text, max(len(text) - _LONGEST_CUT, 0))
        self._cut = cut[0] if cut else ""
        shown = printed(text[: cut.start()] if cut else text, goes_on=True)
        if "\x1b" in shown:
            self._coloured = _is_coloured(shown)
        return shown

    def end(self) -> str:
        """Return what is left at the end of it all; colours end with it."""
        left = self.printed("") + printed(self._cut)
        self._cut = ""
        return f"{left}\x1b[0m" if self._coloured else left


def _is_coloured(text: str) -> bool:
    """Tell whether what follows a text would have a colour."""
    at = len(text)
    while (at := text.rfind("\x1b", 0, at)) >= 0:
        if re.compile(_COLOUR).match(text, at):
            return not re.compile(_ENDED_COLOUR).match(text, at)
    return False


def _pieces(text: str) -> list[str]:
    pieces, end = [], 0
    for found in re.finditer(_SEQUENCE, text):
        pieces.append(re.sub(_CONTROL, "", text[end : found.start()]))
        if re.fullmatch(_KEPT, found[0]):
            pieces.append(found[0])
        end = found.end()
    pieces.append(re.sub(_CONTROL, "", text[end:]))
    return pieces


def for_stream(text: str, stream: TextIO) -> str:
    """Return a piece of what a job has printed for a stream: as it is, unless that is a terminal.

    A notebook is given what the job has printed, for its front end obeys nothing.
    """
    return printed(text, goes_on=True) if stream.isatty() else text
