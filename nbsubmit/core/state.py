"""The states of a job, and what is said of one.

The words are those of Slurm's manual (https://slurm.schedmd.com/job_state_codes.html), because
users and admins know them. Two are added: ``LOST`` and ``REFUSED``.
"""

from __future__ import annotations

from enum import Enum

from nbsubmit.core.harmless import plain
from nbsubmit.core.record import dataclass


class JobState(str, Enum):
    """Where a job is on its way; ``ended`` tells whether anything can still change.

    Each is the text of its own name, too: ``job.state == "RUNNING"``. They mean what they mean to
    Slurm (https://slurm.schedmd.com/job_state_codes.html), on every backend; of two that are not
    its own ``LOST`` has ended without a word from anybody, and ``REFUSED`` was never accepted.

    Examples
    --------
    >>> nbsubmit.JobState.TIMEOUT.ended, nbsubmit.JobState.RUNNING.ended
    (True, False)
    >>> nbsubmit.JobState("PENDING") == "PENDING"
    True
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    PREEMPTED = "PREEMPTED"
    NODE_FAIL = "NODE_FAIL"
    LOST = "LOST"
    REFUSED = "REFUSED"

    def __str__(self) -> str:
        return self.value

    @property
    def ended(self) -> bool:
        """Nothing more will happen to the job."""
        return self not in _LIVE


_LIVE = {JobState.PENDING, JobState.RUNNING, JobState.SUSPENDED}


@dataclass(frozen=True)
class Status:
    """A job's state with what a person wants to know about it.

    Attributes
    ----------
    state : JobState
        The one word.
    reason : str
        One plain sentence why, or empty where the word says it all.
    advice : str
        What to do next, or empty.
    node : str
        Where it runs or ran, or empty.
    """

    state: JobState
    reason: str = ""
    advice: str = ""
    node: str = ""

    def __post_init__(self) -> None:
        # Some of it are the job's own words, and all of it is printed.
        for name in ("reason", "advice", "node"):
            object.__setattr__(self, name, plain(getattr(self, name)))

    def __str__(self) -> str:
        return " ".join(part for part in (self.state.value, self._where(), self._why()) if part)

    def _where(self) -> str:
        return f"on {self.node}" if self.node and not self.state.ended else ""

    def _why(self) -> str:
        return f"({self.reason})" if self.reason else ""
