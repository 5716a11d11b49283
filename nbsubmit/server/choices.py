"""What a form offers for a cell's line: the cluster's own, the configured, and all options."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbsubmit.backends.slurm import choices as slurm
from nbsubmit.backends.slurm.choices import Choices
from nbsubmit.client.configured import grammar_of
from nbsubmit.core import config_files
from nbsubmit.core.errors import NbsubmitError
from nbsubmit.core.harmless import plain
from nbsubmit.core.options import Described
from nbsubmit.core.profiles import Options

# A cluster changes seldom; what it has not said is asked for again sooner.
_KEPT_SECONDS, _TROUBLE_SECONDS = 600.0, 60.0


class Cluster:
    """What Slurm has said there is to choose from, asked seldom and by one at a time.

    Parameters
    ----------
    clock : callable
        The time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._said: Choices | None = None
        self._asked = 0.0

    def choices(self) -> Choices:
        """Return it; whoever asks first waits for Slurm."""
        with self._lock:
            kept = _TROUBLE_SECONDS if self._said and self._said.trouble else _KEPT_SECONDS
            if self._said is None or self._clock() - self._asked >= kept:
                self._said = slurm.choices()
                self._asked = self._clock()
            return self._said


def choices(cluster: Cluster, folder: Path | None) -> dict[str, Any]:
    """Return what is offered for the cells of a notebook in a folder."""
    said = cluster.choices()
    remarks = [plain(said.trouble)] if said.trouble else []
    profiles: list[dict[str, Any]] = []
    try:
        configuration = config_files.load(folder)
        remarks += map(plain, configuration.remarks)
        profiles = [
            {"name": name, "options": _options(options)}
            for name, options in sorted(configuration.profiles.items())
        ]
    except NbsubmitError as error:
        remarks.append(plain(str(error)))
    return {
        "partitions": [
            {
                "name": partition.name,
                "default": partition.is_default,
                "up": partition.is_up,
                "time": partition.limit,
                "cpus": nodes.cpus,
                "memory": nodes.memory,
                "gres": [*nodes.gres],
            }
            for partition, nodes in said.partitions
        ],
        "accounts": [*said.accounts],
        "qos": [*said.qos],
        "gres": [*said.gres],
        "profiles": profiles,
        "options": [_described(option) for option in grammar_of("%%slurm").described],
        "remarks": remarks,
    }


def _described(option: Described) -> dict[str, str]:
    return {
        "name": option.long,
        "short": option.short,
        "kind": option.kind,
        "takes": option.takes,
        "metavar": option.metavar,
        "help": option.help,
    }


def _options(options: Options) -> dict[str, Any]:
    return {name: _as_json(said.value) for name, said in options.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _as_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, (bool, int, str)):
        return value
    return value if isinstance(value, float) and abs(value) < float("inf") else str(value)
