"""The variables of this process, changed for a while."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Any

from nbsubmit.backends.slurm.commands import KEPT
from nbsubmit.core.tasks import OF_A_JOB

# What Slurm, what starts processes in it, and submitit tell a job.
_OF_A_JOB = ("SLURM_", "SLURMD_", "SRUN_", "SBATCH_", "SUBMITIT_", "PMI")
# What tells torch with whom it is to compute.
OF_TORCH = ("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
_OF_TORCHRUN = ("GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_WORLD_SIZE", "ROLE_NAME")
_BY_TORCHRUN = "TORCHELASTIC_"


@contextlib.contextmanager
def environment_variables(**environ: Any) -> Iterator[None]:
    """Set variables; at the end each is as it was before.

    Parameters
    ----------
    **environ
        Name → value, which is made text.

    Examples
    --------
    >>> with nbsubmit.helpers.environment_variables(OMP_NUM_THREADS=4):
    ...     os.environ["OMP_NUM_THREADS"]
    '4'
    """
    with _restored(environ):
        os.environ.update({name: str(value) for name, value in environ.items()})
        yield


@contextlib.contextmanager
def clean_env(extra_names: Iterable[str] = ()) -> Iterator[None]:
    """Hide what this job was told of itself, so that a job that is sent from it does not hear it.

    Jobs that nbsubmit sends do not hear it anyway. What Slurm's programs need to find their
    controller stays. At the end each variable is as it was before.

    Parameters
    ----------
    extra_names : iterable of str
        Other variables to hide; by default none.

    Examples
    --------
    >>> with nbsubmit.helpers.environment_variables(SLURM_JOB_ID=7):
    ...     with nbsubmit.helpers.clean_env():
    ...         print(os.environ.get("SLURM_JOB_ID"))
    None
    """
    hidden = {name for name in os.environ if _is_of_a_job(name)} | set(extra_names)
    with _restored(hidden):
        for name in hidden:
            os.environ.pop(name, None)
        yield


def _is_of_a_job(name: str) -> bool:
    if name in KEPT:
        return False
    prefixed = name.startswith((*_OF_A_JOB, _BY_TORCHRUN))
    return prefixed or name in (*OF_A_JOB, *OF_TORCH, *_OF_TORCHRUN)


@contextlib.contextmanager
def _restored(names: Iterable[str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
