"""A job's error as a waiting cell raises it, so that the shell shows it as the cell's own."""

from __future__ import annotations

from nbsubmit.core.groups import has_group
from nbsubmit.core.job import Job


class _StandIn(Exception):
    """An error whose kind the shell would show in a way of its own, with the frames from here."""

    lines: tuple[str, ...]

    def _render_traceback_(self) -> list[str]:
        return list(self.lines)


def as_shown(error: BaseException, job: Job) -> BaseException:
    """Return what is to be raised for a job's error: the error itself wherever that will do."""
    result = job.found.result
    told = result.error if result is not None else None
    if told is None or not (isinstance(error, SyntaxError) or has_group(error)):
        return error
    kind: type[_StandIn] = type(told.ename, (_StandIn,), {"__module__": type(error).__module__})
    made = kind(told.evalue)
    made.lines = told.traceback
    return made
