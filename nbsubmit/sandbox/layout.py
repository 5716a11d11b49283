"""The only place where the sandbox's file names are written down.

Two folders: the user's, which may be deep and oddly named, and a short private one under /tmp.
A socket's path must fit into 108 bytes and slurm.conf takes no blank in a path, so sockets
lie in the short one, and configuration reaches the user's folder through a link there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths of one sandbox.

    Parameters
    ----------
    folder : Path
        The user's folder.
    short : Path
        The short one of this start; it goes away with the cluster.
    """

    folder: Path
    short: Path

    @property
    def link(self) -> Path:
        """The user's folder, by a name that every configuration file can hold."""
        return self.short / "folder"

    @property
    def conf(self) -> Path:
        """The slurm.conf, whose path stays the same from start to start."""
        return conf_file(self.folder)

    @property
    def log_folder(self) -> Path:
        """Logs and outputs of all daemons."""
        return self.folder / "log"

    @property
    def munge_socket(self) -> Path:
        """Where clients reach munged."""
        return self.short / "munge.sock"

    @property
    def database_socket(self) -> Path:
        """Where slurmdbd reaches the database; it listens nowhere else."""
        return self.short / "database.sock"

    @property
    def control_socket(self) -> Path:
        """Where the supervisor takes requests."""
        return self.short / "control.sock"

    def output_file(self, daemon: str) -> Path:
        """Everything a daemon prints."""
        return self.log_folder / f"{daemon}.out"

    def empty(self, nodes: Iterable[str]) -> None:
        """Throw away the state of an earlier start and make the folders of this one."""
        for name in ("state", "database", "gpus", "log"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(mode=0o700)
        shutil.rmtree(self.short / "spool", ignore_errors=True)
        for name in nodes:
            (self.short / "spool" / name).mkdir(mode=0o700, parents=True)
        # A daemon counts as there when its socket is: a dead one's must not be in the way.
        for socket in (self.munge_socket, self.database_socket):
            socket.unlink(missing_ok=True)


def conf_file(folder: Path) -> Path:
    """The slurm.conf of the sandbox in this folder."""
    return folder / "slurm.conf"


def record_file(folder: Path) -> Path:
    """What is known about the processes of the sandbox in this folder."""
    return folder / "record.json"


def lock_file(folder: Path) -> Path:
    """Held by whoever starts or stops the sandbox in this folder."""
    return folder / "lock"


def supervisor_output(folder: Path) -> Path:
    """What the supervisor says when it goes wrong."""
    return folder / "supervisor.out"


def new_short(folder: Path) -> Path:
    """Make the short folder, with the link to the user's."""
    # TMPDIR may be as deep as anything: /tmp it is, private (mkdtemp's 0700) and unguessable.
    short = Path(tempfile.mkdtemp(prefix="nbsubmit-", dir="/tmp"))
    (short / "folder").symlink_to(folder, target_is_directory=True)
    return short


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read; it appears whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)


def tail(path: Path, lines: int = 15) -> str:
    """Last lines of a log, as far as there are any."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
