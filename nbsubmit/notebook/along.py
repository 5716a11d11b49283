"""What came with a job and is needed by what it made, for a kernel in which it is not there.

A kernel that has sent a job has all that the job was sent. In one that merely attaches to it the
functions and classes that come back would miss the names that they read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.definitions.needs import reached
from nbsubmit.core.home import Namespace
from nbsubmit.core.job import Job

_log = logging.getLogger("nbsubmit")


@dataclass(frozen=True)
class Along:
    """Names that are to be bound, for they are needed and not there.

    Attributes
    ----------
    values : mapping
        Name → value, as it was sent.
    modules : mapping
        Name → module.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)


def along(job: Job, brought: Iterable[str], deleted: Iterable[str], home: Namespace) -> Along:
    """Return what a job was sent that is needed here: definitions, and what is read by code.

    Parameters
    ----------
    job : Job
        The job.
    brought : iterable of str
        The names that it has brought.
    deleted : iterable of str
        Names that it has deleted, which stay away.
    home : dict
        The notebook's names.
    """
    there = {*home, *deleted}
    entries = [entry for entry in job.sent.entries if entry.name.isidentifier()]
    definitions = [e.name for e in entries if e.is_definition and e.name not in there]
    started = [home[name] for name in brought if name in home]
    sent = {**dict.fromkeys(e.name for e in entries), **dict.fromkeys(job.sent.modules)}
    if not definitions and not reached(started, sent) - there:
        return Along()
    try:
        values, _ = job.sent_copies
    except Exception:  # another Python has sent it; what it brought is there all the same
        _log.debug("what job %s was sent with cannot be loaded", job.id, exc_info=True)
        return Along()
    known = {**sent, **values, **home}
    started += [values[name] for name in definitions if name in values]
    needed = {*definitions, *reached(started, known)} - there
    return Along(
        {name: value for name, value in values.items() if name in needed},
        {name: module for name, module in job.sent.modules.items() if name in needed},
    )
