"""The daemons: how each is started, in which order, and how one knows that it is there."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nbsubmit.sandbox.conf import Ports, user
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.layout import Layout
from nbsubmit.sandbox.processes import die_with_parent, listens
from nbsubmit.sandbox.programs import daemon_environ, find

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
    environ : dict of str to str
        On top of the daemons' common environment.
    """

    name: str
    argv: list[str]
    there: Callable[[int], bool]
    environ: dict[str, str] = field(default_factory=dict)


def daemons(config: SandboxConfig, layout: Layout, ports: Ports) -> list[Daemon]:
    """All daemons of a cluster in the order of their start."""
    munge = Daemon(MUNGE, _munged(layout), lambda _: layout.munge_socket.is_socket())
    controller = Daemon(CONTROLLER, ["slurmctld", "-D"], partial(listens, port=ports.controller))
    accounting = _accounting(layout, ports) if config.accounting else []
    nodes = [
        Daemon(name, ["slurmd", "-D", "-N", name], partial(listens, port=port))
        for name, port in zip(config.node_names, ports.nodes, strict=True)
    ]
    return [munge, *accounting, controller, *nodes]


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
    there = partial(listens, port=ports.accounting)
    return [
        Daemon(DATABASE, _mariadbd(layout), lambda _: layout.database_socket.is_socket()),
        Daemon(ACCOUNTING, ["slurmdbd", "-D"], there, environ),
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


def start(daemon: Daemon, layout: Layout) -> subprocess.Popen[bytes]:
    """Start a daemon that dies with the calling process, however that ends."""
    environ = daemon_environ() | {"SLURM_CONF": str(layout.conf)} | daemon.environ
    with layout.output_file(daemon.name).open("ab") as output:
        return subprocess.Popen(
            [find(daemon.argv[0]) or daemon.argv[0], *daemon.argv[1:]],
            env=environ,
            cwd=layout.short,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGKILL),
        )


def tail(path: Path, lines: int = 15) -> str:
    """Last lines of a log, as far as there are any."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
