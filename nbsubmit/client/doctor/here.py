"""What of this machine matters to jobs: Python, Jupyter, configuration, and the store's disk."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from nbsubmit.backends.queue.machine import GPUS_VARIABLE, SLOTS_VARIABLE
from nbsubmit.backends.queue.place import VARIABLE, QueueFolder
from nbsubmit.core.asking import aside
from nbsubmit.core.config_files import SITE_VARIABLE, Configuration
from nbsubmit.core.errors import FolderError, OptionError
from nbsubmit.core.finding import Finding, problem, warning, well
from nbsubmit.core.folder import FORMAT
from nbsubmit.core.limits import nearly_full
from nbsubmit.core.settings import NAMES, Settings, of_environment, variable_of
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasks import OF_A_JOB
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
# Variables of ours that set nothing of a session.
_OTHERS = (SLOTS_VARIABLE, GPUS_VARIABLE, VARIABLE, SITE_VARIABLE)


@dataclass(frozen=True)
class Facts:
    """What has to fit on both sides.

    Attributes
    ----------
    python : tuple of int
        The release of Python.
    packages : mapping
        The versions of what jobs are written with.
    format : int
        How nbsubmit writes its files.
    """

    python: tuple[int, int, int]
    packages: Mapping[str, str]
    format: int = FORMAT


def facts() -> Facts:
    """Return what is here."""
    names = ("nbsubmit", "cloudpickle")
    found = {name: installed(name) or "" for name in names}
    return Facts((*sys.version_info[:3],), found)


def installed(package: str) -> str | None:
    """Return the version of a package; None if it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def settings() -> Settings:
    """Return what the environment sets, for where configuration files are wrong."""
    try:
        return replace(Settings(), **of_environment())
    except OptionError:
        return Settings()


def python() -> Iterator[Finding]:
    """Tell which Python this is, and with what in it."""
    told = f"{platform.python_version()} in {sys.prefix}, nbsubmit {installed('nbsubmit')}"
    yield well("Python here", told)


def jupyter() -> Iterator[Finding]:
    """Tell whether a notebook here can show panels."""
    kernel, widgets = installed("ipykernel"), installed("ipywidgets")
    if kernel is None:
        yield warning(
            "Jupyter",
            "there is no ipykernel in this Python, so notebooks run another one",
            f"{sys.executable} -m pip install ipykernel, and choose this kernel in the notebook",
        )
        return
    parts = {name: installed(name) for name in ("jupyterlab", "notebook")}
    fronts = [f"{name} {found}" for name, found in parts.items() if found]
    shown = ", ".join([f"ipykernel {kernel}", f"ipywidgets {widgets}", *fronts])
    if parts["jupyterlab"] and not installed("jupyterlab_widgets"):
        yield warning(
            "Jupyter",
            f"{shown}; JupyterLab has no jupyterlab_widgets, so it shows text for panels",
            f"{sys.executable} -m pip install jupyterlab_widgets, and load the page anew",
        )
        return
    hint = "" if fronts else (
        "; JupyterLab runs from elsewhere and needs jupyterlab_widgets there"
    )  # fmt: skip
    yield well("Jupyter", shown + hint)


def local_jobs() -> Iterator[Finding]:
    """Tell whether ``%%local`` can keep its queue."""
    queue = QueueFolder()
    try:
        queue.prepare()
        queue.read()
    except (FolderError, OSError) as error:
        yield problem(
            "local jobs", f"the queue of %%local cannot be used: {error}",
            f"Name a folder of yours for it: {VARIABLE}",
        )  # fmt: skip
        return
    yield well("local jobs", f"%%local keeps its queue in {queue.path}")


def configuration(found: Configuration) -> Iterator[Finding]:
    """Tell of files that are passed over, and of variables that nobody reads."""
    for remark in found.remarks:
        told, _, fix = remark.partition(". ")
        yield warning("configuration", told, fix)
    yield from unknown_variables(os.environ)
    read = [str(each.path) for each in found.files if each.is_there and not each.distrust]
    yield well("configuration", f"read from {', '.join(read)}" if read else "there are no files")


def unknown_variables(environ: Collection[str]) -> Iterator[Finding]:
    """Tell of variables that look like ours and are not."""
    known = [*map(variable_of, NAMES), *_OTHERS]
    for name in sorted(environ):
        if name.startswith("NBSUBMIT_") and name not in (*known, *OF_A_JOB):
            near = difflib.get_close_matches(name, known, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}"
            yield warning("variables", f"{name} is set, and nothing reads it", fix)


def in_time(
    subject: str, what: str, look: Callable[[], list[Finding]], seconds: float = _SECONDS
) -> list[Finding]:
    """Return what is found where that does not take too long: a disk that is gone never answers.

    Parameters
    ----------
    subject, what : str
        What is looked at, for people.
    look : callable
        Looks, and may never return.
    seconds : float
        So long it may take.
    """
    answer = aside(look)
    if wait([answer], seconds).done:
        return answer.result()
    told = f"{what} does not answer within {seconds:g} s, as where a disk is mounted that is gone"
    fix = "Wait until the site's disks are back, or name a folder on another one: NBSUBMIT_FOLDER"
    return [problem(subject, told, fix)]


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
    yield from disk(path, above)


def disk(path: Path, above: Path) -> Iterator[Finding]:
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
