"""What a backend is: start, poll, stop; values in and out.

A backend gets a job whose folder is complete and starts its command. It never reads the result
and never decides what a job's state is; it reports what it sees, and `settle` judges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from nbsubmit.core.options import Option
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState


@dataclass(frozen=True)
class Report:
    """What a backend sees of one job.

    Attributes
    ----------
    state : JobState or None
        In our words; None when the backend does not know the job (any more).
    reason : str
        In the backend's words made plain, or empty.
    node : str
        Where it runs or ran, or empty.
    stale : bool
        The backend could not be asked this time; the state is what it said before.
    starts : float or None
        When a job that waits is expected to start, in seconds since the epoch.
    ahead : int or None
        How many jobs of its queue come before one that waits.
    seconds : float or None
        Seconds that it may run.
    advice : str
        What to do next, or empty.
    job_id : str
        Our own id of the job, where the backend knows it: a handle may be given a second time.
    name : str or None
        What the job was called when it was sent; empty for no name of its own, None if not known.
    foreign : bool
        The handle is another job's now.
    """

    state: JobState | None
    reason: str = ""
    node: str = ""
    stale: bool = False
    starts: float | None = None
    ahead: int | None = None
    seconds: float | None = None
    advice: str = ""
    job_id: str = ""
    name: str | None = None
    foreign: bool = False

    def is_about(self, owner: Owner) -> bool:
        """Tell whether it is said of this job, as far as that can be told."""
        if self.job_id:
            return self.job_id == owner.id
        return not self.foreign and (not self.name or self.name == owner.name)


@dataclass(frozen=True)
class Owner:
    """The job that a handle was given to.

    Attributes
    ----------
    id : str
        Our own id of it.
    name : str
        What the user has called it, or empty.
    """

    id: str
    name: str = ""


@runtime_checkable
class Backend(Protocol):
    """Something that can run a job's command.

    Attributes
    ----------
    name : str
        What users call it.
    options : sequence of Option
        Options that it understands besides the common ones.
    owned : mapping
        Options that must not be given, by long name, with what to use instead.
    polite_seconds : float
        The least seconds between two polls, even urgent ones; 0 where asking costs nobody anything.

    A backend whose answers are the same for all of the user's processes on this machine may have an
    attribute ``shared_file`` besides: the path of a file, in a folder of the user's own, by which
    they share them. One that runs several tasks of an array one after another in what it calls one,
    where `Launch.pack` says so, has an attribute ``packs`` that is true.
    """

    name: ClassVar[str]
    options: ClassVar[Sequence[Option]]
    owned: ClassVar[Mapping[str, str]]
    polite_seconds: ClassVar[float]

    def check(self) -> None:
        """Make sure that the backend can run jobs here.

        Raises
        ------
        BackendMissing
            Saying what was looked for and what to use instead.
        """

    def script(self, launch: Launch) -> str:
        """Return the script that `start` would run, for people to read.

        Parameters
        ----------
        launch : Launch
            What would be started.
        """

    def ignored(self, launch: Launch) -> Sequence[str]:
        """Return the options of this launch that mean nothing here, as the user writes them.

        Parameters
        ----------
        launch : Launch
            What would be started.
        """

    def expected_start(self, launch: Launch) -> str:
        """Return when the job would start, in words; empty where that cannot be told.

        Parameters
        ----------
        launch : Launch
            What would be started.
        """

    def largest_array(self) -> int | None:
        """Return how many tasks of an array may be started at once; None for any number."""

    def start(self, launch: Launch) -> str:
        """Start the job and return a handle by which to find it again.

        A task of an array goes by the handle of the array, an underscore, and its number, which
        begins with `Launch.start` at the first task of this launch: 0, except where
        `largest_array` or `TooMany` had an array taken apart.

        Either a job runs or will run and its handle is returned, or no job exists and an error
        is raised.

        Parameters
        ----------
        launch : Launch
            What to start.

        Raises
        ------
        SubmitError
            If it could not be started; ``Refused`` when the backend said no to this job, and
            ``TooMany`` when that is for their number alone: fewer of an array will do, or later.
        """

    def find(self, job_id: str) -> Mapping[int, str]:
        """Look for a job of which it is not known whether it was started.

        Parameters
        ----------
        job_id : str
            Our own id.

        Returns
        -------
        mapping
            The first task of each part of it that there is, 0 for a job by itself → its handle.

        Raises
        ------
        OSError, SubmitError
            If the backend could not be asked.
        """

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        """Return what is seen of each job, with one query for all of them.

        Parameters
        ----------
        handles : sequence of str
            What `start` or `find` has returned.

        Returns
        -------
        mapping
            Handle → what is seen.

        Raises
        ------
        OSError, SubmitError
            If the backend could not be asked; ask again later.
        """

    def warn(self, handle: str, owner: Owner | None = None) -> None:
        """Send a job SIGUSR2, as when its time is nearly over; one that does not run gets none.

        Parameters
        ----------
        handle, owner
            As for `stop`: another job than the owner is left alone.

        Raises
        ------
        OSError, SubmitError
            If the backend could not be asked.
        """

    def stop(self, handle: str, owner: Owner | None = None) -> None:
        """Ask for the job to be ended; one that has ended is left alone.

        Parameters
        ----------
        handle : str
            What `start` or `find` has returned.
        owner : Owner, optional
            Whose it was then. A job that has been given the same handle since is left alone; None
            where it was given just now.

        Raises
        ------
        OSError, SubmitError
            If the backend could not be asked.
        """


def packs(backend: Backend) -> bool:
    """Tell whether a backend runs several tasks of an array in one go, if it is told to."""
    return bool(getattr(backend, "packs", False))
