"""The folder that a user names for jobs, which may depend on the job.

It may hold ``%j`` (the job's id), ``%A`` and ``%a`` (the array's id and the index in it) and ``%t``
(the rank), as in the names of logs that schedulers take. All that a job needs lies in the part of
it that is the same for all jobs.
"""

from __future__ import annotations

from pathlib import Path

_PATTERNS = ("%j", "%t", "%A", "%a")


def common(folder: Path) -> Path:
    """Return the part of a folder that is the same for all jobs."""
    parts: list[str] = []
    for part in folder.parts:
        if any(pattern in part for pattern in _PATTERNS):
            break
        parts.append(part)
    return Path(*parts)


def resolved(pattern: Path | str, job_id: str, task_id: int | None = 0) -> Path:
    """Return a path with its patterns replaced.

    Raises
    ------
    ValueError
        If it asks for the index in an array and the job is in none.
    """
    array, _, index = job_id.partition("_")
    text = str(pattern)
    if "%a" in text and not index:
        raise ValueError(f"{pattern}: %a is the index in an array, and job {job_id} is in none")
    for letter, value in (("%j", job_id), ("%A", array), ("%a", index), ("%t", str(task_id or 0))):
        text = text.replace(letter, value)
    return Path(text)
