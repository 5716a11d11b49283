"""What a job was sent with, read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsubmit.core.bundle import Bundle
from nbsubmit.core.call import CALL, SHARED
from nbsubmit.core.delayed import DelayedSubmission
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.slices import load as load_slice
from nbsubmit.core.slices import read as read_slice
from nbsubmit.core.tasks import TaskFolder

if TYPE_CHECKING:
    from nbsubmit.client.job import Job


def submission_of(job: Job[Any]) -> DelayedSubmission:
    """Return the function and the arguments that a job was sent with.

    Raises
    ------
    NbsubmitError
        If it is a cell, or a whole array.
    """
    folder, values = job.folder, dict[str, Any]()
    home = job._namespace
    Bundle(folder.payload_stream, job.sent.contents, folder.locate).load(home, values.__setitem__)
    if CALL in values:
        function, args, kwargs = values[CALL]
    elif SHARED in values and isinstance(folder, TaskFolder) and folder.key.index is not None:
        function, args, kwargs = load_slice(read_slice(folder), home, values[SHARED])[CALL]
    else:
        raise NbsubmitError(
            f"job {job.id} is a cell or a whole array: no single call was sent. Ask one of its "
            f"tasks:  job.of_array()[0].submission()"
        )
    return DelayedSubmission(function, *args, **kwargs)
