"""What torch has to know to compute with the other processes of its job."""

from __future__ import annotations

import os
import random

from nbsubmit.client.environ import OF_TORCH
from nbsubmit.client.environment import JobEnvironment

_PORTS = (20000, 60000)
_VISIBLE = "CUDA_VISIBLE_DEVICES"


class TorchDistributedEnvironment:
    """Rank, number and meeting place of the processes of this job, as torch wants them.

    Attributes
    ----------
    master_addr : str
        The host name of the node on which they meet, the first; ``localhost`` of a single one.
    master_port : int
        The port, from 20000 to 60000 or as ``MASTER_PORT`` says: the same for all processes of a
        job, another one for most other jobs.
    rank, world_size, local_rank, local_world_size : int
        Which of how many this process is, from 0, and which of how many on its node.

    Raises
    ------
    RuntimeError
        Outside of a job.

    Examples
    --------
    >>> def rank():
    ...     here = nbsubmit.helpers.TorchDistributedEnvironment().export()
    ...     return here.rank, here.world_size, os.environ["RANK"]
    >>> nbsubmit.LocalExecutor("logs").submit(rank).result()
    (0, 1, '0')
    """

    def __init__(self) -> None:
        job = JobEnvironment()
        # A single host can always find itself, by whatever name others know it.
        self.master_addr = "localhost" if job.num_nodes == 1 else job.hostnames[0]
        said = os.environ.get("MASTER_PORT")
        # The same chance in all processes, and no secret.
        self.master_port = int(said or random.Random(job.job_id).randint(*_PORTS))  # noqa: S311
        self.rank = job.global_rank
        self.world_size = job.num_tasks
        self.local_rank = job.local_rank
        self.local_world_size = job.num_tasks // job.num_nodes

    def __repr__(self) -> str:
        where = f"{self.master_addr}:{self.master_port}"
        return f"<TorchDistributedEnvironment rank {self.rank} of {self.world_size}, at {where}>"

    def export(
        self, set_cuda_visible_devices: bool = True, overwrite: bool = False
    ) -> TorchDistributedEnvironment:
        """Set the variables that ``init_process_group`` reads, and return this object.

        Which they are stands in https://docs.pytorch.org/docs/stable/distributed.html.

        Parameters
        ----------
        set_cuda_visible_devices : bool
            Have each process see one GPU of its node, by its rank there, as by default.
        overwrite : bool
            Set them even if they are set already; by default that is an error.

        Raises
        ------
        RuntimeError
            If one of them is set already.
        """
        values = (
            self.master_addr, self.master_port, self.rank, self.world_size,
            self.local_rank, self.local_world_size,
        )  # fmt: skip
        found = dict(zip(OF_TORCH, map(str, values), strict=True))
        there = [name for name in found if name in os.environ]
        if there and not overwrite:
            raise RuntimeError(
                f"{', '.join(there)} is set already: something else has told torch with whom to "
                f"compute. export(overwrite=True) sets it all the same"
            )
        if set_cuda_visible_devices:
            found[_VISIBLE] = self._gpu()
        os.environ.update(found)
        return self

    def _gpu(self) -> str:
        """Return the GPU of this process: one of those that the job was given."""
        given = [gpu for gpu in os.environ.get(_VISIBLE, "").split(",") if gpu]
        if given:  # a single one if each process has its own already
            return given[self.local_rank % len(given)]
        return os.environ.get(_VISIBLE, str(self.local_rank))
