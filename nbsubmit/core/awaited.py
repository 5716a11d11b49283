"""A job that another one waits for, seen from a node: no backend can be asked there."""

from __future__ import annotations

import time
from collections.abc import Iterable

from nbsubmit.core.backend import Report
from nbsubmit.core.ends import Failed, not_run
from nbsubmit.core.errors import InputFailed
from nbsubmit.core.found import look
from nbsubmit.core.job import Job
from nbsubmit.core.parts import parts_of
from nbsubmit.core.settle import settle
from nbsubmit.core.tasks import TaskFolder

_LOOK_SECONDS = 0.1
# For how long a job that runs, or whoever sends the rest of an array, may show no sign of life.
_LONGEST_SILENCE = 300.0
_GONE = Report(None)


class Nobody:
    """Watches nothing: whoever waits here looks by itself."""

    def add(self, job: Job) -> None:
        """Do nothing."""


def wait_for(jobs: Iterable[Job], *, gone: bool) -> None:
    """Wait until jobs, or tasks of one, have ended.

    Parameters
    ----------
    jobs : iterable of Job
        The jobs; what is seen of them they know then.
    gone : bool
        They are known to have ended.

    Raises
    ------
    InputFailed
        If one has not been sent yet, and nobody seems to send it any more.
    """
    for one in [_Look(job, gone=gone) for job in jobs]:
        while not one.is_over():
            time.sleep(_LOOK_SECONDS)
            one.read_again()


def look_once(job: Job) -> None:
    """Have a job know what is seen of it now."""
    _Look(job, gone=False).is_over()


class _Look:
    """Looks at one job.

    Parameters
    ----------
    job : Job
        The job.
    gone : bool
        It is known to have ended.
    """

    def __init__(self, job: Job, *, gone: bool) -> None:
        self._job = job
        self._gone = gone
        self._since: float | None = None
        # When whoever sends it last showed to be there, by its clock and by this one's.
        self._sender: tuple[int, float] = (0, 0.0)

    def is_over(self) -> bool:
        """Look once more, and tell whether it has ended."""
        job = self._job
        if job.is_over:
            return True
        found = look(job.folder)
        gone = self._gone or (bool(found.node) and self._silence() > _LONGEST_SILENCE)
        if not gone and found.exit_code is None:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        doubt = 0.0 if self._since is None else time.monotonic() - self._since
        job.update(found, settle(found, _GONE if gone else None, doubt))
        if found.unsent and not job.is_over and self._is_deserted():
            raise InputFailed(_never_sent(job))
        return job.is_over

    def read_again(self) -> None:
        """Find out whether it has been sent meanwhile."""
        if isinstance(self._job.folder, TaskFolder):
            parts_of(self._job.folder.job, fresh=True)

    def _silence(self) -> float:
        try:
            return self._job.folder.silence()
        except OSError:
            return 0.0

    def _is_deserted(self) -> bool:
        """Tell whether who sends it has shown nothing for long, whatever its clock says."""
        folder = self._job.folder
        rest = parts_of(folder.job).rest if isinstance(folder, TaskFolder) else None
        seen = rest.seen if rest is not None else 0
        if self._sender[0] != seen:
            self._sender = (seen, time.monotonic())
        return rest is not None and time.monotonic() - self._sender[1] > _LONGEST_SILENCE


def _never_sent(job: Job) -> str:
    whole = job.folder.whole.name
    return (
        f"{not_run(Failed(job.folder, job.status))}, and nobody sends it, for who did has ended. "
        f"%jobs attach {whole}, or nbsubmit.attach({whole!r}), goes on; then send this one again"
    )
