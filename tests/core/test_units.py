"""Durations and sizes: what people write, what they read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsubmit.core.units import (
    format_bytes,
    format_elapsed,
    format_limit,
    format_memory,
    format_whole,
    parse_duration,
    parse_limit,
    parse_memory,
    parse_size,
)

MINUTE, HOUR, DAY = 60, 3600, 86400

DURATIONS = {
    # with letters
    "90s": 90,
    "90m": 90 * MINUTE,
    "2h": 2 * HOUR,
    "2H": 2 * HOUR,
    "1d": DAY,
    "1d12h": DAY + 12 * HOUR,
    "1h30m": HOUR + 30 * MINUTE,
    "1d2h3m4s": DAY + 2 * HOUR + 3 * MINUTE + 4,
    " 5m ": 5 * MINUTE,
    # the six forms of Slurm's manual
    "30": 30 * MINUTE,
    "30:15": 30 * MINUTE + 15,
    "2:30:15": 2 * HOUR + 30 * MINUTE + 15,
    "1-12": DAY + 12 * HOUR,
    "1-12:30": DAY + 12 * HOUR + 30 * MINUTE,
    "1-12:30:15": DAY + 12 * HOUR + 30 * MINUTE + 15,
    # as they come out of scripts
    "00:10:00": 10 * MINUTE,
    "0-01:00:00": HOUR,
    "100:00:00": 100 * HOUR,
}


@pytest.mark.parametrize("text", DURATIONS)
def test_a_duration_is_read_as_slurm_and_people_mean_it(text: str) -> None:
    assert parse_duration(text) == DURATIONS[text]


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "h", "2x", "-5", "-5m", "1.5h", "12h1d", "1h1h", "2h 30m",
        "1:2:3:4", "1-", "-1", ":30", "1-2-3", "1-2h", "unlimited", "0", "0h", "0:00", "0-0",
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; write 90m, 2h, 1d12h") as caught:
        parse_duration(text)
    assert repr(text.strip()) in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "UNLIMITED"),
        (1, "0-00:00:01"),
        (90 * MINUTE, "0-01:30:00"),
        (DAY - 1, "0-23:59:59"),
        (DAY, "1-00:00:00"),
        (40 * DAY + 1, "40-00:00:01"),
    ],
)
def test_a_limit_is_written_in_the_form_that_leaves_nothing_open(seconds: int, text: str) -> None:
    assert format_limit(seconds) == text


@given(st.integers(min_value=0, max_value=10**9))
def test_every_limit_is_read_back_as_what_it_was(seconds: int) -> None:
    assert parse_limit(format_limit(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.2, "0.0 s"),  # two clocks that do not agree
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.9, "9.9 s"),
        (10, "10 s"),
        (59.9, "59 s"),
        (60, "1 min 00 s"),
        (185, "3 min 05 s"),
        (HOUR - 0.1, "59 min 59 s"),
        (2 * HOUR + 10 * MINUTE + 59, "2 h 10 min"),
        (DAY - 1, "23 h 59 min"),
        (3 * DAY + 4 * HOUR + 5, "3 d 4 h"),
    ],
)
def test_elapsed_time_is_shown_in_two_units_at_most(seconds: float, text: str) -> None:
    assert format_elapsed(seconds) == text


MEMORY = {
    "4G": 4096,
    "4g": 4096,
    "4GB": 4096,
    "4GiB": 4096,
    "4 G": 4096,
    "500M": 500,
    "500": 500,  # as --mem counts
    "1.5T": 3 * 512 * 1024,
    "0.5G": 512,
    "0": 0,  # all that the node has
    "2048K": 2,
    "1K": 1,  # never less than was asked for
    "1.2M": 2,
}


@pytest.mark.parametrize("text", MEMORY)
def test_memory_is_read_in_mib_and_rounded_up(text: str) -> None:
    assert parse_memory(text) == MEMORY[text]


@pytest.mark.parametrize("text", ["20M", "4G", "1.5T", "500K", "20", "4 GB", "0.3G"])
def test_a_size_is_told_as_it_was_written(text: str) -> None:
    told = format_bytes(parse_size(text))
    assert told == {
        "20M": "20 MB", "4G": "4 GB", "1.5T": "1.5 TB", "500K": "500 kB", "20": "20 MB",
        "4 GB": "4 GB", "0.3G": "300 MB",
    }[text]  # fmt: skip


@pytest.mark.parametrize("text", ["", "G", "-4G", "4X", "4P", "1,5G", "four", "4G 2M", "1e3"])
def test_what_is_no_memory_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount of memory; write 4G, 500M or 1\.5T"):
        parse_memory(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (812, "812 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (3_449, "3.45 kB"),
        (99_900, "99.9 kB"),
        (120_400_000, "120 MB"),
        (999_400, "999 kB"),
        (999_600, "1 MB"),
        (1_200_000_000, "1.2 GB"),
        (2_500_000_000_000, "2.5 TB"),
    ],
)
def test_a_size_is_shown_with_three_digits_and_no_zeros_to_count(size: int, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60, "1 min"), (90, "90 s"), (3600, "1 h"), (5400, "1 h 30 min"), (129600, "1 d 12 h"),
     (365 * 86400, "365 d"), (5, "5 s"), (3599.6, "1 h")],
)  # fmt: skip
def test_a_limit_is_read_without_what_is_zero(seconds: float, text: str) -> None:
    assert format_whole(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(300 << 20, "300 MB"), (4 << 30, "4 GB"), (3.1 * 2**30, "3.1 GB"), (1 << 40, "1 TB"),
     (1023 << 20, "1023 MB"), (512, "512 B"), (0, "0 B")],
)  # fmt: skip
def test_memory_is_read_as_it_was_asked_for(size: float, text: str) -> None:
    assert format_memory(size) == text
