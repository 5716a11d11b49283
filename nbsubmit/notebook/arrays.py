"""What arrays of a cell have made, brought home: lists, and later what was missing in them."""

from __future__ import annotations

from collections.abc import Callable

from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.gathered import Gathered, gather
from nbsubmit.core.inject import Arrival, Injector, Sending
from nbsubmit.core.job import Job
from nbsubmit.core.missing import fill
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.core.tasks import TaskFolder, number_of


class Arrays:
    """Brings what arrays have made into a notebook.

    Parameters
    ----------
    injector : Injector
        The notebook's.
    find : callable
        Returns a job by its id.
    """

    def __init__(self, injector: Injector, find: Callable[[str], Job]) -> None:
        self._injector = injector
        self._find = find
        # Id of an array → the job, and its tasks, each as it was run last.
        self._known: dict[str, tuple[TaskedJob, list[Job]]] = {}

    def bring(self, job: TaskedJob, sending: Sending) -> Arrival:
        """Bind what an array has made, or fill in what the tasks have made that were run again."""
        whole = self._whole(job)
        if whole is None:
            self._known[job.id] = (job, list(job.tasks))
            return self._bind(job.gathered, sending)
        return self._fill(job, *whole, sending)

    def _whole(self, job: TaskedJob) -> tuple[TaskedJob, list[Job]] | None:
        """Return the array that the tasks of a job belong to that was sent for them alone."""
        first = job.spec.get("first")
        if not first:
            return None
        if first not in self._known:
            try:
                found = self._find(str(first))
            except NbsubmitError:  # deleted meanwhile
                return None
            if not isinstance(found, TaskedJob) or not found.done():
                return None
            self._known[first] = (found, list(found.tasks))
        return self._known[first]

    def _bind(self, gathered: Gathered, sending: Sending) -> Arrival:
        arrival = self._injector.inject(
            sending,
            {**gathered.lists, **gathered.imported},
            modules=gathered.modules,
            submodules=gathered.submodules,
        )
        return _with_rest(arrival, gathered)

    def _fill(
        self, job: TaskedJob, whole: TaskedJob, tasks: list[Job], sending: Sending
    ) -> Arrival:
        again = {_number(task): task for task in job.tasks}
        for number, task in again.items():
            tasks[number] = task
        gathered = gather(tasks)
        arrival = self._bind(
            Gathered(
                imported=gathered.imported,
                modules=gathered.modules,
                submodules=gathered.submodules,
            ),
            sending,
        )
        for name, values in gathered.lists.items():
            self._injector.fill(sending, name, values, list(again), arrival)
        fill(whole.gathered.value, gathered.value, list(again))
        return _with_rest(arrival, gathered)


def _number(task: Job) -> int:
    folder = task.folder
    return number_of(folder) if isinstance(folder, TaskFolder) else 0


def _with_rest(arrival: Arrival, gathered: Gathered) -> Arrival:
    arrival.failed |= gathered.unsent
    arrival.apart = list(dict.fromkeys([*gathered.changed, *gathered.deleted]))
    return arrival
