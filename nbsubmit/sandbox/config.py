"""What sort of cluster is asked for: a frozen value that travels to the supervisor as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbsubmit.sandbox.errors import SandboxError


@dataclass(frozen=True)
class SandboxConfig:
    """A private cluster: where it lives and what its nodes pretend to have.

    Parameters
    ----------
    folder : Path
        Everything is kept here, whatever the length of its path; made private if it is new.
    nodes, cpus, gpus, memory_mb : int
        How many nodes, and what each claims, memory in MB of 1,048,576 bytes as slurm.conf counts.
        Nothing of it need exist on this machine. By default 2, 8, 4 and 16384.
    accounting : bool
        Whether ``sacct`` works: adds slurmdbd and a database server.
    extra_conf : mapping of str to str
        Lines for slurm.conf; they replace ours of the same key, and an empty value drops the key.
    cgroup_conf : mapping of str to str
        Lines for cgroup.conf, which plugins that use control groups read.
    partitions : tuple of str
        Whole ``PartitionName=…`` lines, beside the partitions ``main`` and ``debug``.
    ephemeral : bool
        Whether the folder goes away with the cluster (but not when the start failed).

    Raises
    ------
    SandboxError
        If there is no node or no CPU, or a line of slurm.conf breaks.
    """

    folder: Path
    nodes: int = 2
    cpus: int = 8
    gpus: int = 4
    memory_mb: int = 16384
    accounting: bool = False
    extra_conf: Mapping[str, str] = field(default_factory=dict)
    cgroup_conf: Mapping[str, str] = field(default_factory=dict)
    partitions: tuple[str, ...] = ()
    ephemeral: bool = False

    def __post_init__(self) -> None:
        if self.nodes < 1 or self.cpus < 1 or self.gpus < 0 or self.memory_mb < 1:
            raise SandboxError(
                f"A sandbox of {self.nodes} nodes with {self.cpus} CPUs, {self.gpus} GPUs and "
                f"{self.memory_mb} MB needs at least one node, with one CPU and some memory."
            )
        pairs = (*self.extra_conf.items(), *self.cgroup_conf.items())
        for line in (*(part for pair in pairs for part in pair), *self.partitions):
            if "\n" in line:
                raise SandboxError(
                    f"Give two lines for slurm.conf instead of one that breaks: {line!r}"
                )
        object.__setattr__(self, "folder", self.folder.expanduser().absolute())

    @property
    def node_names(self) -> tuple[str, ...]:
        """Names of the nodes: ``n1``, ``n2`` and so on."""
        return tuple(f"n{number}" for number in range(1, self.nodes + 1))

    def to_json(self) -> dict[str, object]:
        """Plain values that `from_json` reads."""
        confs = {"extra_conf": dict(self.extra_conf), "cgroup_conf": dict(self.cgroup_conf)}
        return asdict(self) | {"folder": str(self.folder), **confs}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> SandboxConfig:
        """Rebuild what `to_json` gave."""
        places = {"folder": Path(plain["folder"]), "partitions": tuple(plain["partitions"])}
        return cls(**(plain | places))
