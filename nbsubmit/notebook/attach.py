"""``%jobs attach``: panels, logs, figures and names of jobs, in this kernel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nbsubmit.client import words
from nbsubmit.core.errors import UnknownJob
from nbsubmit.core.job import Job
from nbsubmit.notebook.panels import Panels
from nbsubmit.notebook.place import Place
from nbsubmit.notebook.session import Session

_ALL = "--all"


def attach(session: Session, panels: Panels, ids: list[str]) -> None:
    """Show jobs here, and bring in what they made: at once, or when they have ended.

    What one names is brought in over what is there, and that is said.

    Parameters
    ----------
    session : Session
        The shell's.
    panels : Panels
        Shows them.
    ids : list of str
        Enough of each id; nothing for the notebook's latest; ``--all``.

    Raises
    ------
    UnknownJob
        If there is none.
    """
    found = _found(session, ids)
    before = dict(session.shell.user_ns)
    for job in found:
        # Of all, those that are home already are only shown again.
        if ids != [_ALL] or session.arrivals.of(job) is None:
            over = ids != [_ALL]
            session.bring_in(job, tell=not session.has_widgets, over_later=over)
        session.without_panel.discard(job.id)
        if session.has_widgets:
            panels.show(job, Place(session.shell), lingers=True)
        else:
            print(words.title(session.arrivals.row(job)))
    session.arrivals.bring_home()
    _say_what_is_replaced(session, found, before)


def _found(session: Session, ids: list[str]) -> list[Job]:
    if ids and ids != [_ALL]:
        return sorted((session.find(text) for text in ids), key=lambda job: job.created)
    if ids:
        found = session.open({*session.arrivals, *session.notebook.to_attach()})
    else:
        found = session.open(_latest({*session.arrivals, *session.notebook.marks()}))[-1:]
    if not found:
        raise UnknownJob("no job of this notebook is to be brought in; %jobs list --all")
    return found


def _latest(ids: Collection[str]) -> list[str]:
    """Return the ids with the latest time in them: several may have been sent in one second."""
    latest = max((id_.rpartition("-")[0] for id_ in ids), default="")
    return [id_ for id_ in ids if id_.startswith(latest)]


def _say_what_is_replaced(session: Session, jobs: list[Job], before: Mapping[str, Any]) -> None:
    now = session.shell.user_ns
    for job in jobs:
        arrival = session.arrivals.of(job)
        if arrival is None:
            there = sorted(name for name in session.arrivals.to_come(job) if name in before)
            if there:
                print(f"{', '.join(there)}: what is there now will be replaced by job {job.id}")
            continue
        gone = [n for n in arrival.brought if n in before and now.get(n) is not before[n]]
        if gone:
            print(f"{', '.join(gone)}: replaced by what job {job.id} brought")
        if arrival.along:
            print(f"{', '.join(arrival.along)}: came along, as job {job.id} was sent with")
