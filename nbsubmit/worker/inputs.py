"""What a cell needs of other jobs: they have ended before, and the names they bring are bound."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from nbsubmit.core import content
from nbsubmit.core.changes.functions import reached
from nbsubmit.core.definitions.known import is_class
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.home import Namespace
from nbsubmit.core.inputs import Input
from nbsubmit.core.job import Job
from nbsubmit.core.keys import Key, Keys
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.worker import surroundings

_log = logging.getLogger("nbsubmit")


def bring(folder: JobFolder, namespace: Namespace) -> frozenset[str]:
    """Wait for the jobs that this one starts after, and bind what it needs of what they bring.

    A name that a job was expected to bring and did not stays as it was sent.

    Returns
    -------
    frozenset of str
        The names of what other jobs have brought that was not sent with this one.

    Raises
    ------
    InputFailed
        If one of them did not succeed.
    NbsubmitError
        If a value that is needed cannot be loaded here.
    """
    jobs = [Input.from_json(data).ended(namespace) for data in folder.spec["after"]]
    for job in jobs:
        job.sent_from(_HomeOfJob(namespace))
    bound: set[str] = set()
    for name, numbers in folder.spec.get("inputs", {}).items():
        for number in numbers:  # in the order in which they were sent: the last one wins
            before = namespace.get(name)
            # A class that was sent here too is still the one that its sender has.
            if _bind(name, jobs[number], namespace) and not _is_same_class(name, before, namespace):
                bound.add(name)
    _note_key(folder, namespace)
    return frozenset(bound)


def _is_same_class(name: str, before: Any, namespace: Namespace) -> bool:
    return is_class(before) and namespace.get(name) is before


class _HomeOfJob:
    """What an input may refer to of this job's objects: nothing, but the classes are the same.

    Nobody else uses those in a job's own process, so they become what the input has made of them.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def original(self, _name: str, *, changed: bool) -> Any:
        return None

    def part(self, _name: str, _number: int, *, changed: bool) -> Any:
        return None

    def is_shared(self, _name: str) -> bool:
        return False

    def may_change_named(self, name: str, kind: type) -> bool:
        return self._namespace.get(name) is kind

    def may_change_class(self, _kind: type) -> bool:
        return True


def _note_key(folder: JobFolder, namespace: Namespace) -> None:
    """Write down the key of the job now that its values are known."""
    names = folder.spec.get("inputs", {})
    if "key" not in folder.spec or not names:
        return
    here = {name: namespace[name] for name in names if name in namespace}
    try:
        values = {name: content.digest(value, namespace) for name, value in here.items()}
        key = Key.from_json(folder.spec["key"])
        known = {name: value for name, value in key.values.items() if name not in names}
        read = reached({*here, *known} - key.in_case, namespace) if key.in_case else set()
        needed = {name: v for name, v in known.items() if name in read or name not in key.in_case}
        Keys(folder.store).note(Key(key.base, {**needed, **values}), folder.whole.name)
    except Exception:  # it is sent once more then, that is all
        _log.debug("the key of job %s cannot be written down", folder.id, exc_info=True)


def _bind(name: str, job: Job, namespace: Namespace) -> bool:
    modules = job.gathered.modules if isinstance(job, TaskedJob) else _modules(job)
    if name in modules:
        namespace[name] = surroundings.import_module(modules[name], name)
        return True
    values = dict(_values(job))
    if name in values:
        namespace[name] = values[name]
        return True
    if name in job.load_errors:
        raise NbsubmitError(f"{name} of job {job.id} cannot be loaded: {job.load_errors[name]}")
    result = job.found.result
    if result is not None and name in result.unsent:
        raise NbsubmitError(f"{name} did not come back from job {job.id}: {result.unsent[name]}")
    if result is not None and name in result.deleted:
        namespace.pop(name, None)
    return False


def _values(job: Job) -> Iterator[tuple[str, Any]]:
    yield from job.names.items()
    if isinstance(job, TaskedJob):
        yield from job.gathered.imported.items()


def _modules(job: Job) -> Mapping[str, str]:
    return job.found.result.modules if job.found.result else {}
