"""Which jobs are no longer needed: by age, number, state and id, and none that another needs.

The choice is a pure function; `removal` does what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nbsubmit.core.errors import OptionError
from nbsubmit.core.sizes import Size
from nbsubmit.core.state import JobState

_AGE = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$", re.IGNORECASE)
_SECONDS = (7 * 86400, 86400, 3600, 60, 1)


@dataclass(frozen=True)
class Item:
    """A job that may go.

    Attributes
    ----------
    id, name : str
        Which it is.
    state : JobState
        Its state.
    at : float
        When it ended, in seconds since the epoch; when it was sent if that is not known.
    stays : str
        Why it has to stay, or empty.
    needs : frozenset of str
        The jobs that have to stay for as long as it does.
    size : Size
        How much room it takes.
    """

    id: str
    state: JobState
    at: float
    name: str = ""
    stays: str = ""
    needs: frozenset[str] = frozenset()
    size: Size = field(default_factory=Size)


@dataclass(frozen=True)
class Wish:
    """Which jobs are to go: those that all of this is true of.

    Attributes
    ----------
    older : float or None
        They ended so many seconds ago.
    keep : int or None
        They are not among so many that were sent last.
    states : frozenset of JobState or None
        They ended so.
    ids : frozenset of str or None
        They are these.
    """

    older: float | None = None
    keep: int | None = None
    states: frozenset[JobState] | None = None
    ids: frozenset[str] | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing is asked for."""
        return (self.older, self.keep, self.states, self.ids) == (None,) * 4


def choose(items: Sequence[Item], wish: Wish, now: float) -> tuple[list[Item], dict[str, str]]:
    """Return the jobs that go, and of those that were asked for and stay: the id → why.

    Parameters
    ----------
    items : sequence of Item
        All jobs of the store, oldest first.
    wish : Wish
        What is asked for.
    now : float
        The time, in seconds since the epoch.
    """
    asked = [item for item in items if _is_asked_for(item, wish)]
    if wish.keep:
        asked = asked[: -wish.keep]
    asked = [item for item in asked if wish.older is None or now - item.at >= wish.older]
    stays = {item.id: item.stays for item in asked if item.stays}
    going = {item.id for item in asked} - stays.keys()
    while needed := _needed(items, going):
        stays |= needed
        going -= needed.keys()
    return [item for item in asked if item.id in going], stays


def _is_asked_for(item: Item, wish: Wish) -> bool:
    if wish.ids is not None and item.id not in wish.ids:
        return False
    if wish.states is not None:
        return item.state in wish.states
    return item.state.ended or wish.ids is not None


def _needed(items: Iterable[Item], going: set[str]) -> dict[str, str]:
    return {
        need: f"job {item.id} needs it"
        for item in items
        if item.id not in going
        for need in item.needs & going
    }


def parse_age(text: str) -> float:
    """Seconds in an age: ``30d``, ``2w``, ``1d12h``.

    Raises
    ------
    OptionError
        If it is none.
    """
    match = _AGE.match(text.strip())
    if match is None or not any(match.groups()):
        raise OptionError(f"--older: {text!r} is not an age; write 30d, 2w, 12h or 1d12h")
    return sum(
        int(number) * size for number, size in zip(match.groups(default="0"), _SECONDS, strict=True)
    )


def parse_states(text: str) -> frozenset[JobState]:
    """Return states that are separated by commas.

    Raises
    ------
    OptionError
        If one is no state in which a job ends.
    """
    ends = {str(state): state for state in JobState if state.ended}
    words = [word.strip().upper() for word in text.split(",")]
    for word in words:
        if word not in ends:
            raise OptionError(
                f"--state: a job does not end as {word!r}; it may be {', '.join(ends)}"
            )
    return frozenset(ends[word] for word in words)


def parse_count(text: str) -> int:
    """Return how many jobs are to be kept.

    Raises
    ------
    OptionError
        If it is no number.
    """
    if not text.strip().isdecimal():
        raise OptionError(f"--keep: {text!r} is not a number of jobs")
    return int(text)
