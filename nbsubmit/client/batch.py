"""The jobs of a batch before it is sent: shells that become the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from nbsubmit.client.job import Job

if TYPE_CHECKING:
    from nbsubmit.client.executor import Executor

R = TypeVar("R", covariant=True)


class DelayedJob(Job[R]):
    """A job inside of a batch, which becomes a real one when the batch is sent."""

    def __init__(self, executor: Executor) -> None:
        self.__dict__["_executor"] = executor

    def __repr__(self) -> str:
        return "<DelayedJob, sent at the end of the batch>"

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        executor = object.__getattribute__(self, "__dict__").get("_executor")
        if executor is not None and type(self) is DelayedJob:
            executor.send_early()
            return getattr(self, name)
        return object.__getattribute__(self, name)

    def __del__(self) -> None:
        """Nothing was sent."""


def promote(delayed: DelayedJob[Any], job: Job[Any]) -> None:
    """Make a job of a batch the real one, so that who holds it holds that."""
    delayed.__dict__ = job.__dict__  # not a copy: what is seen of one is seen of both
    delayed.__class__ = type(job)  # type: ignore[assignment]
