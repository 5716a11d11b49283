"""A module's settings or its source of chance: how they are read and set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

Values = dict[str, Any]

SEEDS = 1 << 32
# Odd, so that no two tasks have one seed; and large, so that none are neighbours.
_STEP = 0x9E3779B1


class Kind(ABC):
    """The settings, or the chance, of one module.

    Attributes
    ----------
    name : str
        By which they are known; the module's where it has no other kind.
    module : str
        The module in which they lie.
    is_chance : bool
        They are a source of random numbers.
    is_kernels : bool
        They are the kernel's own: what a job changes comes back only to whoever waits for it.
    travels : bool
        They have to be sent.
    can_be_kept : bool
        Where only a job has loaded the module, what it changes waits for the notebook to do so:
        the module is slow to load, and its values are plain.
    """

    name = ""
    module = ""
    is_chance = False
    is_kernels = False
    travels = True
    can_be_kept = False

    def __init_subclass__(cls) -> None:
        cls.name = cls.__dict__.get("name") or cls.module

    @abstractmethod
    def get(self) -> Values:
        """Return all as they are now."""

    @abstractmethod
    def put(self, values: Mapping[str, Any]) -> None:
        """Set some of them."""

    def changes(self, before: Values, after: Values) -> Values:
        """Return what is to be set so that `before` becomes `after`."""
        return {n: v for n, v in after.items() if n not in before or not same(v, before[n])}

    def at_home(self, changes: Values, then: Values) -> Values:
        """Return what is to be set in the notebook, which had these when the job was sent."""
        return changes

    def refused(self, values: Values) -> dict[str, str]:
        """Return what of this cannot be set here, with the reason."""
        return {}


class Chance(Kind):
    """A source of random numbers; it takes a ``seed`` as well as a state."""

    is_chance = True
    is_kernels = True
    can_be_kept = True

    @abstractmethod
    def draw(self) -> int:
        """Draw a seed from it."""


def seed_of(seed: int, task: int) -> int:
    """Return the seed of one task of an array."""
    return (seed + task * _STEP) % SEEDS


def under(prefix: str, values: Mapping[str, Any]) -> Values:
    """Return the values whose names begin so, by the rest of their names."""
    return {n.removeprefix(prefix): v for n, v in values.items() if n.startswith(prefix)}


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, as far as they can be compared."""
    try:
        return bool(one == other)
    except Exception:
        return False
