"""The words of squeue and sacct → reports."""

from __future__ import annotations

from datetime import datetime

import pytest

from nbsubmit.backends.slurm.status import (
    from_sacct,
    from_squeue,
    in_line,
)
from nbsubmit.core.backend import Report
from nbsubmit.core.state import JobState

S = JobState

SQUEUE = """\
17|PENDING|Resources||2030-01-02T03:04:05|2:00:00|(null)
18|RUNNING|None|n1|2026-01-02T03:04:05|10:00|nbsubmit:240102-030405-bcdf a remark | of mine
19|COMPLETING|None|node[01-04,7]|N/A|UNLIMITED|(null)
20|PENDING|(null)||N/A|UNLIMITED|(null)
21|PENDING|ReqNodeNotAvail, UnavailableNodes:n[1-2]||N/A|UNLIMITED|(null)
22|PENDING|QOSMaxCpuPerUserLimit||N/A|UNLIMITED|(null)
23|CANCELLED|None||N/A|UNLIMITED|(null)
24|OUT_OF_MEMORY|OutOfMemory|n1|N/A|UNLIMITED|(null)
25|FAILED|NonZeroExitCode|n1|N/A|UNLIMITED|(null)
26|TIMEOUT|TimeLimit|n2|N/A|UNLIMITED|(null)
27|PENDING|DependencyNeverSatisfied||N/A|UNLIMITED|(null)
28_3|RUNNING|None|n1|N/A|UNLIMITED|(null)
29|PENDING|(Nodes required for job are DOWN, DRAINED or reserved)||N/A|UNLIMITED|(null)
"""

STARTS = datetime(2030, 1, 2, 3, 4, 5).timestamp()  # by the clock on the wall here

IN_SQUEUE = {
    "17": Report(S.PENDING, "it waits for free resources", starts=STARTS, seconds=7200),
    "18": Report(S.RUNNING, "", "n1", seconds=600, job_id="240102-030405-bcdf"),
    "19": Report(S.RUNNING, "it is ending", "node[01-04,7]"),
    "20": Report(S.PENDING),
    "21": Report(S.PENDING, "a node that it needs is not available (n[1-2])"),
    "22": Report(S.PENDING, "your jobs have as much as its QOS allows at once (processors)"),
    "23": Report(S.CANCELLED),
    "24": Report(S.OUT_OF_MEMORY, "", "n1"),
    "25": Report(S.FAILED, "", "n1"),
    "26": Report(S.TIMEOUT, "", "n2"),
    "27": Report(
        S.PENDING,
        "a job that it waits for did not succeed",
        advice="it will not start: scancel 27 takes it from the queue",
    ),
    "28_3": Report(S.RUNNING, "", "n1"),
    "29": Report(S.PENDING, "(Nodes required for job are DOWN, DRAINED or reserved)"),
}


@pytest.mark.parametrize("job_id", IN_SQUEUE)
def test_a_line_of_squeue_is_a_report(job_id: str) -> None:
    assert from_squeue(SQUEUE)[job_id] == IN_SQUEUE[job_id]


def test_only_what_waits_for_its_turn_is_in_line() -> None:
    queue = SQUEUE + "30|PENDING|Priority||N/A|1:00|(null)\n"
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
20|CANCELLED by 98765|0:0|None assigned
21|OUT_OF_MEMORY|0:125|n1
22|TIMEOUT|0:0|n[1-2]
23|NODE_FAIL|0:0|n1
24|PENDING|0:0|None assigned
25|RUNNING|0:0|n1
26|CANCELLED|0:15|n1
27|CANCELLED by 0|0:0|n1
28|DEADLINE|0:0|n1
"""

IN_SACCT = {
    "17": Report(S.COMPLETED, "", "n1"),
    "18": Report(S.FAILED, "exit code 1", "n1"),
    "19": Report(S.FAILED, "it was ended by signal 9", "n1"),
    "20": Report(S.CANCELLED, "cancelled by 98765"),
    "21": Report(S.OUT_OF_MEMORY, "", "n1"),
    "22": Report(S.TIMEOUT, "", "n[1-2]"),
    "23": Report(S.NODE_FAIL, "", "n1"),
    "24": Report(S.PENDING),
    "25": Report(S.RUNNING, "", "n1"),
    "26": Report(S.CANCELLED, "", "n1"),
    "27": Report(S.CANCELLED, "cancelled by root", "n1"),
    "28": Report(
        S.TIMEOUT,
        "its deadline came before its end",
        "n1",
        advice="send it again with a later --deadline",
    ),
}


@pytest.mark.parametrize("job_id", IN_SACCT)
def test_a_line_of_sacct_is_a_report(job_id: str) -> None:
    assert from_sacct(SACCT)[job_id] == IN_SACCT[job_id]


def test_of_a_job_that_was_queued_again_the_last_line_counts() -> None:
    text = "17|PREEMPTED|0:0|n1\n17|PENDING|0:0|None assigned\n"
    assert from_sacct(text) == {"17": Report(S.PENDING)}


def test_a_line_that_is_none_of_saccts_takes_no_other_with_it() -> None:
    assert from_sacct(f"a message of the day\n{SACCT}") == IN_SACCT
