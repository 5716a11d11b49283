"""The indices of an array as people write them → numbers: ``0-15``, ``1,3,5-7``, ``0-15:4%8``."""

from __future__ import annotations

import re
from dataclasses import dataclass

# As many as the largest array that sites usually allow; a slip of the pen asks for more.
MOST_TASKS = 1_000_000
_PART = re.compile(r"(\d+)(?:-(\d+)(?::(\d+))?)?$")


@dataclass(frozen=True)
class Indices:
    """What ``--array`` says.

    Attributes
    ----------
    numbers : tuple of int or None
        The indices in rising order, each once; None where only a limit was given.
    parallel : int or None
        At most so many tasks at once.
    """

    numbers: tuple[int, ...] | None = None
    parallel: int | None = None

    @classmethod
    def parse(cls, text: str) -> Indices:
        """Read what was written.

        Raises
        ------
        ValueError
            Saying what is wrong with it.
        """
        parts, sign, limit = text.partition("%")
        if sign and (not limit.isdecimal() or int(limit) < 1):
            raise ValueError(f"{text!r}: behind % stands how many may run at once, from 1 up")
        parallel = int(limit) if sign else None
        if not parts:
            if not sign:
                raise ValueError("it is empty; write indices like 0-15, 1,3,5-7, 0-15:4")
            return cls(None, parallel)
        numbers: set[int] = set()
        for part in parts.split(","):
            numbers.update(_numbers(part, text))
            if len(numbers) > MOST_TASKS:
                raise ValueError(f"{text!r} is more than {MOST_TASKS} tasks")
        return cls(tuple(sorted(numbers)), parallel)


def _numbers(part: str, text: str) -> range:
    found = _PART.match(part)
    if found is None:
        raise ValueError(
            f"{text!r}: {part!r} is no index; write indices like 0-15, 1,3,5-7 or 0-15:4%2"
        )
    first, last, step = (None if group is None else int(group) for group in found.groups())
    if first is None or step == 0:
        raise ValueError(f"{text!r}: the step of {part!r} is 0")
    last = first if last is None else last
    if last < first:
        raise ValueError(f"{text!r}: {part!r} ends before it begins")
    if last - first > MOST_TASKS * (step or 1):
        raise ValueError(f"{text!r} is more than {MOST_TASKS} tasks")
    return range(first, last + 1, step or 1)
