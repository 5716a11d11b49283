"""A pack: tasks of an array that one job of the backend's runs, one after another.

What the backend starts is then the pack and no task. It has a folder of its own for what its script
and the process leave from which the tasks are forked: exit code, beat, and whether it is to be
queued again.
"""

from __future__ import annotations

from pathlib import Path

from nbsubmit.core.folder import JobFolder

# Tells a worker which pack of its array it runs; unset outside of one.
PACK_VARIABLE = "NBSUBMIT_PACK"
# Where packs have their folders, and what the names of their logs begin with.
PACKS, PACK_LOG = "packs", "pack-"


class PackFolder(JobFolder):
    """The files of one pack.

    Parameters
    ----------
    job : JobFolder
        The whole job's.
    number : int
        Which pack of the array it is, from 0.
    logs : str
        The beginning of its logs' paths.
    """

    def __init__(self, job: JobFolder, number: int, logs: str) -> None:
        super().__init__(job.path / PACKS / str(number))
        self.whole = job.path
        self.id = job.id
        self._logs = logs

    @property
    def log_out(self) -> Path:
        return Path(f"{self._logs}.out")

    @property
    def log_err(self) -> Path:
        return Path(f"{self._logs}.err")
