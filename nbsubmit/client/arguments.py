"""Jobs among the arguments of a call: their values are loaded where the call runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbsubmit.client.array import Array
from nbsubmit.client.batch import DelayedJob
from nbsubmit.core.delayed import DelayedSubmission
from nbsubmit.core.inputs import Input, replaced
from nbsubmit.core.job import Job


def inputs_of(calls: Sequence[DelayedSubmission]) -> list[Job]:
    """Return the jobs among the arguments of calls, and in lists, tuples and dicts, each once."""
    found: dict[int, Job] = {}

    def note(value: Any) -> Any:
        for job in value if isinstance(value, Array) else (value,):
            if isinstance(job, Job):
                found[id(job)] = job
        return value

    for call in calls:
        replaced([*call.args, *call.kwargs.values()], note)
    return list(found.values())


def with_inputs(call: DelayedSubmission) -> DelayedSubmission:
    """Return a call in which what stands for a job is in the job's place."""
    if not inputs_of([call]):
        return call
    given = {name: replaced(value, _as_input) for name, value in call.kwargs.items()}
    return DelayedSubmission(
        call.function, *(replaced(value, _as_input) for value in call.args), **given
    )


def have_been_sent(call: DelayedSubmission) -> None:
    """Send what the arguments of a call need of a batch that is still open, if that may be.

    Raises
    ------
    RuntimeError
        If it may not: the jobs of a batch are one array, whose tasks do not wait for each other.
    """
    for job in inputs_of([call]):
        if type(job) is not DelayedJob:
            continue
        executor, batch = job.__dict__["_executor"], job.__dict__["_of_batch"]
        if not batch.sends_early:
            raise RuntimeError(
                "a job of batch() cannot be an argument before it was sent: all jobs of a batch "
                "are one array, whose tasks do not wait for each other. Submit the first one "
                "before the batch, or use batch(allow_implicit_submissions=True)"
            )
        executor.send_early(batch)


def _as_input(value: Any) -> Any:
    if isinstance(value, Array):
        return [Input.of(job) for job in value]
    return Input.of(value) if isinstance(value, Job) else value
