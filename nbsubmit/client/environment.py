"""What a function that runs in a job can know of it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from nbsubmit.client import nodelist
from nbsubmit.client.paths import JobPaths
from nbsubmit.core.folder import JOB_VARIABLE, JobFolder
from nbsubmit.core.tasks import (
    ID_VARIABLE,
    RANK_VARIABLE,
    TASK_VARIABLE,
    Shape,
    TaskFolder,
    TaskKey,
)

_SLURM = "slurm"


class JobEnvironment:
    """The job that this process runs in.

    Only what runs the job is asked: a job on this machine knows nothing of a Slurm job that this
    machine is part of.

    Raises
    ------
    RuntimeError
        Outside of a job, or if the job's folder is gone.
    FolderError
        If that folder holds what nbsubmit did not write.

    Examples
    --------
    >>> def where():
    ...     here = nbsubmit.JobEnvironment()
    ...     return here.cluster, here.global_rank, here.num_tasks
    >>> nbsubmit.DebugExecutor("logs").submit(where).result()
    ('debug', 0, 1)
    >>> nbsubmit.JobEnvironment.activated()
    False
    """

    def __init__(self) -> None:
        if not self.activated():
            raise RuntimeError(
                f"this process is not in a job of nbsubmit's ({JOB_VARIABLE} is not set): "
                f"JobEnvironment() is for functions and cells that were sent by the slurm, local "
                f"or debug executor"
            )
        self._folder = JobFolder(Path(os.environ[JOB_VARIABLE]))
        if not self._folder.spec:
            raise RuntimeError(f"the folder of this job is gone: {self._folder.path}")
        self._shape = Shape.of(self._folder.spec)
        self._on_slurm = self.cluster == _SLURM

    def __repr__(self) -> str:
        return (
            f"JobEnvironment(cluster={self.cluster!r}, job_id={self.job_id!r}, "
            f"global_rank={self.global_rank}, num_tasks={self.num_tasks})"
        )

    @classmethod
    def activated(cls) -> bool:
        """Tell whether this process is in a job."""
        return bool(os.environ.get(JOB_VARIABLE))

    def name(self) -> str:
        """Return the name of what runs the job, as `cluster`."""
        return self.cluster

    # The job

    @property
    def cluster(self) -> str:
        """What runs the job: ``slurm``, ``local``, ``debug`` or a plugin's name."""
        return str(self._folder.spec.get("backend", ""))

    @property
    def job_id(self) -> str:
        """The job's id, as `Job.job_id` of whoever has sent it: ``7``, or ``7_3`` in an array."""
        index, whole = self._index, self._folder
        task = whole if index is None else TaskFolder(whole, TaskKey(index), self._shape)
        # Not Slurm's own variables: those of a job around this one may have been inherited.
        return os.environ.get(ID_VARIABLE) or task.job_id

    @property
    def raw_job_id(self) -> str:
        """Slurm's own number of this very job, which in an array is another for each task."""
        return os.environ["SLURM_JOB_ID"] if self._on_slurm else self.job_id

    @property
    def array_job_id(self) -> str | None:
        """The array's id; None outside of one. A part of a large array has its own."""
        return None if self._index is None else self.job_id.rpartition("_")[0]

    @property
    def array_task_id(self) -> str | None:
        """The index in the array, from 0; None outside of one."""
        return None if self._index is None else str(self._index)

    @property
    def paths(self) -> JobPaths:
        """Where the job's files are."""
        rank = None if self._shape.ranks == 1 else self.global_rank
        key, folder = TaskKey(self._index, rank), self._folder
        own = TaskFolder(folder, key, self._shape) if self._shape.has_tasks else folder
        return JobPaths(own, self.job_id, self.global_rank)

    # This process among those that run together

    @property
    def num_tasks(self) -> int:
        """How many processes run together."""
        return self._from_slurm("SLURM_STEP_NUM_TASKS", self._shape.ranks)

    @property
    def num_nodes(self) -> int:
        """On how many nodes they run."""
        return self._from_slurm("SLURM_JOB_NUM_NODES", 1)

    @property
    def node(self) -> int:
        """Which of the nodes this one is, from 0."""
        return self._from_slurm("SLURM_NODEID", 0)

    @property
    def global_rank(self) -> int:
        """Which of all processes this one is, from 0."""
        own = os.environ.get(RANK_VARIABLE, "")
        return int(own) if own else self._from_slurm("SLURM_PROCID", 0)

    @property
    def local_rank(self) -> int:
        """Which of the processes on this node this one is, from 0."""
        return self._from_slurm("SLURM_LOCALID", self.global_rank)

    @property
    def hostname(self) -> str:
        """The host name of this node."""
        return platform.node()

    @property
    def hostnames(self) -> list[str]:
        """The host names of all nodes, the first one's first.

        Raises
        ------
        SlurmParseException
            If Slurm writes them in a way that is not known.
        """
        found = os.environ.get("SLURM_JOB_NODELIST", "") if self._on_slurm else ""
        return nodelist.expand(found) or [self.hostname]

    @property
    def _index(self) -> int | None:
        """The number in the whole array, which Slurm may have been given in parts."""
        return None if self._shape.count is None else int(os.environ[TASK_VARIABLE])

    def _from_slurm(self, variable: str, otherwise: int) -> int:
        return int(os.environ.get(variable, otherwise)) if self._on_slurm else otherwise
