"""Starting and ending a supervisor from outside, one caller at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbsubmit
from nbsubmit.sandbox import programs
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.errors import SandboxError
from nbsubmit.sandbox.layout import lock_file, new_short, record_file, supervisor_output, tail
from nbsubmit.sandbox.processes import Identity, kill_all, wait_until
from nbsubmit.sandbox.record import Phase, Record, load

_UP_SECONDS = 300.0
_LAUNCH_SECONDS = 5.0
_DOWN_SECONDS = 60.0


def prepare(folder: Path) -> None:
    """Make the folder, or see that it is ours to empty."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise SandboxError(f"{folder} belongs to somebody else; give a folder of your own.")
    strangers = {entry.name for entry in folder.iterdir()} - {lock_file(folder).name}
    if strangers and not record_file(folder).exists():
        raise SandboxError(
            f"{folder} holds other things, and a sandbox empties its folder. Give a new folder."
        )
    folder.chmod(0o700)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others from starting or stopping the same sandbox meanwhile."""
    with lock_file(folder).open("w") as lock:

        def ours() -> bool:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        if not wait_until(ours, _UP_SECONDS, pause_seconds=0.1):
            raise SandboxError(
                f"Another process has been starting or stopping {folder} too long. Try again, or "
                f"use another folder."
            )
        yield


def await_settled(folder: Path) -> Record | None:
    """Wait while a supervisor is starting; give the record then."""
    begun = time.monotonic()

    def settled() -> bool:
        record = load(folder)
        if record is None or record.phase is not Phase.STARTING:
            return True
        # Without a guard it may be on its way, though whoever started it was killed.
        return not record.supervised and (
            record.guard is not None or time.monotonic() > begun + _LAUNCH_SECONDS
        )

    wait_until(settled, _UP_SECONDS)
    return load(folder)


def launch(config: SandboxConfig, owner: int | None, generation: int) -> None:
    """Start guard and supervisor in the background and wait until all nodes are idle."""
    identity = None if owner is None else Identity.of(owner)
    if owner is not None and identity is None:
        raise SandboxError(
            f"The process {owner}, who is to own the sandbox, does not exist. Give one that runs."
        )
    folder = config.folder
    Record(config, new_short(folder), generation, identity).save()
    _detach_guard(folder)
    record = await_settled(folder)
    if record is None or record.phase is not Phase.READY:
        said = "" if record is None else record.message
        said = said or tail(supervisor_output(folder)) or "it was ended while it started."
        raise SandboxError(f"The sandbox in {folder} did not start: {said}")


def _detach_guard(folder: Path) -> None:
    with supervisor_output(folder).open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "nbsubmit.sandbox", str(folder)],
            env=_python_environ(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            check=False,
        )
    if done.returncode != 0:
        said = tail(supervisor_output(folder))
        raise SandboxError(f"The sandbox's supervisor did not start: {said}")


def _python_environ() -> dict[str, str]:
    """Environment in which the guard's Python finds this very nbsubmit."""
    root = str(Path(nbsubmit.__file__).parents[1])
    path = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return programs.without_slurm(os.environ) | {"PYTHONPATH": os.pathsep.join(path)}


def end(record: Record | None, keep_folder: bool = False) -> bool:
    """Stop what a record names, by asking first; False when there was nothing to stop."""
    if record is None:
        return False
    was_up = record.supervised
    for one in (record.supervisor, record.guard):
        if one is not None:
            one.send(signal.SIGTERM)
    wait_until(lambda: not record.supervised, _DOWN_SECONDS)
    latest = load(record.config.folder) or record
    left = kill_all({*record.processes(), *latest.processes()})
    if left:
        pids = ", ".join(str(one.pid) for one in left)
        raise SandboxError(
            f"These processes of the sandbox cannot be killed: {pids}. Ask whose they are:  "
            f"ps -f -p {pids.replace(' ', '')}"
        )
    if record_file(record.config.folder).exists():
        latest.close(keep_folder)
    return was_up
