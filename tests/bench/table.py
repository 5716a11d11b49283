"""The rows of the table that ``python -m tests.bench`` prints, and what each is measured by."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

# The option by which a group prints its rows for `tests.bench`.
ROWS = "--rows"
# How a row begins that a group prints.
START = '{"measure": '


@dataclass(frozen=True)
class Row:
    """One measure beside another one.

    Attributes
    ----------
    measure : str
        What is measured.
    ours : float
        The figure.
    unit : str
        Its unit.
    beside : str
        What it is compared with, empty where it stands alone.
    theirs : float or None
        The figure of that.
    aim : str
        What it should be, in words.
    met : bool
        Whether it is.
    """

    measure: str
    ours: float
    unit: str
    beside: str
    theirs: float | None
    aim: str
    met: bool

    @property
    def line(self) -> str:
        """The row in Markdown."""
        beside = f"{self.beside}: {_short(self.theirs)}" if self.theirs is not None else self.beside
        ratio = f"{self.ours / self.theirs:.2f}" if self.theirs else ""
        cells = (self.measure, f"{_short(self.ours)} {self.unit}", beside, ratio, self.aim)
        return f"| {' | '.join(cells)} | {'yes' if self.met else 'no'} |"

    def told(self) -> None:
        """Print it for the process that started this one."""
        print(json.dumps(asdict(self)), flush=True)


HEAD = (
    "| measure | nbsubmit | beside | ratio | aim | met |\n"
    "| --- | --- | --- | --- | --- | --- |"
)  # fmt: skip


def within(
    measure: str, ours: float, beside: str, theirs: float, times: float, *, more: float = 0.0
) -> Row:
    """Return the row of a time that should be at most so many times another, or so much more.

    Parameters
    ----------
    measure, ours, beside, theirs
        As of a `Row`; both times in seconds.
    times : float
        The largest ratio.
    more : float
        So many seconds more than the other are fine too.
    """
    aim = f"at most {times:g} times" + (f", or {1000 * more:.0f} ms more" if more else "")
    met = ours <= max(times * theirs, theirs + more if more else 0.0)
    return Row(measure, ours, "s", beside, theirs, aim, met)


def at_most(measure: str, ours: float, unit: str, most: float, beside: str = "") -> Row:
    """Return the row of a figure that should be no more than so many of its unit."""
    return Row(measure, ours, unit, beside, None, f"at most {most:g} {unit}".strip(), ours <= most)


def in_turn(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Take some ways in turn, so that all meet the same machine; return each one's median seconds.

    A way that returns seconds has measured itself, without what it needed beforehand. The first
    round is not counted: it fills caches.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            own = way()
            passed = time.perf_counter() - begun
            times[name].append(own if isinstance(own, float) else passed)
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def tell(rows: Iterable[Row]) -> None:
    """Print rows as they come."""
    for row in rows:
        row.told()


def _short(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.3g}"
