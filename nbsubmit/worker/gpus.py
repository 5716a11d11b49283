"""How busy a job's GPUs are, through NVIDIA's library, where it and a GPU are there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbsubmit.core.record import dataclass


@dataclass(frozen=True)
class Busy:
    """What GPUs do.

    Attributes
    ----------
    percent : float
        Of the time that they were busy lately, on average over them.
    memory, total : int
        Bytes in use on them, and bytes that they have.
    """

    percent: float
    memory: int
    total: int


def library(devices: Path = Path("/dev")) -> Any:
    """Return the library, or None: without a GPU not even the import is paid for."""
    if not any(devices.glob("nvidia[0-9]*")):
        return None
    try:
        with warnings.catch_warnings():  # an old name of the package warns of itself
            warnings.simplefilter("ignore")
            import pynvml
    except Exception:
        # Another package by this name, or no driver: then nothing is known of the GPUs.
        return None
    return pynvml


class Gpus:
    """The GPUs that a job may use.

    Parameters
    ----------
    nvml : module
        The library.
    environ : mapping, optional
        Tells by ``CUDA_VISIBLE_DEVICES`` which they are, by number or by identifier; without it
        all are.
    """

    def __init__(self, nvml: Any, environ: Mapping[str, str] = os.environ) -> None:
        self._nvml = nvml
        nvml.nvmlInit()
        everyone = [nvml.nvmlDeviceGetHandleByIndex(n) for n in range(nvml.nvmlDeviceGetCount())]
        self._handles = everyone
        if "CUDA_VISIBLE_DEVICES" in environ:
            names = environ["CUDA_VISIBLE_DEVICES"].split(",")
            found = [self._find(name.strip(), everyone) for name in names]
            self._handles = [handle for handle in found if handle is not None]

    def _find(self, name: str, everyone: list[Any]) -> Any:
        if name.isdecimal():
            return everyone[int(name)] if int(name) < len(everyone) else None
        for handle in everyone:
            uuid = self._nvml.nvmlDeviceGetUUID(handle)
            if name and (uuid.decode() if isinstance(uuid, bytes) else uuid).startswith(name):
                return handle
        return None

    def look(self) -> Busy | None:
        """Return what they do now; None if there is none."""
        if not self._handles:
            return None
        busy = [self._nvml.nvmlDeviceGetUtilizationRates(h).gpu for h in self._handles]
        memory = [self._nvml.nvmlDeviceGetMemoryInfo(h) for h in self._handles]
        return Busy(
            sum(busy) / len(busy),
            sum(int(m.used) for m in memory),
            sum(int(m.total) for m in memory),
        )
