"""Whose turn it is: first come, first served. Pure.

Who is first in line waits until there is room for all it needs, and everybody behind waits too,
so that a job that needs the whole machine gets it one day. Three let others pass, to whom they lose
nothing: an array of which as many tasks run as may, a job for which only GPUs are missing, past
which jobs go that need none, and one that starts after another that is not over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from nbsubmit.backends.queue.entries import Entry
from nbsubmit.core.ends import AFTER_OTHERS


class Lack(Enum):
    """What a job waits for, in words."""

    TURN = "waits for a free processor"
    GPUS = "waits for a free GPU"
    ARRAY = "waits for other tasks of its array"
    INPUT = AFTER_OTHERS


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


@dataclass(frozen=True)
class Wait:
    """Why a launch waits.

    Attributes
    ----------
    lack : Lack
        What it waits for.
    ahead : int
        How many launches of which something waits come before it.
    """

    lack: Lack
    ahead: int


def next_turn(entries: Mapping[str, Entry]) -> Turn | None:
    """Return the next task that there is room for; to be asked again once that is started."""
    used, busy = _in_use(entries.values())
    closed: set[int] = set()
    without_gpus: set[int] = set()
    for _, key, task in _line(entries):
        entry = entries[key]
        if entry.level in closed or entry.is_full or _has_to_wait(entry, entries):
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


def waits(entries: Mapping[str, Entry]) -> dict[str, Wait]:
    """Return what each launch waits for of which something waits."""
    used, busy = _in_use(entries.values())
    ahead: Counter[int] = Counter()
    found: dict[str, Wait] = {}
    for _, key, _ in _line(entries):
        if key in found:
            continue
        entry = entries[key]
        lack = Lack.TURN
        if _has_to_wait(entry, entries):
            lack = Lack.INPUT
        elif entry.is_full:
            lack = Lack.ARRAY
        elif entry.gpus and used[entry.level] + entry.slots <= entry.of_slots:
            free = sum((entry.level, name) not in busy for name in entry.devices)
            lack = Lack.GPUS if entry.gpus > free else Lack.TURN
        found[key] = Wait(lack, ahead[entry.level])
        ahead[entry.level] += 1
    return found


def _has_to_wait(entry: Entry, entries: Mapping[str, Entry]) -> bool:
    """Of what is over, some is still here: what has ended in this turn is taken out at its end."""
    return any(key in entries and not entries[key].is_over for key in entry.after)


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
