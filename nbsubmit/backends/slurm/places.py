"""How many jobs come before ours: asked seldom, for it takes a list of everybody's.

Only where a job waits for its turn, at most once a minute for all of them together, and never
where Slurm shows users their own jobs alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from nbsubmit.backends.slurm import commands
from nbsubmit.backends.slurm.meanings import IN_LINE
from nbsubmit.core.errors import BackendMissing

SECONDS = 60.0
QUEUE_FORMAT = "%i|%P|%Q|%r"


@dataclass(frozen=True)
class Waiting:
    """A line of the queue."""

    job_id: str
    partitions: frozenset[str]
    priority: int

    def before(self, other: Waiting) -> bool:
        """Tell whether this one has its turn first: by priority, then by age."""
        if not self.partitions & other.partitions:
            return False
        return (-self.priority, _number(self.job_id)) < (-other.priority, _number(other.job_id))


class Places:
    """The places of jobs in the queue, as they were when it was last looked at.

    Parameters
    ----------
    clock : callable
        The time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = float("-inf")
        self._ahead: dict[str, int] = {}
        self._shown: bool | None = None
        self._lock = threading.Lock()

    def ahead_of(self, job_ids: Collection[str]) -> Mapping[str, int]:
        """Return how many jobs come before each of these, where that is known."""
        with self._lock:
            now = self._clock()
            if job_ids and now - self._asked >= SECONDS:
                self._asked = now
                self._ahead = self._ask(job_ids)
            return {job_id: self._ahead[job_id] for job_id in job_ids if job_id in self._ahead}

    def _ask(self, job_ids: Collection[str]) -> dict[str, int]:
        try:
            if self._shown is None:
                self._shown = _shows_everyones(commands.run("scontrol", "show", "config")[0])
            if not self._shown:
                return {}
            text, _ = commands.run(
                "squeue", "--noheader", "--states=PENDING", f"--format={QUEUE_FORMAT}"
            )
        except (OSError, BackendMissing):
            return {}  # a place is nice to know, no more
        queue = list(in_queue(text))
        ours = [waiting for waiting in queue if waiting.job_id in job_ids]
        return {one.job_id: sum(other.before(one) for other in queue) for one in ours}


def in_queue(text: str) -> Iterator[Waiting]:
    """Read squeue's lines; of jobs that wait for something else than their turn, none."""
    for line in text.splitlines():
        fields = line.split("|", 3)
        if len(fields) == 4 and fields[3].strip() in IN_LINE and fields[2].strip().isdecimal():
            job_id, partitions, priority, _ = fields
            yield Waiting(job_id.strip(), frozenset(partitions.strip().split(",")), int(priority))


def _shows_everyones(config: str) -> bool:
    """Tell whether users are shown each other's jobs."""
    line = next((line for line in config.splitlines() if line.startswith("PrivateData")), "")
    return "jobs" not in line.partition("=")[2].strip().split(",")


def _number(job_id: str) -> int:
    number = job_id.partition("_")[0]
    return int(number) if number.isdecimal() else 0
