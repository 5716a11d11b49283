"""The cluster's configuration files as text, from values alone."""

from __future__ import annotations

import os
import pwd
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.layout import Layout, write_private

# Later starts in the same folder count on from here, so that a job id of an earlier
# one, still in somebody's notebook, does not become another job's.
JOB_IDS_PER_START = 10_000


@dataclass(frozen=True)
class Ports:
    """TCP ports of one start."""

    controller: int
    accounting: int
    nodes: tuple[int, ...]


def write_all(config: SandboxConfig, layout: Layout, ports: Ports, generation: int) -> None:
    """Write all that the daemons of one start read."""
    texts = {
        "slurm.conf": slurm_conf(config, layout, ports, generation),
        "gres.conf": gres_conf(config, layout),
        "cgroup.conf": "".join(f"{key}={value}\n" for key, value in config.cgroup_conf.items()),
        "slurmdbd.conf": slurmdbd_conf(layout, ports),
    }
    for name, text in texts.items():
        write_private(layout.folder / name, text.encode())
    write_private(layout.folder / "munge.key", secrets.token_bytes(1024))
    for number in range(config.gpus):
        # slurmd gives CUDA_VISIBLE_DEVICES only for a device, and this one is everywhere.
        (layout.folder / "gpus" / f"gpu{number}").symlink_to(os.devnull)


def slurm_conf(config: SandboxConfig, layout: Layout, ports: Ports, generation: int) -> str:
    """Text of slurm.conf; the caller's own lines have the last word."""
    keys = _basics(layout) | _names(ports, generation) | _scheduling(config)
    if config.gpus:
        keys["GresTypes"] = "gpu"
    if config.accounting:
        keys |= _accounting(layout, ports)
    lines = [f"{key}={value}" for key, value in _override(keys, config.extra_conf).items()]
    return "\n".join([*lines, *_nodes(config, ports), *_partitions(config), ""])


def _basics(layout: Layout) -> dict[str, str]:
    log = layout.link / "log"
    return {
        # A requeued job waits until its credential has ended: two minutes, unless it is short.
        "AuthInfo": f"socket={layout.munge_socket},cred_expire=5",
        "AuthType": "auth/munge",
        "JobAcctGatherType": "jobacct_gather/linux",
        "MailProg": "/bin/true",
        "MpiDefault": "none",
        "ProctrackType": "proctrack/linuxproc",
        "SlurmctldLogFile": f"{log}/slurmctld.log",
        "SlurmctldPidFile": f"{layout.short}/slurmctld.pid",
        "SlurmdLogFile": f"{log}/%n.log",
        "SlurmdParameters": "config_overrides",
        "SlurmdPidFile": f"{layout.short}/%n.pid",
        # Holds the sockets of job steps, hence not in the user's folder.
        "SlurmdSpoolDir": f"{layout.short}/spool/%n",
        "StateSaveLocation": f"{layout.link}/state",
    }


def _names(ports: Ports, generation: int) -> dict[str, str]:
    return {
        "ClusterName": "sandbox",
        "FirstJobId": str(1 + generation * JOB_IDS_PER_START),
        "SlurmctldHost": f"{host()}(127.0.0.1)",
        "SlurmctldPort": str(ports.controller),
        "SlurmUser": user(),
        "SlurmdUser": user(),
    }


def _scheduling(config: SandboxConfig) -> dict[str, str]:
    return {
        "DefMemPerCPU": str(max(1, config.memory_mb // config.cpus)),
        "KillWait": "5",
        "MinJobAge": "300",
        "ReturnToService": "2",
        "SchedulerParameters": "bf_interval=1,sched_interval=2,batch_sched_delay=0",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "SlurmdTimeout": "8",
    }


def _accounting(layout: Layout, ports: Ports) -> dict[str, str]:
    return {
        "AccountingStorageType": "accounting_storage/slurmdbd",
        "AccountingStorageHost": "127.0.0.1",
        # Without it the persistent connection looks for the system's munge.
        "AccountingStoragePass": str(layout.munge_socket),
        "AccountingStoragePort": str(ports.accounting),
        "AccountingStoreFlags": "job_comment",
    }


def _override(keys: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """Put the caller's keys over ours; Slurm does not mind the case of a key."""
    named = {key.lower() for key in extra}
    kept = {key: value for key, value in keys.items() if key.lower() not in named}
    return kept | {key: value for key, value in extra.items() if value}


def _nodes(config: SandboxConfig, ports: Ports) -> list[str]:
    gres = f" Gres=gpu:{config.gpus}" if config.gpus else ""
    return [
        f"NodeName={name} NodeHostname={host()} NodeAddr=127.0.0.1 Port={port} "
        f"CPUs={config.cpus} RealMemory={config.memory_mb}{gres}"
        for name, port in zip(config.node_names, ports.nodes, strict=True)
    ]


def _partitions(config: SandboxConfig) -> list[str]:
    first = config.node_names[0]
    return [
        "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
        f"PartitionName=debug Nodes={first} MaxTime=00:10:00 State=UP",
        *config.partitions,
    ]


def gres_conf(config: SandboxConfig, layout: Layout) -> str:
    """Text of gres.conf: links to the null device stand in for GPUs."""
    if not config.gpus:
        return ""
    files = f"{layout.link}/gpus/gpu[0-{config.gpus - 1}]"
    return f"Name=gpu File={files} Flags=nvidia_gpu_env\n"


def slurmdbd_conf(layout: Layout, ports: Ports) -> str:
    """Text of slurmdbd.conf; that the database is a socket stands in the environment."""
    keys = {
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={layout.munge_socket}",
        "DbdHost": "localhost",
        "DbdPort": str(ports.accounting),
        "LogFile": f"{layout.link}/log/slurmdbd.log",
        "PidFile": f"{layout.short}/slurmdbd.pid",
        "SlurmUser": user(),
        "StorageHost": "localhost",
        "StorageLoc": "slurm",
        "StorageType": "accounting_storage/mysql",
        "StorageUser": user(),
    }
    return "".join(f"{key}={value}\n" for key, value in keys.items())


def host() -> str:
    """Give the short name of this machine, as slurmctld compares it with SlurmctldHost."""
    return socket.gethostname().split(".")[0]


def user() -> str:
    """Name of the user who runs everything."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        return str(os.geteuid())
