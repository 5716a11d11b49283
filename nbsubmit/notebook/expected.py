"""What one job of a notebook is to bring, and what of it will not come any more."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbsubmit.core.changes.judge import Extent
from nbsubmit.core.changes.within import address_of, within
from nbsubmit.core.home import Namespace
from nbsubmit.core.inject import Arrival, Sending
from nbsubmit.core.job import Job
from nbsubmit.core.pending import Outlook
from nbsubmit.core.state import JobState


@dataclass(frozen=True)
class Expected:
    """What one job of this notebook is to bring, or has not brought.

    Attributes
    ----------
    job : Job
        The job.
    sending : Sending
        When it was sent.
    names : frozenset of str
        The names.
    binds : frozenset of str
        Those of them that it binds in any case.
    along : frozenset of str
        Names that code reads which may come along with any of them.
    objects : mapping
        What it changes in place, by its address: each object, and the name that it was found by.
    is_lost : bool
        They will not come any more.
    """

    job: Job
    sending: Sending
    names: frozenset[str]
    binds: frozenset[str] = frozenset()
    along: frozenset[str] = frozenset()
    objects: Mapping[int, tuple[str, Any]] = field(default_factory=dict)
    is_lost: bool = False


# Of a changed object whose parts may change too, so many are known.
_MOST_PARTS = 1_000


def changing(outlook: Outlook, namespace: Namespace) -> dict[int, tuple[str, Any]]:
    """Return the objects of a notebook that a job changes in place, as `Expected` has them."""
    found: dict[int, tuple[str, Any]] = {}
    for name, extent in outlook.changes.items():
        if name not in namespace:
            continue
        most = _MOST_PARTS if extent is Extent.PARTS else 1
        for part in within(namespace[name], most):
            if not isinstance(part, _DEFINITIONS) or part is namespace[name]:
                found.setdefault(address_of(part), (name, part))
    return found


# They are held by whatever uses them, and change for themselves.
_DEFINITIONS = (type, types.FunctionType, types.MethodType, types.BuiltinFunctionType)


def lost(job: Job, names: Collection[str], arrival: Arrival) -> Mapping[str, str]:
    """Return the names that a job which has ended was to bring and did not, each with why.

    Parameters
    ----------
    job : Job
        The job.
    names : collection of str
        What it was to bring.
    arrival : Arrival
        What bringing its result home did.
    """
    result = job.found.result
    if job.state is not JobState.COMPLETED:
        came = {*arrival.brought, *arrival.deleted, *arrival.kept, *job.result_names}
        came |= set(result.modules) if result else set()
        return {name: f"it is {job.status}" for name in names if name not in came}
    why = {**(result.unsent if result else {}), **arrival.failed}
    return {name: why[name] for name in names if name in why}


def told(job: Job, missed: Mapping[str, str]) -> str:
    """Return what is said of names that a job did not bring and that a cell reads."""
    reasons = "; ".join(dict.fromkeys(missed.values()))
    cell = str(job.spec.get("source", "")).strip().partition("\n")[0]
    lines = [f"{', '.join(missed)} did not come from job {job.id}: {reasons}."]
    if cell:
        lines[0] += f" Its cell begins with:  {cell}"
    if job.state is not JobState.COMPLETED:
        lines.append(f"Run its cell again, or send it again:  %jobs resubmit {job.id}")
    lines.append(f"To go on with what is here by that name:  %jobs forget {job.id}")
    return "\n".join(lines)
