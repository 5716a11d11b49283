"""What a cell that is sent starts after: jobs whose names it reads, and jobs that it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from nbsubmit.core.errors import OptionError, UnknownJob
from nbsubmit.core.home import Namespace
from nbsubmit.core.inputs import After
from nbsubmit.core.job import Job
from nbsubmit.notebook.expected import Expected

_ANY = "any:"


def of_names(due: Mapping[str, Sequence[Expected]]) -> list[After]:
    """Return the jobs that are to bring what a cell reads, in the order in which they were sent."""
    jobs: dict[str, tuple[Expected, set[str]]] = {}
    for name, expected in due.items():
        for one in expected:
            jobs.setdefault(one.job.id, (one, set()))[1].add(name)
    ordered = sorted(jobs.values(), key=lambda pair: pair[0].sending.number)
    return [After(one.job, names=frozenset(names)) for one, names in ordered]


def asked(texts: Iterable[str], namespace: Namespace, find: Callable[[str], Job]) -> list[After]:
    """Return the jobs of ``--after``.

    Parameters
    ----------
    texts : iterable of str
        Ids, or names that jobs are bound to; with ``any:`` before those that may fail.
    namespace : dict
        The notebook's.
    find : callable
        Returns a job by its id.

    Raises
    ------
    OptionError
        If one is no job.
    """
    found = []
    for text in texts:
        whatever = text.startswith(_ANY)
        name = text.removeprefix(_ANY)
        value = namespace.get(name)
        if not isinstance(value, Job):
            if name in namespace:
                raise OptionError(
                    f"--after: {name} is a {type(value).__name__} and no job. Name one as --as "
                    f"does, or by its id"
                )
            try:
                value = find(name)
            except UnknownJob as error:
                raise OptionError(f"--after: {error}") from None
        found.append(After(value, whatever))
    return found


def together(one: Sequence[After], other: Sequence[After]) -> tuple[After, ...]:
    """Return both, each job once for each way of waiting for it."""
    known = {(after.job.id, after.whatever) for after in one}
    return (*one, *(after for after in other if (after.job.id, after.whatever) not in known))
