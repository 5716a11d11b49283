"""What a front end can have done with a job without a kernel: send it again, remove it."""

from __future__ import annotations

import shlex
from typing import Any

from nbsubmit.client import again, cells, removals
from nbsubmit.client import jobs as client
from nbsubmit.client.cleaning import Cleaner
from nbsubmit.core.cleaning import Wish
from nbsubmit.core.errors import NbsubmitError, OptionError
from nbsubmit.core.harmless import plain
from nbsubmit.core.job import Job
from nbsubmit.core.splitting import split
from nbsubmit.server.shelf import Shelf


class Conflict(NbsubmitError):
    """It cannot be done with the job as it is now."""


def resubmit(job: Any, options: str = "") -> Job:
    """Send a job again and return the new one.

    Raises
    ------
    OptionError
        If an option is wrong.
    NbsubmitError
        If it cannot be sent.
    """
    try:
        more = split(options)
    except ValueError as error:
        raise OptionError(f"{error} in: {options}") from None
    if not cells.is_cell(job):
        if more:
            raise OptionError(
                f"job {job.id} is a call of a function, which has no options: send it as it was, "
                f"or call its resubmit() in Python"
            )
        return again.send_again(job, {})
    cells.check_options(more, "To send it again")
    more, failed = [word for word in more if word != _FAILED], _FAILED in more
    whole, only = cells.part_again(job, failed=failed)
    changed = {"options": shlex.join(more)}
    return again.send_again(whole, changed, only)  # type: ignore[arg-type]


_FAILED = "--failed"


def clean(shelf: Shelf, job_id: str) -> str:
    """Remove a job that has ended, and say what that has freed.

    Raises
    ------
    Conflict
        If it has to stay, and why.
    """
    watcher = shelf.watcher
    jobs = client.jobs(shelf.store.path, watcher=watcher)
    try:
        cleaner = Cleaner(shelf.store, jobs)
        plan = cleaner.plan(Wish(ids=frozenset([job_id])))
        plan = cleaner.remove(plan) if plan.going else plan
    finally:
        watcher.leave(jobs)
    if not plan.going:
        why = plan.stays.get(job_id, "it is not there any more")
        raise Conflict(plain(f"job {job_id} stays: {why}"))
    return removals.told(plan, done=True)
