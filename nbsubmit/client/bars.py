"""Progress bars in what a job has printed: tqdm's and `nbsubmit.progress`'s, rich's, Keras's.

The lines are those that a terminal shows, after carriage returns have been carried out. A line is
a bar if all of it is: text that only mentions a percentage is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

_NUMBER = r"\d+(?:\.\d+)?[kMGTPEZY]?"
_TIME = r"(?:\d+ days?, )?(?:\d+:)?\d{1,2}:\d\d"
# Where a shorter bar was drawn over a longer one the end of that is left.
_END = r"(?:, (?P<note>.*)\]|\](?:[\w./]*\])?)"
_SIZES: dict[str, float] = {letter: 1000.0**power for power, letter in enumerate("kMGTPEZY", 1)}

_TQDM = re.compile(
    r"(?P<description>.*?):?\s*\b\d{1,3}%\|[^|A-Za-z]*\|"
    rf"\s+(?P<done>{_NUMBER})/(?P<total>{_NUMBER})"
    rf"(?: \[(?P<elapsed>{_TIME})<(?P<remaining>{_TIME}|\?),"
    rf" *(?P<rate>[^,\]]+){_END})?"
)
_TQDM_ENDLESS = re.compile(
    rf"(?:(?P<description>.*): )?(?P<done>{_NUMBER}) ?[^\s\d\[\]|:]+"
    rf" \[(?P<elapsed>{_TIME}), *(?P<rate>[?\d][^,\]]*/s|\d[^,\]]*s/[^,\]]+){_END}"
)
_RICH = re.compile(
    rf"(?P<description>.*?)\s*[━╸╺]{{3,}}\s+(?P<percent>\d{{1,3}})%"
    rf"(?:\s+(?P<done>{_NUMBER})/(?P<total>{_NUMBER}))?(?:\s+(?P<remaining>{_TIME}|-:--:--))?"
)
_KERAS = re.compile(
    r"(?P<done>\d+)/(?P<total>\d+) (?:━+|\[[=>.]+\] -) (?:ETA: )?(?P<remaining>\d+s|[\d:]+)"
    r"(?: (?P<rate>\d+(?:ms|us|s)/step))?(?: - (?P<note>.*))?"
)
_EPOCH = re.compile(r"(?P<description>Epoch) (?P<now>\d+)/(?P<total>\d+)")
# A bar is no longer, whatever is beside it; and a search in a long line takes long: up to 5 ms for
# 400 characters, and 1.2 s for 6,000.
_LONGEST_LINE = 400
_PER_STEP = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Bar:
    """A progress bar.

    Attributes
    ----------
    description : str
        What stands before it, or empty.
    done : float
        How much is done, in whatever it counts.
    total : float or None
        Of how much; None where that is not known.
    rate : float or None
        How much is done a second.
    elapsed, remaining : float or None
        Seconds that it has taken, and will take as far as it knows.
    note : str
        What stands behind it, such as ``loss=0.5``.
    """

    description: str
    done: float
    total: float | None = None
    rate: float | None = None
    elapsed: float | None = None
    remaining: float | None = None
    note: str = ""

    @property
    def fraction(self) -> float | None:
        """How much is done, from 0 to 1; None where the total is not known."""
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def finished(self) -> bool:
        """All of it is done."""
        return self.total is not None and self.done >= self.total


def bars_in(lines: Iterable[str]) -> list[Bar]:
    """Return the bars among these lines, in order; a bar inside another stands below it."""
    stripped = [line.strip() for line in lines]
    bars: list[Bar] = []
    for line, following in pairwise([*stripped, ""]):
        if epoch := _EPOCH.fullmatch(line):
            # A heading: the bar below it is that of the epoch which runs.
            if _KERAS.fullmatch(following):
                bars.append(Bar("Epoch", float(epoch["now"]) - 1, float(epoch["total"])))
            continue
        bars += _bar(line)
    return bars


def running(bars: list[Bar]) -> list[Bar]:
    """Return those of the bars that tell where the job is: not those that were done before.

    One without a total is taken for done when there is another below it: that cannot be told.
    """
    return [b for b in bars if (b.total is not None and not b.finished) or b is bars[-1]]


def _bar(line: str) -> Iterator[Bar]:
    if len(line) > _LONGEST_LINE:
        return
    for pattern, read in _KINDS.items():
        match = pattern.fullmatch(line)
        if match is not None:
            yield read(match)
            return


def _of_tqdm(match: re.Match[str]) -> Bar:
    done, total = match["done"], match.groupdict().get("total")
    scaled = any(text[-1] in _SIZES for text in (done, total or done))
    return Bar(
        (match["description"] or "").strip(),
        _number(done),
        _number(total) if total else None,
        _rate(match["rate"] or "", scaled=scaled),
        _seconds(match["elapsed"]),
        _seconds(match.groupdict().get("remaining")),
        match["note"] or "",
    )


def _of_rich(match: re.Match[str]) -> Bar:
    done, total = match["done"] or match["percent"], match["total"] or "100"
    remaining = _seconds(match["remaining"])
    return Bar(match["description"].strip(), _number(done), _number(total), remaining=remaining)


def _of_keras(match: re.Match[str]) -> Bar:
    rate = None
    if match["rate"]:
        number, unit = re.split(r"(?<=\d)(?=\D)", match["rate"].partition("/")[0])
        rate = 1 / (float(number) * _PER_STEP[unit]) if float(number) else None
    done, total, seconds = match["done"], match["total"], _seconds(match["remaining"])
    # At the end it is the time that it took.
    elapsed, remaining = (seconds, 0.0) if done == total else (None, seconds)
    return Bar("", float(done), float(total), rate, elapsed, remaining, match["note"] or "")


_KINDS: dict[re.Pattern[str], Callable[[re.Match[str]], Bar]] = {
    _TQDM: _of_tqdm,
    _TQDM_ENDLESS: _of_tqdm,
    _RICH: _of_rich,
    _KERAS: _of_keras,
}


def _number(text: str) -> float:
    size = _SIZES.get(text[-1])
    return float(text[:-1]) * size if size else float(text)


def _rate(text: str, *, scaled: bool) -> float | None:
    """What is done a second in ``30.1it/s`` or ``1.20s/it``.

    In ``30.1MB/s`` the letter belongs to the number if the counts are written so too.
    """
    match = re.match(r"\s*(\d+(?:\.\d+)?)(.*)", text)
    if match is None:
        return None
    number, unit = float(match[1]), match[2]
    if unit.startswith("s/"):
        return 1 / number if number else None
    return number * _SIZES.get(unit[:1], 1.0) if scaled else number


def _seconds(text: str | None) -> float | None:
    if not text or not text[0].isdecimal():
        return None
    if text.endswith("s"):
        return float(text[:-1])
    days, _, clock = text.rpartition(", ")
    seconds = 86400.0 * int(days.split()[0]) if days else 0.0
    parts = [int(part) for part in clock.split(":")]
    clock_seconds = 0
    for part in parts:
        clock_seconds = 60 * clock_seconds + part
    return seconds + clock_seconds
