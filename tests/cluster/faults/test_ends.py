"""What happens to a job inside of it, as a table; all of it at once, each on a real Slurm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from nbsubmit.core.errors import JobError, JobLost
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from tests.cluster.faults.site import TELL, Site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]
S = JobState


@dataclass(frozen=True)
class Fault:
    """What a cell does, and what is to be seen of it.

    Attributes
    ----------
    cell : str
        What it does after it has told the time and bound ``x``.
    state : JobState
        How it ends.
    reason, advice : str
        What is said of that, as regular expressions.
    error : type
        What asking for its result raises.
    brings : bool
        Whether ``x``, bound before, comes back.
    memory : int or None
        What it asks for, in MiB.
    """

    cell: str
    state: JobState
    reason: str
    advice: str = ""
    error: type[BaseException] = JobLost
    brings: bool = False
    memory: int | None = None


FAULTS: Mapping[str, Fault] = {
    "the worker is killed with kill -9": Fault(
        "os.kill(os.getpid(), 9)", S.FAILED, "the worker was killed by SIGKILL", "see its log"
    ),
    "the cell calls sys.exit": Fault(
        "sys.exit(3)", S.FAILED, "SystemExit: 3", error=SystemExit, brings=True
    ),
    "the cell calls os._exit": Fault(
        "os._exit(3)", S.FAILED, "ended with exit code 3 before it could write a result",
        "see its log",
    ),
    "the cell calls os._exit(0)": Fault(
        "os._exit(0)", S.FAILED, r"ended by itself, as with os\._exit, before it could write",
        "see its log",
    ),
    "the cell calls os.abort": Fault(
        "os.abort()", S.FAILED, "the worker was killed by SIGABRT", "see its log"
    ),
    "a segmentation fault": Fault(
        "import ctypes; ctypes.string_at(0)", S.FAILED, "the worker was killed by SIGSEGV",
        "see its log",
    ),
    "KeyboardInterrupt in the cell": Fault(
        "raise KeyboardInterrupt", S.FAILED, "KeyboardInterrupt", error=KeyboardInterrupt,
        brings=True,
    ),
    "the cell raises": Fault(
        "1 / 0", S.FAILED, "ZeroDivisionError", error=ZeroDivisionError, brings=True
    ),
    "it needs more memory than it has": Fault(
        "held = []\nwhile True:\n    held.append(bytearray(1_200_000)); time.sleep(0.02)",
        S.OUT_OF_MEMORY, r"it ran out of memory: it had \d+ MB of 200 MB", "--mem", memory=200,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def sent(site: Site) -> dict[str, Job]:
    """All of them, sent at once."""
    return {
        what: site.send(f"{TELL}x = 1\n{fault.cell}", memory=fault.memory)
        for what, fault in FAULTS.items()
    }


@pytest.mark.parametrize("what", FAULTS)
def test_the_end_is_told_and_what_there_was_is_not_lost(
    what: str, site: Site, sent: dict[str, Job]
) -> None:
    fault, job = FAULTS[what], site.measure(what, sent[what])
    assert job.state is fault.state, job.status
    assert re.search(fault.reason, job.status.reason)
    assert re.search(fault.advice, job.status.advice)
    assert job.stdout().startswith("printed before\n")
    with pytest.raises(fault.error) as caught:
        job.result()
    if isinstance(caught.value, JobError):
        assert fault.state.value in str(caught.value)
        assert re.search(fault.reason, str(caught.value))
    assert job.names.get("x") == (1 if fault.brings else None)


@pytest.mark.once
def test_what_cannot_be_pickled_is_named_and_all_else_comes_back(site: Site) -> None:
    job = site.send(f"{TELL}x = 1\nimport threading\nlock = threading.Lock()")
    site.measure("a result that cannot be pickled", job)
    assert job.state is S.COMPLETED
    assert job.names == {"x": 1}
    result = job.found.result
    assert result is not None
    assert list(result.unsent) == ["lock"]
