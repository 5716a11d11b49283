"""The daemons: how each is started, in which order, and how one knows that it is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from nbsubmit.sandbox.conf import Ports, user
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.layout import Layout
from nbsubmit.sandbox.processes import listens

CONTROLLER = "slurmctld"
DATABASE = "mariadbd"
ACCOUNTING = "slurmdbd"
MUNGE = "munged"

# A small database: no memory or disk to speak of, and nothing that must outlive a crash.
_SMALL = (
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
    "--aria-log-file-size=8M",
)


@dataclass(frozen=True)
class Daemon:
    """One program that is to run.

    Parameters
    ----------
    name : str
        Its name in messages, logs and requests: a node's name for a slurmd.
    argv : list of str
        What to start, to stay in the foreground.
    there : callable
        Tells from its pid whether it can be talked to.
    port : int
        The port that it is to open, if any.
    environ : dict of str to str
        On top of the daemons' common environment.
    """

    name: str
    argv: list[str]
    there: Callable[[int], bool]
    port: int = 0
    environ: dict[str, str] = field(default_factory=dict)


def daemons(config: SandboxConfig, layout: Layout, ports: Ports) -> list[Daemon]:
    """All daemons of a cluster in the order of their start."""
    munge = Daemon(MUNGE, _munged(layout), lambda _: layout.munge_socket.is_socket())
    controller = _listener(CONTROLLER, ["slurmctld", "-D"], ports.controller)
    accounting = _accounting(layout, ports) if config.accounting else []
    nodes = [
        _listener(name, ["slurmd", "-D", "-N", name], port)
        for name, port in zip(config.node_names, ports.nodes, strict=True)
    ]
    return [munge, *accounting, controller, *nodes]


def _listener(name: str, argv: list[str], port: int) -> Daemon:
    return Daemon(name, argv, partial(listens, port=port), port)


def _munged(layout: Layout) -> list[str]:
    files = {
        "key-file": layout.link / "munge.key",
        "log-file": layout.link / "log/munged.log",
        "pid-file": layout.short / "munged.pid",
        "seed-file": layout.link / "munge.seed",
        "socket": layout.munge_socket,
    }
    options = [f"--{option}={path}" for option, path in files.items()]
    # It would refuse a socket that others cannot reach, which is just what is wanted here.
    return ["munged", "--foreground", "--force", *options]


def _accounting(layout: Layout, ports: Ports) -> list[Daemon]:
    # The client library takes its socket from here, as slurmdbd.conf has no key for it.
    environ = {"MYSQL_UNIX_PORT": str(layout.database_socket)}
    return [
        Daemon(DATABASE, _mariadbd(layout), lambda _: layout.database_socket.is_socket()),
        replace(_listener(ACCOUNTING, ["slurmdbd", "-D"], ports.accounting), environ=environ),
    ]


def _mariadbd(layout: Layout) -> list[str]:
    return [
        *("mariadbd", "--no-defaults", f"--datadir={layout.link}/database", *_as_user()),
        *("--skip-networking", f"--socket={layout.database_socket}"),
        *("--innodb-lock-wait-timeout=900", f"--pid-file={layout.short}/mariadbd.pid", *_SMALL),
    ]


def database_setup(layout: Layout) -> Daemon:
    """Make the database's own tables: it runs once, and its end is what counts."""
    argv = [
        *("mariadb-install-db", "--no-defaults", f"--datadir={layout.link}/database"),
        *("--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=socket"),
        *(f"--auth-root-socket-user={user()}", *_as_user(), *_SMALL),
    ]
    return Daemon("mariadb-install-db", argv, lambda _: False)


def _as_user() -> list[str]:
    # mariadbd runs as root only if it is told so outright, and others may not say it.
    return ["--user=root"] if os.geteuid() == 0 else []
