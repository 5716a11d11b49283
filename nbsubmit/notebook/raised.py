"""A job's error as a waiting cell raises it: shown, and debugged, as the cell's own."""

from __future__ import annotations

from nbsubmit.core.groups import has_group
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job
from nbsubmit.core.postmortem import PostMortem


class _StandIn(Exception):
    """An error whose kind the shell would show in a way of its own, with the frames from here."""

    lines: tuple[str, ...]

    def _render_traceback_(self) -> list[str]:
        return list(self.lines)


def as_raised(error: BaseException, job: Job, namespace: Namespace) -> BaseException:
    """Return what is to be raised for a job's error.

    Parameters
    ----------
    error : BaseException
        The error; it is raised itself wherever that will do.
    job : Job
        The job.
    namespace : dict
        The notebook's, into which the job has brought what it made.
    """
    result = job.found.result
    told = result.error if result is not None else None
    if told is not None and (isinstance(error, SyntaxError) or has_group(error)):
        kind: type[_StandIn] = type(told.ename, (_StandIn,), {"__module__": type(error).__module__})
        made = kind(told.evalue)
        made.lines = told.traceback
        error = made
    _have_frames(error, job, namespace)
    return error


def _have_frames(error: BaseException, job: Job, namespace: Namespace) -> None:
    """Have the shell's own %debug open on the cell's frames."""
    try:
        found = PostMortem(job, namespace, apart=False).error
    except Exception:  # there are none: it is shown without them all the same
        return
    error.__traceback__ = found.__traceback__
    if not has_group(found):  # for the shell would show the error in another way
        error.__cause__, error.__context__ = found.__cause__, found.__context__
        error.__suppress_context__ = found.__suppress_context__
