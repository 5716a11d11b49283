"""The jobs of a batch before it is sent: shells that become the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from nbsubmit.client.job import Job
from nbsubmit.core.delayed import DelayedSubmission

if TYPE_CHECKING:
    from nbsubmit.client.executor import Executor

R = TypeVar("R", covariant=True)


@dataclass
class Batch:
    """What one thread has collected inside of `Executor.batch`, and not sent yet.

    Attributes
    ----------
    sends_early : bool
        To ask something of a job sends what there is.
    calls : list of (DelayedJob, DelayedSubmission)
        The jobs, and what each is to call.
    is_over : bool
        Nothing of it is going to be sent any more.
    """

    sends_early: bool = False
    calls: list[tuple[DelayedJob[Any], DelayedSubmission]] = field(default_factory=list)
    is_over: bool = False


class DelayedJob(Job[R]):
    """A job inside of a batch, which becomes a real one when the batch is sent."""

    def __init__(self, executor: Executor, batch: Batch) -> None:
        self.__dict__["_executor"] = executor
        self.__dict__["_of_batch"] = batch

    def __repr__(self) -> str:
        return "<DelayedJob, sent at the end of the batch>"

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        executor = object.__getattribute__(self, "__dict__").get("_executor")
        if executor is not None and type(self) is DelayedJob:
            executor.send_early(object.__getattribute__(self, "__dict__")["_of_batch"])
            return getattr(self, name)
        return object.__getattribute__(self, name)

    def __del__(self) -> None:
        """Nothing was sent."""


def promote(delayed: DelayedJob[Any], job: Job[Any]) -> None:
    """Make a job of a batch the real one, so that who holds it holds that."""
    delayed.__dict__ = job.__dict__  # not a copy: what is seen of one is seen of both
    delayed.__class__ = type(job)  # type: ignore[assignment]
