"""Asking for a job to be ended, and the words for what came of it."""

from __future__ import annotations

from nbsubmit.core.errors import NbsubmitError, SubmitError
from nbsubmit.core.job import Job


class Ended(NbsubmitError):
    """The job had ended before."""


class Unheard(NbsubmitError, OSError):
    """That it is to end is noted, and its backend could not be told."""


def cancel(job: Job) -> str:
    """Ask for a job to be ended, and return what to say of that.

    Raises
    ------
    Ended
        If it had.
    Unheard
        If the backend could not be asked.
    """
    try:
        is_alive = job.cancel()
    except (OSError, SubmitError) as error:
        raise Unheard(
            f"job {job.id}: that it is to end is noted, and could not be said ({error}). "
            f"It is said again as long as somebody looks at it, or when it is cancelled again"
        ) from error
    if not is_alive:
        raise Ended(f"job {job.id} had ended: {job.status}; there is nothing to cancel")
    return f"job {job.id} is being cancelled"
