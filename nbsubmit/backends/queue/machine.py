"""What this machine has to hand out, as the client that sends a job sees it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nbsubmit.core.errors import SubmitError
from nbsubmit.core.spec import Resources
from nbsubmit.core.splitting import listed
from nbsubmit.worker import gpus

SLOTS_VARIABLE = "NBSUBMIT_LOCAL_SLOTS"
GPUS_VARIABLE = "NBSUBMIT_LOCAL_GPUS"
# How deep within other local jobs a process runs; unset outside of any.
LEVEL_VARIABLE = "NBSUBMIT_LOCAL_LEVEL"
VISIBLE = "CUDA_VISIBLE_DEVICES"


def slots(environ: Mapping[str, str] = os.environ) -> int:
    """Return how many processors jobs may take at once."""
    said = environ.get(SLOTS_VARIABLE, "")
    if said:
        if not said.isdecimal() or int(said) < 1:
            raise SubmitError(f"{SLOTS_VARIABLE}={said!r} is not a number from 1 on")
        return int(said)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def level(environ: Mapping[str, str] = os.environ) -> int:
    """Return how many local jobs this process runs in, one within the other.

    A job may wait for those that it sends, so these cannot wait for its place to become free:
    every level has the whole machine to itself.
    """
    said = environ.get(LEVEL_VARIABLE, "")
    return int(said) if said.isdecimal() else 0


def devices(environ: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the names of the GPUs that may be used, None if the machine has none at all."""
    if GPUS_VARIABLE in environ:
        return list(listed(environ[GPUS_VARIABLE]))
    count = _count()
    if not count:
        return None
    if VISIBLE in environ:
        return list(listed(environ[VISIBLE]))
    return [str(number) for number in range(count)]


def wanted_gpus(resources: Resources) -> int:
    """Return how many GPUs a job asks for, in whichever of the ways that name a number."""
    for said in (resources.gpus, resources.extra.get("gpus-per-node")):
        number = (said or "").rpartition(":")[2]
        if number:
            return int(number) if number.isdecimal() else 1
    return 0


def _count() -> int:
    listed = Path("/proc/driver/nvidia/gpus")
    if listed.is_dir():
        return len(list(listed.iterdir()))
    library = gpus.library()
    if library is None:
        return 0
    try:
        library.nvmlInit()
        return int(library.nvmlDeviceGetCount())
    except library.NVMLError:  # no driver that answers
        return 0
