"""Where the files of a job are, by the names that submitit has for them."""

from __future__ import annotations

from pathlib import Path

from nbsubmit.core import patterns
from nbsubmit.core.folder import JobFolder


class JobPaths:
    """The files of a job.

    Parameters
    ----------
    folder : JobFolder
        The job's folder.
    job_id : str
        Its id, for patterns.
    task_id : int or None
        Its rank.
    """

    def __init__(self, folder: JobFolder, job_id: str, task_id: int | None = 0) -> None:
        self._folder = folder
        self._job_id = job_id
        self._task_id = task_id

    def __repr__(self) -> str:
        return f"JobPaths({str(self.folder)!r}, {self._job_id!r})"

    @property
    def folder(self) -> Path:
        """The folder that the executor was given, its patterns replaced; a cell's job has its own.

        In it are links to the logs, ``<job_id>_<task_id>_log.out`` and ``.err``, once the job has
        started.

        Raises
        ------
        ValueError
            If it holds ``%a``, the index in an array, and the job is in none.
        """
        asked = self._folder.spec.get("folder")
        if not asked:
            return self._folder.path
        return patterns.resolved(asked, self._job_id, self._task_id)

    @property
    def submission_file(self) -> Path:
        """The script that was submitted."""
        return self._folder.script_file

    @property
    def submitted_pickle(self) -> Path:
        """What was sent."""
        return self._folder.payload_stream

    @property
    def result_pickle(self) -> Path:
        """What came back; not there if that is nothing."""
        return self._folder.result_stream

    @property
    def stdout(self) -> Path:
        """The log of standard output."""
        return self._folder.log_out

    @property
    def stderr(self) -> Path:
        """The log of standard error."""
        return self._folder.log_err
