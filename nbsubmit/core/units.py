"""Durations and sizes as people write them, and back.

Durations follow the manual of Slurm's ``--time``: ``minutes``, ``minutes:seconds``,
``hours:minutes:seconds``, ``days-hours``, ``days-hours:minutes``, ``days-hours:minutes:seconds``,
besides ``90s``, ``90m``, ``2h``, ``1d12h``. A limit may be ``UNLIMITED`` too. Memory follows
``--mem``: a number of MiB, or one with K, M, G or T. Sizes of data are written alike, and count in
steps of 1,000.
"""

from __future__ import annotations

import re

_LETTERS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_LETTERED = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$", re.IGNORECASE)
_COLONS = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$", re.IGNORECASE)
_NO_LIMIT = ("UNLIMITED", "INFINITE")
_MIB = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}
_BYTES = {"K": 1e3, "": 1e6, "M": 1e6, "G": 1e9, "T": 1e12}


def parse_duration(text: str) -> int:
    """Seconds in a duration.

    Raises
    ------
    ValueError
        If it is none of the forms above, or zero.
    """
    text = text.strip()
    seconds = _lettered(text) if text[-1:].lower() in _LETTERS else _with_colons(text)
    if not seconds:
        raise ValueError(
            f"{text!r} is not a duration; "
            f"write 90m, 2h, 1d12h, minutes, or days-hours:minutes:seconds"
        )
    return seconds


def parse_limit(text: str) -> int:
    """Seconds of a time limit; 0 is none, as it is to Slurm.

    Raises
    ------
    ValueError
        If it is neither a duration nor ``UNLIMITED``.
    """
    return 0 if text.strip().upper() in _NO_LIMIT else parse_duration(text)


def _lettered(text: str) -> int | None:
    match = _LETTERED.match(text)
    if match is None:
        return None
    return sum(
        int(n) * size for n, size in zip(match.groups(default="0"), _LETTERS.values(), strict=True)
    )


def _with_colons(text: str) -> int | None:
    match = _COLONS.match(text)
    if match is None:
        return None
    days, first, second, third = match.groups()
    if days is not None or third is not None:
        hours, minutes, seconds = first, second, third
    else:
        hours, minutes, seconds = "0", first, second
    parts = [int(part or 0) for part in (days, hours, minutes, seconds)]
    return parts[0] * 86400 + parts[1] * 3600 + parts[2] * 60 + parts[3]


def format_limit(seconds: int) -> str:
    """A limit as ``days-hours:minutes:seconds``, the one form that leaves nothing open."""
    if not seconds:
        return _NO_LIMIT[0]
    days, rest = divmod(seconds, 86400)
    return f"{days}-{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"


def format_elapsed(seconds: float) -> str:
    """A duration for reading: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``, ``3 d 4 h``."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def format_whole(seconds: float) -> str:
    """A duration that was asked for, without what is zero: ``1 h``, ``90 s``, ``1 d 12 h``."""
    left, parts = round(seconds), []
    if left % 60 and left < 600:
        return f"{left} s"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        number, left = divmod(left, size)
        parts += [f"{number} {unit}"] if number else []
    return " ".join(parts)


def parse_memory(text: str) -> int:
    """MiB in an amount of memory; 0 means all that a node has, as it does to Slurm.

    Raises
    ------
    ValueError
        If it is not a number with an optional K, M, G or T.
    """
    number, unit = _amount(text)
    return -int(-number * _MIB[unit] // 1)


def parse_size(text: str) -> int:
    """Bytes in an amount of data, in steps of 1,000 as `format_bytes` tells it.

    Raises
    ------
    ValueError
        If it is not a number with an optional K, M, G or T; without one it is in M.
    """
    number, unit = _amount(text)
    return -int(-number * _BYTES[unit] // 1)


def _amount(text: str) -> tuple[float, str]:
    match = _MEMORY.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an amount of memory; write 4G, 500M or 1.5T")
    number, unit = match.groups()
    return float(number), unit.upper()


def format_bytes(size: float) -> str:
    """A size for reading, in steps of 1,000: ``812 B``, ``3.4 kB``, ``120 MB``, ``1.2 GB``."""
    return _in_steps(size, 1000)


def format_memory(size: float) -> str:
    """An amount of memory for reading, in steps of 1,024 as ``--mem`` counts: ``3.1 GB``."""
    return _in_steps(size, 1024)


def _in_steps(size: float, step: int) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < step - 0.5:
            return f"{size:.0f} {unit}" if size >= 100 or unit == "B" else f"{size:.3g} {unit}"
        size /= step
    return f"{size:.3g} TB"
