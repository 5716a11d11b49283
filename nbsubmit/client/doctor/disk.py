"""The disk that the store is on: whether it is safe, can be written to and locked, and has room."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from nbsubmit.core.errors import FolderError
from nbsubmit.core.finding import Finding, problem, warning, well
from nbsubmit.core.limits import nearly_full
from nbsubmit.core.store import JobStore
from nbsubmit.core.units import format_bytes

_SECONDS = 10.0
# File systems that several machines see, and those that one has for itself.
_SHARED = re.compile(
    r"nfs|lustre|gpfs|mmfs|beegfs|ceph|panfs|afs|glusterfs|orangefs|pvfs|weka|daos|virtiofs|9p|smb"
    r"|cifs|sshfs|ocfs|gfs2"
)
_ALONE = ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "ramfs", "overlay", "f2fs")
_IN_MEMORY = ("tmpfs", "ramfs")
_NEARLY = 0.9


def store(place: JobStore) -> Iterator[Finding]:
    """Tell whether the store is safe, can be written to, and has room."""
    path = place.path
    above = next(each for each in (path, *path.parents) if each.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        yield problem(
            "store", f"{path} cannot be written to",
            'Name a folder of yours that the nodes see: folder = "…" in a configuration file, or '
            "NBSUBMIT_FOLDER",
        )  # fmt: skip
        return
    try:
        place.check()
    except FolderError as error:
        told, _, fix = str(error).partition(". ")
        yield problem("store", told, fix)
        return
    yield from _on(path, above)


def _on(path: Path, above: Path) -> Iterator[Finding]:
    """Tell of the store's file system: what kind it is, what room it has, whether it can lock."""
    kind = file_system(above, _mounts())
    room = _room(above)
    if kind in _IN_MEMORY:
        yield warning(
            "store",
            f"{path} is in the memory of this machine ({kind})",
            "Name a folder on a disk that the nodes see",
        )
    elif _SHARED.search(kind):
        yield well("store", f"{path}, on {kind}, which machines share; {room}")
    elif kind in _ALONE:
        yield well("store", f"{path}, on {kind}, which may be this machine's alone; {room}")
    else:
        yield well("store", f"{path}, on {kind or 'a file system that is not told'}; {room}")
    full = nearly_full(above)
    if full:
        yield warning("space", full, "nbsubmit clean  tells what jobs take, and removes some")
    yield from _inodes(above)
    yield from _quotas(above, kind)
    yield from _locks(above)


def _room(path: Path) -> str:
    found = shutil.disk_usage(path)
    return f"{format_bytes(found.free)} free of {format_bytes(found.total)}"


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(errors="replace")
    except OSError:
        return ""


def file_system(path: Path, mounts: str) -> str:
    """Return the kind of file system that a path is on; empty if that is not told."""
    resolved = path.resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        where = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), fields[1]))
        if (resolved == where or where in resolved.parents) and len(where.parts) >= best:
            best, kind = len(where.parts), fields[2]
    return kind


def _inodes(path: Path) -> Iterator[Finding]:
    found = os.statvfs(path)
    if (
        found.f_files
        and found.f_favail < (1 - _NEARLY) * found.f_files
        and found.f_favail < 100_000
    ):
        yield warning(
            "space", f"the disk takes only {found.f_favail:,} files more",
            "Remove files that you do not need;  nbsubmit clean  removes those of jobs",
        )  # fmt: skip


def _quotas(path: Path, kind: str) -> Iterator[Finding]:
    if kind == "lustre":
        answer = _answer("lfs", "quota", "-q", "-u", str(os.getuid()), str(path))
    else:
        answer = _answer("quota", "--no-wrap", "--raw-grace")
    yield from quotas(answer)


def quotas(text: str) -> Iterator[Finding]:
    """Judge a table of quotas: file system, then blocks, quota, limit, grace; the same of files."""
    for line in text.splitlines():
        fields = [field.rstrip("*") for field in line.split()]
        if len(fields) < 8 or not fields[1].isdecimal():
            continue
        for what, at, used_of in (("room", 1, 1024), ("files", 5, 1)):
            numbers = [int(n) if n.isdecimal() else 0 for n in fields[at : at + 3]]
            used, most = numbers[0], min((n for n in numbers[1:] if n), default=0)
            if not most or used < _NEARLY * most:
                continue
            shown = [
                format_bytes(n * used_of) if what == "room" else f"{n:,} files"
                for n in (used, most)
            ]
            make = problem if used >= most else warning
            yield make(
                "quota", f"you have used {shown[0]} of {shown[1]} on {fields[0]}",
                "Remove what you do not need;  nbsubmit clean  removes jobs",
            )  # fmt: skip


def _answer(*command: str) -> str:
    """Return what a program says; nothing if there is none, or it takes too long."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _locks(path: Path) -> Iterator[Finding]:
    """Tell whether files there can be locked, as the store does to know which jobs are open."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(dir=path))
        except OSError as error:
            yield problem(
                "store", f"no file can be made in {path} ({error.strerror})",
                'Name a folder of yours that the nodes see: folder = "…" in a configuration '
                "file, or NBSUBMIT_FOLDER",
            )  # fmt: skip
            return
        yield from _lock(file)


def _lock(file: IO[bytes]) -> Iterator[Finding]:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_UN)
    except OSError as error:
        yield warning(
            "store", f"files there cannot be locked ({error.strerror})",
            "Name a folder on another file system, or ask for it to be mounted with locks (of "
            "Lustre the option flock)",
        )  # fmt: skip
