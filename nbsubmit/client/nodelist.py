"""Slurm's short form of a list of hosts → their names, one by one. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from nbsubmit.core.errors import NbsubmitError

# A host's or a group's text, up to a comma that stands in no bracket.
_ENTRY = re.compile(r"(?:[^\[\],]|\[[^\[\]]*\])+")
_PIECE = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


class SlurmParseException(NbsubmitError, ValueError):
    """A list of hosts is not written as Slurm writes one."""


def expand(text: str) -> list[str]:
    """Return the hosts of a list such as ``node[001-003,7],other[1-2]-ib,a``, in its order.

    Raises
    ------
    SlurmParseException
        If it is no such list.
    """
    return [host for entry in _entries(text) for host in _hosts(entry, text)]


def _entries(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        found = _ENTRY.match(text, place)
        if found is None:
            raise _wrong(text, f"a host's name is missing at {text[place:]!r}")
        yield found[0]
        place = found.end()
        if text[place:] == "," or text[place : place + 1] not in ("", ","):
            raise _wrong(text, f"it cannot go on with {text[place:]!r}")
        place += 1


def _hosts(entry: str, text: str) -> Iterator[str]:
    found = _PIECE.findall(entry)
    pieces = [[literal] if literal else _numbers(inside, text) for inside, literal in found]
    return map("".join, itertools.product(*pieces))


def _numbers(inside: str, text: str) -> list[str]:
    found: list[str] = []
    for part in inside.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise _wrong(text, f"{part!r} is neither a number nor two with a dash between them")
        first, last = match[1], match[2] or match[1]
        if int(last) < int(first):
            raise _wrong(text, f"{part!r} ends before it begins")
        found += [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    return found


def _wrong(text: str, why: str) -> SlurmParseException:
    return SlurmParseException(f"{text!r} is no list of hosts: {why}")
