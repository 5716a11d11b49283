"""Starting workers by having a template of theirs forked: see `nbsubmit.worker.forks`.

A fork is as good as a new process only if it would have had the same of whatever a process has
from the one that starts it, and if nothing is to be done around it that needs a shell. Where that
is not so, and where no template answers, the job's script is run.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbsubmit.backends.queue.processes import Gated, identified

# Tells a worker by which name it is to leave a template, and the process that sends the job.
VARIABLE = "NBSUBMIT_FORKS"
# Set to 0 in the environment of a job, it is started by its script.
SWITCH = "NBSUBMIT_LOCAL_FORKS"
_MODULE = ("-m", "nbsubmit.worker")
# A template that is there has an answer in a few milliseconds; a loaded machine takes longer.
_PATIENCE_SECONDS = 5.0
# For so long one that did not answer is not asked again.
_SULK_SECONDS = 10.0
# What Python, its loader and the libraries that it loads read before the worker can set it.
_READ_EARLY = ("PYTHON", "LD_", "DYLD_", "LC_", "MALLOC_", "GLIBC_", "OPENSSL_", "COV")
_READ_EARLY_TOO = ("HOME", "LANG", "LANGUAGE", "TZ")
# Of its status in `/proc`, what a child has from the thread that starts it.
_INHERITED = (
    "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
    "Seccomp", "Cpus_allowed", "Mems_allowed", "SigIgn", "SigBlk",
)  # fmt: skip
_SPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
_CREDENTIALS = struct.Struct("3i")

_silent: dict[str, float] = {}


def name_for(command: Sequence[str], env: Mapping[str, str]) -> str | None:
    """Return the name of the template that a worker may be forked from, if it may be.

    Parameters
    ----------
    command : sequence of str
        The worker's, if nothing is to be done around it; otherwise empty.
    env : mapping
        The whole environment of the job.
    """
    if sys.platform != "linux" or not hasattr(os, "pidfd_open") or env.get(SWITCH) == "0":
        return None
    if len(command) != 1 + len(_MODULE) + 1 or tuple(command[1:3]) != _MODULE:
        return None
    python = command[0]
    # A shell would run a file before anything else. A path that is not whole depends on the folder.
    whole = all(map(os.path.isabs, env.get("PYTHONPATH", "/").split(os.pathsep)))
    if env.get("BASH_ENV") or not whole or not _is_program(python):
        return None
    try:
        told = [python, *_early(env), *_from_parent()]
    except OSError:
        return None
    return f"nbsubmit-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]}"


def _is_program(path: str) -> bool:
    """Tell whether it is Python itself, not a script which may run it anywhere."""
    if path == sys.executable:
        return True
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # a word that is no path is none here
            return Path(path).is_absolute() and file.read(4) == b"\x7fELF"
    except OSError:
        return False


def _early(env: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(env):
        if name.startswith(_READ_EARLY) or name in _READ_EARLY_TOO:
            yield f"{name}={env[name]}"


def _from_parent() -> Iterator[str]:
    own = Path("/proc/thread-self")
    for line in (own / "status").read_text().splitlines():
        if line.partition(":")[0] in _INHERITED:
            yield line
    for file in ("limits", "cgroup", "oom_score_adj"):
        yield (own / file).read_text()
    yield from (os.readlink(own / "ns" / name) for name in _SPACES)  # noqa: PTH115
    yield os.readlink(own / "root")  # noqa: PTH115
    yield f"{os.getpriority(os.PRIO_PROCESS, 0)} {os.sched_getscheduler(0)}"


def fork(name: str, job: Mapping[str, Any]) -> Gated | None:
    """Have the template fork a process that waits at its gate; None if there is no template.

    Raises
    ------
    OSError
        If there can be no such process.
    """
    if time.monotonic() < _silent.get(name, 0.0):
        return None
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(_PATIENCE_SECONDS)
        line.connect(f"\0{name}")
        if not _is_mine(line):
            raise PermissionError(name)
        data = json.dumps(job).encode()
        line.sendall(b"%d\n%s" % (len(data), data))
        answer = json.loads(_line(line))
    except (OSError, ValueError) as error:
        line.close()
        if isinstance(error, (TimeoutError, PermissionError)):
            _silent[name] = time.monotonic() + _SULK_SECONDS
        return None
    if "pid" not in answer:
        line.close()
        raise OSError(answer["errno"], answer["strerror"], answer["filename"])
    return Gated(identified(answer["pid"]), line.detach())


def _is_mine(line: socket.socket) -> bool:
    told = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(told)[1] == os.geteuid())


def _line(line: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        more = line.recv(4096)
        if not more:
            raise ConnectionError("it has nothing to say")
        found += more
    return found


def forget() -> None:
    """Ask again also those that did not answer."""
    _silent.clear()
