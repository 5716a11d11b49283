"""``for x in nbsubmit.progress(xs)``: a bar of text, in a job, a notebook and a script alike.

It looks like tqdm's, and so it is known as a bar wherever one is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_WIDTH = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"
# A young loop is drawn often, an old one less so: each drawing stays in a job's log.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_DRAWINGS_PER_AGE = 50

# Bars of the loops that run; each stands a line below the one that it is inside of.
_open: list[_Drawing] = []
# When a bar was last drawn on each of these lines: a quick loop inside another is one of many.
_drawn: dict[int, float] = {}


def progress(
    iterable: Iterable[T], total: float | None = None, desc: str | None = None
) -> Iterator[T]:
    """Give out the items and show how many of them have been.

    The bar goes to standard error, and is written as tqdm's (https://github.com/tqdm/tqdm).

    Parameters
    ----------
    iterable : iterable
        The items.
    total : float, optional
        How many there are; by default the iterable's own length, if it has one, else they are
        counted.
    desc : str, optional
        What is shown before the bar; by default nothing.

    Yields
    ------
    object
        Each item.

    Examples
    --------
    ::

        for epoch in nbsubmit.progress(range(10), desc="epoch"):
            train()

    The job's panel shows where it is; one loop may be inside another.

    >>> with contextlib.redirect_stderr(io.StringIO()) as shown:
    ...     total = sum(nbsubmit.progress([1, 2, 3], desc="adding"))
    >>> total, "adding" in shown.getvalue()
    (6, True)
    """
    if total is None:
        length = getattr(iterable, "__len__", None)
        total = length() if length is not None else None
    drawing = _Drawing(total, desc or "", below=len(_open))
    _open.append(drawing)
    drawing.begin()
    try:
        for item in iterable:
            yield item
            drawing.step()
    finally:
        drawing.end()
        _open.remove(drawing)


class _Drawing:
    def __init__(self, total: float | None, description: str, below: int) -> None:
        self._total = total
        self._description = description
        self._below = below
        self._began = time.monotonic()
        self._done = 0
        self._width = 0

    def begin(self) -> None:
        """Draw it for the first time."""
        if self._below:
            self._draw_if_due()
        else:
            self._draw()

    def step(self) -> None:
        """Count an item that is done."""
        self._done += 1
        self._draw_if_due()

    def end(self) -> None:
        """Draw it for the last time; one that stands alone stays."""
        if not self._below:
            self._draw()
            sys.stderr.write("\n")
            sys.stderr.flush()
        elif self._width:
            self._write(" " * self._width)

    def _draw_if_due(self) -> None:
        now = time.monotonic()
        pause = min((now - _open[0]._began) / _DRAWINGS_PER_AGE, _LONGEST_PAUSE)
        if now - _drawn.get(self._below, float("-inf")) >= max(pause, _SHORTEST_PAUSE):
            self._draw()

    def _draw(self) -> None:
        now = _drawn[self._below] = time.monotonic()
        text = self._text(now - self._began)
        self._write(text.ljust(self._width))
        self._width = len(text)

    def _write(self, text: str) -> None:
        down, up = "\n" * self._below, "\x1b[A" * self._below
        sys.stderr.write(f"{down}\r{text}{up}")
        sys.stderr.flush()

    def _text(self, elapsed: float) -> str:
        before = f"{self._description}: " if self._description else ""
        rate = self._done / elapsed if elapsed > 0 and self._done else None
        if not self._total or self._done > self._total:
            return f"{before}{self._done}it [{_clock(elapsed)}, {_per_second(rate)}]"
        fraction = self._done / self._total
        remaining = _clock((self._total - self._done) / rate) if rate else "?"
        return (
            f"{before}{100 * fraction:3.0f}%|{_bar(fraction)}| {self._done}/{self._total} "
            f"[{_clock(elapsed)}<{remaining}, {_per_second(rate)}]"
        )


def _bar(fraction: float) -> str:
    if not (sys.stderr.encoding or "").lower().startswith("utf"):
        return ("#" * int(fraction * _WIDTH)).ljust(_WIDTH)
    full, eighths = divmod(int(fraction * _WIDTH * 8), 8)
    return (_EIGHTHS[-1] * full + (_EIGHTHS[eighths] if eighths else "")).ljust(_WIDTH)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _per_second(rate: float | None) -> str:
    if rate is None:
        return "?it/s"
    return f"{rate:.2f}it/s" if rate >= 1 else f"{1 / rate:.2f}s/it"
