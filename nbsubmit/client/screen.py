"""A job's text as a terminal would show it: overwritten, erased, coloured, and bounded.

Incremental: a redrawn bar costs what its last drawing costs, however often it was drawn. Sequences
that are cut in two by the way they were written are put together again, for each stream apart.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import NamedTuple

from nbsubmit.client.width import width_of

LONGEST_LINE = 10_000
MOST_LINES = 1_000
# How far up the cursor may go, as in a window of this height.
HEIGHT = 50

_TOKENS = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links and other strings to the terminal
    r"|\x1b[ -/]*[0-Z\\`-~]"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
)
_CUT = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?\Z")
# A sequence that does not end after this many characters is none.
_LONGEST_CUT = 4_096
_TAB = 8
# What certainly is as wide as one column: Latin letters, frames and blocks. Text of these alone is
# taken in a ninth of the time.
_NARROW = re.compile("[\\x20-\\x7e\\xa1-\\xac\\xae-\\u02ff\\u2500-\\u259f]*")


class Style(NamedTuple):
    """How a piece of text looks.

    Attributes
    ----------
    foreground, background : int or str or None
        A colour of the 256, or ``#rrggbb``.
    bold, dim, italic, underline, inverse, strike : bool
        As the terminal's attributes are called.
    stream : str
        ``stdout`` or ``stderr``.
    """

    foreground: int | str | None = None
    background: int | str | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False
    strike: bool = False
    stream: str = "stdout"


class Line:
    """One line: a cell for each column, the second one of a wide character empty."""

    def __init__(self) -> None:
        self._cells: list[str] = []
        self._styles: list[Style] = []
        self._runs: tuple[tuple[str, Style], ...] | None = None

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def text(self) -> str:
        """What it says, without the blanks at its end."""
        return "".join(self._cells).rstrip(" ")

    @property
    def runs(self) -> tuple[tuple[str, Style], ...]:
        """Its text in pieces of one style; the same object as long as the line stays as it is.

        So a panel draws 200 lines in 3 ms instead of 5.7.
        """
        if self._runs is None:
            pairs = groupby(zip(self._cells, self._styles, strict=True), key=lambda pair: pair[1])
            self._runs = tuple(("".join(c for c, _ in run), style) for style, run in pairs)
        return self._runs

    def put(self, column: int, cells: list[str], style: Style) -> None:
        """Write cells over what is there."""
        missing = column - len(self._cells)
        if missing > 0:
            self._cells += [" "] * missing
            self._styles += [_PLAIN] * missing
        end = column + len(cells)
        self._mend_halves(column, end)
        self._cells[column:end] = cells
        self._styles[column:end] = [style] * len(cells)
        self._runs = None

    def combine(self, column: int, mark: str) -> None:
        """Put a mark on the character before a column."""
        while column > 0 and column <= len(self._cells):
            column -= 1
            if self._cells[column]:
                # A pile of marks on one letter is a prank.
                if len(self._cells[column]) < 8:
                    self._cells[column] += mark
                self._runs = None
                return

    def erase(self, start: int, end: int | None) -> None:
        """Leave blanks from one column to before another, or nothing to the line's end."""
        if end is None or end >= len(self._cells):
            self._mend_halves(start, start)
            del self._cells[start:], self._styles[start:]
            self._runs = None
        else:
            self.put(start, [" "] * (end - start), _PLAIN)

    def insert(self, column: int, count: int) -> None:
        """Move what is right of a column to the right."""
        if column < len(self._cells):
            self._cells[column:column] = [" "] * count
            self._styles[column:column] = [_PLAIN] * count
            del self._cells[LONGEST_LINE:], self._styles[LONGEST_LINE:]
            self._runs = None

    def delete(self, column: int, count: int) -> None:
        """Take characters out at a column."""
        del self._cells[column : column + count], self._styles[column : column + count]
        self._runs = None

    def _mend_halves(self, start: int, end: int) -> None:
        """Of a wide character that is half overwritten the other half is blank."""
        if 0 < start < len(self._cells) and self._cells[start] == "":
            self._cells[start - 1] = " "
        if end < len(self._cells) and self._cells[end] == "":
            self._cells[end] = " "


class Screen:
    """Takes a job's text and holds the lines that it leaves.

    Parameters
    ----------
    most_lines : int
        Of more lines only the last ones are kept.
    """

    def __init__(self, most_lines: int = MOST_LINES) -> None:
        self._lines: deque[Line] = deque([Line()], maxlen=max(most_lines, HEIGHT))
        self._row = 0  # counted from the last line upwards
        self._column = 0
        self._style = {name: Style(stream=name) for name in ("stdout", "stderr")}
        self._cut = {"stdout": "", "stderr": ""}

    @property
    def lines(self) -> list[Line]:
        """What is shown, from top to bottom; without the empty one that a newline has begun."""
        shown = list(self._lines)
        while len(shown) > 1 and not len(shown[-1]):
            shown.pop()
        return shown

    @property
    def text(self) -> str:
        """What is shown, as text."""
        return "\n".join(line.text for line in self._lines)

    def feed(self, text: str, stream: str = "stdout") -> None:
        """Take more text of a stream."""
        text = self._cut[stream] + text
        cut = _CUT.search(text, max(len(text) - _LONGEST_CUT, 0))
        self._cut[stream] = cut.group() if cut else ""
        if cut:
            text = text[: cut.start()]
        for token in _TOKENS.finditer(text):
            kind = token.lastgroup
            if kind == "text":
                self._put(token.group(), stream)
            elif kind == "control":
                self._control(token.group())
            elif kind == "final":
                self._sequence(token["final"], token["parameters"], stream)

    # Where the cursor is

    @property
    def _line(self) -> Line:
        return self._lines[len(self._lines) - 1 - self._row]

    def _down(self, count: int = 1) -> None:
        for _ in range(count):
            if self._row:
                self._row -= 1
            else:
                self._lines.append(Line())

    def _up(self, count: int) -> None:
        self._row = min(self._row + count, HEIGHT - 1, len(self._lines) - 1)

    # What a piece of text does

    def _put(self, text: str, stream: str) -> None:
        style = self._style[stream]
        if not _NARROW.fullmatch(text):
            self._put_wide(text, style)
            return
        cells = list(text)
        while cells:
            part = cells[: LONGEST_LINE - self._column]
            self._line.put(self._column, part, style)
            self._column += len(part)
            cells = cells[len(part) :]
            self._wrap()

    def _put_wide(self, text: str, style: Style) -> None:
        for character in text:
            width = width_of(character)
            if width > 0:
                self._line.put(self._column, [character, ""][:width], style)
                self._column += width
                self._wrap()
            elif width == 0:
                self._line.combine(self._column, character)

    def _wrap(self) -> None:
        if self._column >= LONGEST_LINE:
            self._down()
            self._column = 0

    def _control(self, character: str) -> None:
        if character in "\n\x0b\x0c":
            self._down()
            self._column = 0
        elif character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(self._column - 1, 0)
        elif character == "\t":
            blanks = _TAB - self._column % _TAB
            self._column += blanks
            if self._column > len(self._line):
                self._line.put(self._column - 1, [" "], _PLAIN)
            self._wrap()

    # What a sequence does

    def _sequence(self, final: str, parameters: str, stream: str) -> None:
        if parameters[:1] in ("?", ">", "=", "<"):
            return  # asks or sets something of the terminal itself
        if final == "m":
            self._style[stream] = styled(self._style[stream], parameters)
            return
        numbers = [_number(n) for n in parameters.split(";")]
        first = min(numbers[0], LONGEST_LINE)
        move = _MOVES.get(final)
        if move:
            move(self, max(first, 1))
        elif final == "K":
            self._erase_in_line(first)
        elif final == "J":
            self._erase_below(first)
        elif final in "Hf":
            column = numbers[1] if len(numbers) > 1 else 1
            self._go_to(max(first, 1), min(max(column, 1), LONGEST_LINE))

    def _go_to(self, row: int, column: int) -> None:
        """Go to a place in the window."""
        height = min(HEIGHT, len(self._lines))
        self._row = height - 1
        self._column = column - 1
        self._down(min(row, HEIGHT) - 1)

    def _move_to_column(self, column: int) -> None:
        self._column = min(column, LONGEST_LINE) - 1

    def _move_right(self, count: int) -> None:
        self._column = min(self._column + count, LONGEST_LINE - 1)

    def _move_left(self, count: int) -> None:
        self._column = max(self._column - count, 0)

    def _move_down(self, count: int) -> None:
        self._row = max(self._row - count, 0)

    def _lines_down(self, count: int) -> None:
        self._move_down(count)
        self._column = 0

    def _lines_up(self, count: int) -> None:
        self._up(count)
        self._column = 0

    def _insert(self, count: int) -> None:
        self._line.insert(self._column, count)

    def _delete(self, count: int) -> None:
        self._line.delete(self._column, count)

    def _erase_here(self, count: int) -> None:
        self._line.erase(self._column, self._column + count)

    def _erase_in_line(self, which: int) -> None:
        if which == 0:
            self._line.erase(self._column, None)
        elif which == 1:
            self._line.erase(0, self._column + 1)
        else:
            self._line.erase(0, None)

    def _erase_below(self, which: int) -> None:
        if which == 1:
            return  # what is above has scrolled out of most windows
        if which >= 2:
            self._row = min(HEIGHT, len(self._lines)) - 1
        for _ in range(self._row):
            self._lines.pop()
        self._row = 0
        self._line.erase(0 if which else self._column, None)


_PLAIN = Style()
_MOVES = {
    "A": Screen._up,
    "B": Screen._move_down,
    "C": Screen._move_right,
    "D": Screen._move_left,
    "E": Screen._lines_down,
    "F": Screen._lines_up,
    "G": Screen._move_to_column,
    "@": Screen._insert,
    "P": Screen._delete,
    "X": Screen._erase_here,
}
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_OFF = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("inverse",),
    29: ("strike",),
}


def styled(style: Style, parameters: str) -> Style:
    """Return a style after a sequence that selects colours and attributes (SGR).

    Codes as in ECMA-48, section 8.3.117, and the 256 and true colours of ISO 8613-6, with colons
    or semicolons between their parts.
    """
    codes = iter(_flat(parameters))
    for text in codes:
        code = _number(text)
        if code == 0:
            style = Style(stream=style.stream)
        elif code in _ON:
            style = _with(style, (_ON[code],), value=True)
        elif code in _OFF:
            style = _with(style, _OFF[code], value=False)
        elif code in _COLOURS:
            colour = _extended(codes)
            if code != _UNDERLINE_COLOUR:
                style = _painted(style, colour, ground=code == 48)
        elif code in (39, 49):
            style = _painted(style, None, ground=code == 49)
        else:
            style = _coloured(style, code)
    return style


def _flat(parameters: str) -> list[str]:
    """Return the codes one by one; of a kind of underline only that it is one."""
    found: list[str] = []
    for part in parameters.split(";"):
        head, _, rest = part.partition(":")
        found += [head, *rest.split(":")] if rest and _number(head) in _COLOURS else [head]
    return found


def _number(text: str) -> int:
    # What has more digits means nothing; to read 4,000 takes 0.1 ms, and of 5,000 is an error.
    return int(text[:6]) if text.isdecimal() else 0


_UNDERLINE_COLOUR = 58
_COLOURS = (38, 48, _UNDERLINE_COLOUR)


def _coloured(style: Style, code: int) -> Style:
    for start, ground, first in ((30, False, 0), (40, True, 0), (90, False, 8), (100, True, 8)):
        if start <= code < start + 8:
            return _painted(style, first + code - start, ground=ground)
    return style


def _with(style: Style, attributes: tuple[str, ...], *, value: bool) -> Style:
    return Style(**{**style._asdict(), **dict.fromkeys(attributes, value)})


def _painted(style: Style, colour: int | str | None, *, ground: bool) -> Style:
    return style._replace(background=colour) if ground else style._replace(foreground=colour)


def _extended(codes: Iterator[str]) -> int | str | None:
    kind = next(codes, "")
    if kind == "5":
        (number,) = _numbers(codes, 1)
        return number
    if kind == "2":
        # With colons an empty colour space may stand first.
        red, green, blue = _numbers((c for c in codes if c), 3)
        return f"#{red:02x}{green:02x}{blue:02x}"
    return None


def _numbers(codes: Iterable[str], count: int) -> list[int]:
    found = [min(_number(c), 255) for c in islice(codes, count)]
    return found + [0] * (count - len(found))


def as_shown(text: str) -> str:
    """Return a text as a terminal would show it, without colours: for where only text can stand."""
    screen = Screen(most_lines=text.count("\n") + 1)
    screen.feed(text)
    return screen.text
