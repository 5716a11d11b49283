"""The words of squeue and sacct → reports."""

from __future__ import annotations

from datetime import datetime

import pytest

from nbsubmit.backends.slurm.status import (
    STATES,
    from_sacct,
    from_squeue,
    in_line,
    in_words,
    state_of,
)
from nbsubmit.core.backend import Report
from nbsubmit.core.state import JobState

S = JobState

# JOB STATE CODES in the manuals of squeue and sacct, 22.05 to 25.05: states and flags.
MANUAL = {
    "BOOT_FAIL": S.NODE_FAIL,
    "CANCELLED": S.CANCELLED,
    "COMPLETED": S.COMPLETED,
    "COMPLETING": S.RUNNING,
    "CONFIGURING": S.PENDING,
    "DEADLINE": S.TIMEOUT,
    "EXPEDITING": S.PENDING,
    "FAILED": S.FAILED,
    "LAUNCH_FAILED": S.NODE_FAIL,
    "NODE_FAIL": S.NODE_FAIL,
    "OUT_OF_MEMORY": S.OUT_OF_MEMORY,
    "PENDING": S.PENDING,
    "POWER_UP_NODE": S.PENDING,
    "PREEMPTED": S.PREEMPTED,
    "RECONFIG_FAIL": S.NODE_FAIL,
    "REQUEUED": S.PENDING,
    "REQUEUE_FED": S.PENDING,
    "REQUEUE_HOLD": S.PENDING,
    "RESIZING": S.RUNNING,
    "RESV_DEL_HOLD": S.PENDING,
    "REVOKED": S.CANCELLED,
    "RUNNING": S.RUNNING,
    "SIGNALING": S.RUNNING,
    "SPECIAL_EXIT": S.PENDING,
    "STAGE_OUT": S.RUNNING,
    "STOPPED": S.SUSPENDED,
    "SUSPENDED": S.SUSPENDED,
    "TIMEOUT": S.TIMEOUT,
    "UPDATE_DB": S.RUNNING,
}


@pytest.mark.parametrize("word", MANUAL)
def test_every_state_of_slurms_manual_has_a_meaning(word: str) -> None:
    assert state_of(word) is MANUAL[word]


def test_the_table_knows_no_state_that_the_manual_does_not() -> None:
    assert STATES == MANUAL


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("CANCELLED by 1000", S.CANCELLED),
        ("CANCELLED+", S.CANCELLED),
        ("COMPLETED+", S.COMPLETED),
        (" RUNNING ", S.RUNNING),
        ("", None),
        (" ", None),
        ("A_NEW_ONE", None),
        ("running", None),
    ],
)
def test_a_word_may_have_more_beside_it_and_an_unknown_one_is_unknown(
    word: str, state: JobState | None
) -> None:
    assert state_of(word) is state


SQUEUE = """\
17|PENDING|Resources||2030-01-02T03:04:05|2:00:00
18|RUNNING|None|n1|2026-01-02T03:04:05|10:00
19|COMPLETING|None|node[01-04,7]|N/A|UNLIMITED
20|PENDING|(null)||N/A|UNLIMITED
21|PENDING|ReqNodeNotAvail, UnavailableNodes:n[1-2]||N/A|UNLIMITED
22|PENDING|QOSMaxCpuPerUserLimit||N/A|UNLIMITED
23|CANCELLED|None||N/A|UNLIMITED
24|OUT_OF_MEMORY|OutOfMemory|n1|N/A|UNLIMITED
25|FAILED|NonZeroExitCode|n1|N/A|UNLIMITED
26|TIMEOUT|TimeLimit|n2|N/A|UNLIMITED
27|PENDING|DependencyNeverSatisfied||N/A|UNLIMITED
28_3|RUNNING|None|n1|N/A|UNLIMITED
29|PENDING|(Nodes required for job are DOWN, DRAINED or reserved)||N/A|UNLIMITED
"""

STARTS = datetime(2030, 1, 2, 3, 4, 5).timestamp()  # by the clock on the wall here

IN_SQUEUE = {
    "17": Report(S.PENDING, "it waits for free resources", starts=STARTS, seconds=7200),
    "18": Report(S.RUNNING, "", "n1", seconds=600),
    "19": Report(S.RUNNING, "", "node[01-04,7]"),
    "20": Report(S.PENDING),
    "21": Report(S.PENDING, "a node that it needs is not available"),
    "22": Report(S.PENDING, "QOSMaxCpuPerUserLimit"),
    "23": Report(S.CANCELLED),
    "24": Report(S.OUT_OF_MEMORY, "it ran out of memory", "n1"),
    "25": Report(S.FAILED, "", "n1"),
    "26": Report(S.TIMEOUT, "it reached its time limit", "n2"),
    "27": Report(S.PENDING, "a job that it waits for did not succeed"),
    "28_3": Report(S.RUNNING, "", "n1"),
    "29": Report(S.PENDING, "(Nodes required for job are DOWN, DRAINED or reserved)"),
}


@pytest.mark.parametrize("job_id", IN_SQUEUE)
def test_a_line_of_squeue_is_a_report(job_id: str) -> None:
    assert from_squeue(SQUEUE)[job_id] == IN_SQUEUE[job_id]


def test_only_what_waits_for_its_turn_is_in_line() -> None:
    queue = SQUEUE + "30|PENDING|Priority||N/A|1:00\n"
    assert in_line(queue) == {"17", "30"}


def test_squeue_that_says_nothing_reports_nothing() -> None:
    assert from_squeue("") == {}


def test_a_line_that_is_none_of_squeues_takes_no_other_with_it() -> None:
    text = f"slurm: a message of the day\n\n{SQUEUE}"
    assert from_squeue(text) == IN_SQUEUE


SACCT = """\
17|COMPLETED|0:0|n1
18|FAILED|1:0|n1
19|FAILED|0:9|n1
20|CANCELLED by 1000|0:0|None assigned
21|OUT_OF_MEMORY|0:125|n1
22|TIMEOUT|0:0|n[1-2]
23|NODE_FAIL|0:0|n1
24|PENDING|0:0|None assigned
25|RUNNING|0:0|n1
26|CANCELLED|0:15|n1
"""

IN_SACCT = {
    "17": Report(S.COMPLETED, "", "n1"),
    "18": Report(S.FAILED, "exit code 1", "n1"),
    "19": Report(S.FAILED, "it was ended by signal 9", "n1"),
    "20": Report(S.CANCELLED, "cancelled by 1000"),
    "21": Report(S.OUT_OF_MEMORY, "", "n1"),
    "22": Report(S.TIMEOUT, "", "n[1-2]"),
    "23": Report(S.NODE_FAIL, "", "n1"),
    "24": Report(S.PENDING),
    "25": Report(S.RUNNING, "", "n1"),
    "26": Report(S.CANCELLED, "", "n1"),
}


@pytest.mark.parametrize("job_id", IN_SACCT)
def test_a_line_of_sacct_is_a_report(job_id: str) -> None:
    assert from_sacct(SACCT)[job_id] == IN_SACCT[job_id]


def test_of_a_job_that_was_queued_again_the_last_line_counts() -> None:
    text = "17|PREEMPTED|0:0|n1\n17|PENDING|0:0|None assigned\n"
    assert from_sacct(text) == {"17": Report(S.PENDING)}


def test_a_line_that_is_none_of_saccts_takes_no_other_with_it() -> None:
    assert from_sacct(f"a message of the day\n{SACCT}") == IN_SACCT


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Priority", "jobs before it have a higher priority"),
        ("Dependency", "it waits for other jobs"),
        ("BeginTime", "its time to begin has not come"),
        ("JobHeldUser", "it is held; release it with scontrol release"),
        ("AssocGrpGRES", "AssocGrpGRES"),
        ("None", ""),
        ("(null)", ""),
        ("", ""),
    ],
)
def test_a_reason_is_put_in_words_or_left_as_it_is(reason: str, words: str) -> None:
    assert in_words(reason) == words
    assert in_words(f" {reason} ") == words
