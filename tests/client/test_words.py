"""A row as text: what was sent, what came, where and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from nbsubmit.client import words
from nbsubmit.client.bars import Bar
from nbsubmit.client.rows import JobRow, sent_rows
from nbsubmit.core.result import VALUE
from nbsubmit.core.state import JobState
from nbsubmit.core.usage import Limits

S = JobState

SENT = JobRow(
    id="240102-030405-bcdf",
    name="",
    backend="slurm",
    handle="17",
    state=S.PENDING,
    reason="",
    advice="",
    node="",
    elapsed="",
)
RUNS = replace(SENT, state=S.RUNNING, node="n1", elapsed="3 min 05 s")
DONE = replace(RUNS, state=S.COMPLETED, elapsed="2 h 10 min")

TITLES = {
    "sent": (SENT, "job bcdf (Slurm job 17) PENDING"),
    "sent with a name": (replace(SENT, name="train"), "job bcdf train (Slurm job 17) PENDING"),
    "not handed over yet": (replace(SENT, handle=""), "job bcdf PENDING"),
    "runs": (RUNS, "job bcdf (Slurm job 17) RUNNING on n1 for 3 min 05 s"),
    "has run": (DONE, "job bcdf (Slurm job 17) COMPLETED on n1 after 2 h 10 min"),
    "never started": (replace(SENT, state=S.CANCELLED), "job bcdf (Slurm job 17) CANCELLED"),
    "as a process": (
        replace(DONE, backend="local", handle="4711"),
        "job bcdf (process 4711) COMPLETED on n1 after 2 h 10 min",
    ),
    "in this process": (
        replace(SENT, backend="debug", handle="1", state=S.COMPLETED),
        "job bcdf (this process 1) COMPLETED",
    ),
    "over another's backend": (
        replace(SENT, backend="cloud", handle="i-1"),
        "job bcdf (cloud i-1) PENDING",
    ),
}


@pytest.mark.parametrize("kind", TITLES)
def test_the_title_says_which_job_where_and_for_how_long(kind: str) -> None:
    row, text = TITLES[kind]
    assert words.title(row) == text


def test_the_reason_and_the_advice_are_one_line() -> None:
    row = replace(DONE, reason="it reached its time limit", advice="use a longer --time")
    assert words.why(row) == "it reached its time limit; use a longer --time"
    assert words.why(replace(row, advice="")) == "it reached its time limit"
    assert words.why(replace(row, reason="")) == "use a longer --time"
    assert words.why(SENT) == ""


NOW = datetime(2030, 1, 2, 12, 0)
WAITS = replace(SENT, reason="it waits for free resources")


def at(*when: int) -> float:
    return datetime(*when).timestamp()  # type: ignore[arg-type]


WAIT = {
    "nothing is known": (WAITS, ""),
    "later today": (replace(WAITS, starts=at(2030, 1, 2, 14, 5)), "starts about 14:05"),
    "another day": (replace(WAITS, starts=at(2030, 1, 4, 9, 0)), "starts about Fri 4 Jan 09:00"),
    "a time that has passed": (replace(WAITS, starts=at(2030, 1, 2, 11, 59)), ""),
    "an absurd year": (replace(WAITS, starts=at(2036, 1, 2, 11, 59)), ""),
    "a place": (replace(WAITS, ahead=3), "3 ahead"),
    "the first": (replace(WAITS, ahead=0), "next in line"),
    "both": (
        replace(WAITS, ahead=3, starts=at(2030, 1, 2, 14, 5)), "starts about 14:05, 3 ahead",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WAIT)
def test_of_a_wait_it_is_said_how_long_it_may_take(kind: str) -> None:
    row, text = WAIT[kind]
    assert words.wait(row, NOW) == text


def test_the_wait_stands_with_its_reason() -> None:
    row = replace(WAITS, ahead=3, advice="have patience")
    assert words.why(row) == "it waits for free resources, 3 ahead; have patience"
    assert words.why(replace(row, reason="", advice="")) == "3 ahead"


HOUR = Limits(seconds=3600)


def test_a_job_that_runs_says_of_how_long() -> None:
    runs = replace(RUNS, limits=HOUR)
    assert words.title(runs) == "job bcdf (Slurm job 17) RUNNING on n1 for 3 min 05 s of 1 h"
    assert words.title(replace(runs, state=S.COMPLETED)).endswith(
        "COMPLETED on n1 after 3 min 05 s"
    )
    ends = replace(RUNS, started=1000.0, limits=Limits(ends=1600.0))
    assert words.time(ends) == "3 min 05 s of 10 min"


EPOCH, BATCH = Bar("epoch", 2, 10), Bar("batch", 5, 10)
PROGRESS = {
    "none": ((), ""),
    "one": ((Bar("", 42, 100),), "42 % (42 of 100)"),
    "one with a name": ((EPOCH,), "20 % (epoch 2 of 10)"),
    "one inside another": ((EPOCH, BATCH), "25 % (epoch 3 of 10)"),
    "without an end": ((Bar("read", 42),), "read 42"),
    "without an end inside another": ((EPOCH, Bar("", 42)), "20 % (epoch 3 of 10)"),
    "large numbers": ((Bar("", 1_200_000, 10_000_000),), "12 % (1.2M of 10M)"),
    "done": ((Bar("epoch", 10, 10),), "100 % (epoch 10 of 10)"),
}


@pytest.mark.parametrize("kind", PROGRESS)
def test_progress_is_the_outermost_bars(kind: str) -> None:
    bars, text = PROGRESS[kind]
    assert words.progress(replace(RUNS, progress=bars)) == text


def test_memory_is_told_of_how_much() -> None:
    used = replace(RUNS, peak=3 << 30, limits=Limits(memory=4 << 30))
    assert words.memory(RUNS) == ""
    assert words.memory(used) == "peak 3 GB of 4 GB"
    assert words.memory(replace(used, limits=HOUR)) == "peak 3 GB"
    assert words.goes(replace(used, progress=(EPOCH,))) == "20 % (epoch 2 of 10), peak 3 GB of 4 GB"


DATA = ("data", "numpy.ndarray", "120 MB", "already there", "read in line 3")
N = ("n", "int", "5 B", "", "read in line 1")
SENDS = {
    "nothing": (SENT, "sends no names"),
    "names": (
        replace(SENT, sent=(DATA, N)),
        "sends data 120 MB (already there), n 5 B",
    ),
    "a module": (replace(SENT, sent=(("np", "module", "", "", "numpy"),)), "sends np (module)"),
    "a function": (
        replace(SENT, sent=(("train", "function", "", "", "read in line 1"),)),
        "sends train (function)",
    ),
    "a module's source": (
        replace(SENT, sent=sent_rows((), {}, [{"name": "pack", "files": 2, "size_bytes": 2048}])),
        "sends pack 2.05 kB (its source)",
    ),
    "all but one": (
        replace(SENT, sent=(DATA,), left_out=(("lock", "lock is a lock"),)),
        "sends data 120 MB (already there); leaves out lock",
    ),
    "what is not there": (
        replace(SENT, missing=("absent", "other")),
        "sends no names; absent, other not defined here",
    ),
}


@pytest.mark.parametrize("kind", SENDS)
def test_one_line_says_what_was_sent(kind: str) -> None:
    row, text = SENDS[kind]
    assert words.sends(row) == text


BRINGS = {
    "nothing": (DONE, ""),
    "nothing yet": (replace(RUNS, back=("x",)), ""),
    "names": (replace(DONE, back=("x", "y")), "brings x, y"),
    "a changed one": (replace(DONE, back=("x", "y"), changed=("y",)), "brings x, y (changed)"),
    "an import": (replace(DONE, back=("x",), imported=("np",)), "brings x; imports np"),
    "a deletion": (replace(DONE, deleted=("x", "y")), "deletes x, y"),
    "one that the user has bound since": (
        replace(DONE, back=("x", "y"), kept=("x",)),
        "brings y; x: yours is newer and stays; the job's is in job.names",
    ),
    "one that has to stay": (
        replace(DONE, back=("x",), unsent=(("log", "log.stream is an open file"),)),
        "brings x; log stays on the node: log.stream is an open file",
    ),
    "a last expression that has to stay": (
        replace(DONE, unsent=((VALUE, "it is 120 MB; give it a name to bring it back"),)),
        "the last expression stays on the node: it is 120 MB; give it a name to bring it back",
    ),
    "what a failed cell had bound": (replace(DONE, state=S.FAILED, back=("x",)), "brings x"),
}


@pytest.mark.parametrize("kind", BRINGS)
def test_one_line_says_what_came_back(kind: str) -> None:
    row, text = BRINGS[kind]
    assert words.brings(row) == text


def test_a_table_is_as_wide_as_it_needs_to_be() -> None:
    lines: list[tuple[str, ...]] = [("a", "bb", ""), ("aaa", "b", "x")]
    assert words.table(lines) == "a    bb\naaa  b   x"


def test_a_table_of_nothing_is_nothing() -> None:
    assert words.table([]) == ""


def test_a_line_of_the_list_says_all_in_columns() -> None:
    row = replace(DONE, name="train", reason="why")
    assert words.list_line(row) == (
        "240102-030405-bcdf", "train", "slurm", "17", "COMPLETED", "2 h 10 min", "why",
    )  # fmt: skip
    runs = replace(RUNS, limits=HOUR, progress=(EPOCH,), peak=1 << 30)
    assert words.list_line(runs)[-2:] == (
        "3 min 05 s of 1 h", "20 % (epoch 2 of 10), peak 1 GB",
    )  # fmt: skip


def test_the_details_say_all_that_is_known_and_nothing_that_is_not() -> None:
    row = replace(
        DONE,
        state=S.FAILED,
        reason="KeyError: 'x'",
        sent=(DATA, N),
        left_out=(("lock", "lock is a lock (used by f)"),),
        missing=("absent",),
        warnings=("mind the gap",),
        back=("y",),
    )
    assert words.details(row).splitlines() == [
        "job bcdf (Slurm job 17) FAILED on n1 after 2 h 10 min",
        "KeyError: 'x'",
        "sends data 120 MB (already there), n 5 B; leaves out lock; absent not defined here",
        "  data  numpy.ndarray  120 MB  already there  read in line 3",
        "  n     int            5 B                    read in line 1",
        "left out:",
        "  lock: lock is a lock (used by f)",
        "warning: mind the gap",
        "brings y",
    ]
    assert words.details(SENT) == "job bcdf (Slurm job 17) PENDING"


def test_the_short_id_is_the_end_of_the_id() -> None:
    assert SENT.short_id == "bcdf"
