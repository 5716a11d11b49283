"""A job that was handed over by a process that ended before it could note by which handle.

What is started carries our own id, so the backend can be asked for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from nbsubmit.core.backend import Backend
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.parts import Part, parts_of, write_parts
from nbsubmit.core.tasks import Shape

# So long a process may be between starting a job and noting its handle.
_BUSY_SECONDS = 2.0


def recover_all(folders: Iterable[JobFolder], backend: Backend) -> None:
    """Note the handles of jobs that have none and that the backend knows.

    Raises
    ------
    OSError
        If the backend could not be asked.
    """
    for folder in folders:
        recover(folder, backend)


def recover(folder: JobFolder, backend: Backend) -> None:
    """Note the handle of a job if it has none and the backend knows the job.

    Raises
    ------
    OSError
        If the backend could not be asked.
    """
    shape = Shape.of(folder.spec)
    age = time.time() - float(folder.spec.get("created", 0))
    if folder.refusal() or age < _BUSY_SECONDS or _is_known(folder, shape):
        return
    found = backend.find(folder.id)
    if not found:
        return
    if shape.count is None:
        folder.write_json(
            folder.handle_file, {"backend": backend.name, "handle": found[0], "at": time.time()}
        )
        return
    count = shape.elements or 0
    size = shape.part or count
    parts = [
        Part(first, min(size, count - first), handle) for first, handle in sorted(found.items())
    ]
    write_parts(folder, backend.name, parts, time.time())


def _is_known(folder: JobFolder, shape: Shape) -> bool:
    if shape.count is None:
        return bool(folder.handle())
    handed = parts_of(folder)
    # What is not sent yet is found out by whoever goes on sending.
    return handed.rest is not None or handed.count == shape.elements
