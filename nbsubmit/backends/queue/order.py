"""Whose turn it is: first come, first served. Pure.

Who is first in line waits until there is room for all it needs, and everybody behind waits too,
so that a job that needs the whole machine gets it one day. Two let others pass, to whom they lose
nothing: an array of which as many tasks run as may, and a job for which only GPUs are missing,
past which jobs go that need none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from nbsubmit.backends.queue.entries import Entry


class Lack(Enum):
    """What a job waits for, in words."""

    TURN = "waits for a free processor"
    GPUS = "waits for a free GPU"
    ARRAY = "waits for other tasks of its array"


@dataclass(frozen=True)
class Turn:
    """A task that there is room for.

    Attributes
    ----------
    key : str
        Of the launch.
    task : int
        The task.
    devices : list of str
        The GPUs that it gets.
    """

    key: str
    task: int
    devices: list[str]


def next_turn(entries: Mapping[str, Entry]) -> Turn | None:
    """Return the next task that there is room for; to be asked again once that is started."""
    used, busy = _in_use(entries.values())
    closed: set[int] = set()
    without_gpus: set[int] = set()
    for _, key, task in _line(entries):
        entry = entries[key]
        if entry.level in closed or entry.is_full:
            continue
        if used[entry.level] + entry.slots > entry.of_slots:
            closed.add(entry.level)
            continue
        free = [name for name in entry.devices if (entry.level, name) not in busy]
        if entry.gpus and (entry.level in without_gpus or len(free) < entry.gpus):
            without_gpus.add(entry.level)
            continue
        if task is None:
            task = entry.upcoming
        assert task is not None  # noqa: S101 - a place in the line is that of a task
        return Turn(key, task, free[: entry.gpus])
    return None


def lack_of(entries: Mapping[str, Entry], key: str) -> Lack:
    """Return what a launch of which something waits is waiting for."""
    entry = entries[key]
    if entry.is_full:
        return Lack.ARRAY
    used, busy = _in_use(entries.values())
    free = sum((entry.level, name) not in busy for name in entry.devices)
    has_slots = used[entry.level] + entry.slots <= entry.of_slots
    return Lack.GPUS if entry.gpus > free and has_slots else Lack.TURN


def jobs_before(entries: Mapping[str, Entry]) -> dict[str, int]:
    """Return for every launch of which something waits how many such come before it."""
    met: dict[int, int] = {}
    before: dict[str, int] = {}
    for _, key, _ in _line(entries):
        level = entries[key].level
        if key not in before:
            before[key] = met.get(level, 0)
            met[level] = before[key] + 1
    return before


def _line(entries: Mapping[str, Entry]) -> list[tuple[int, str, int | None]]:
    """All that waits, in order."""
    return sorted(
        ((order, key, task) for key, entry in entries.items() for order, task in entry.places()),
        key=lambda place: place[0],
    )


def _in_use(entries: Iterable[Entry]) -> tuple[Counter[int], set[tuple[int, str]]]:
    """Return how many processors are taken on each level, and which GPUs."""
    used: Counter[int] = Counter()
    busy: set[tuple[int, str]] = set()
    for entry in entries:
        used[entry.level] += entry.slots * len(entry.runs)
        busy.update((entry.level, name) for run in entry.runs.values() for name in run.devices)
    return used, busy
