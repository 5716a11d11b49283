"""Runs Slurm's programs: the only place where a process of Slurm's is started."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nbsubmit.core.errors import BackendMissing
from nbsubmit.core.tasks import OF_A_JOB

_log = logging.getLogger("nbsubmit")

TIMEOUT_SECONDS = 20.0
# So long somebody waits in silence.
TOLD_SECONDS = 3.0
# So long a program may take to end that was killed: one that waits for a disk may take for ever.
_END_SECONDS = 1.0
_given_up: list[subprocess.Popen[str]] = []

# What a job inherits from one that it is submitted from inside of, and must not.
_INHERITED = ("SLURM_", "SLURMD_", "SBATCH_", "SRUN_", "SALLOC_", "SQUEUE_", "SCANCEL_", "SACCT_",
              "SCONTROL_", "SPANK_", "_SLURM_", "PMI_", "PMIX_", "PMI2_", "OMPI_COMM_WORLD_",
              *OF_A_JOB)  # fmt: skip
# What Slurm sets in a job for others to read: its devices, and by a site's scripts a place that
# goes with it. Outside of a job they are the user's own.
_DEVICES = ("CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES",
            "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")  # fmt: skip
_PLACES = ("TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR")
# Where Slurm's own configuration is: what a job starts needs it too.
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")


class CommandFailed(OSError):
    """A program of Slurm's ended with an error, or not in time.

    Parameters
    ----------
    program : str
        Its name.
    words : str
        What it said.
    """

    def __init__(self, program: str, words: str) -> None:
        super().__init__(program, words)
        self.program = program
        self.words = words

    def __str__(self) -> str:
        return f"{self.program}: {self.words}"


class NotInTime(CommandFailed):
    """A program of Slurm's did not end in time; whether it did its work is not known."""


def find(program: str) -> str:
    """Return the path of a program.

    Raises
    ------
    BackendMissing
        If it is not on the PATH.
    """
    path = shutil.which(program)
    if path is None:
        raise BackendMissing(
            f"no Slurm here: there is no {program} on the PATH. "
            f"%%local runs the cell on this machine; nbsubmit sandbox up starts a Slurm to try"
        )
    return path


def run(
    program: str,
    *arguments: str,
    text: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    cwd: Path | None = None,
) -> tuple[str, str]:
    """Run a program and return what it wrote to its two streams.

    Parameters
    ----------
    program : str
        Its name.
    *arguments : str
        Its arguments; no shell sees them.
    text : str
        Its standard input.
    env : mapping, optional
        Variables to add to the environment.
    timeout : float, optional
        Seconds.
    cwd : Path, optional
        Where to run it.

    Raises
    ------
    CommandFailed
        With its own words.
    BackendMissing
        If there is no such program.
    """
    command = [find(program), *arguments]
    environ = {**clean_environ(os.environ), **(env or {})}
    seconds = TIMEOUT_SECONDS if timeout is None else timeout
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=cwd,
        env=environ,
        umask=0o077,  # of the logs, which Slurm makes as whoever submits would
    )
    try:
        out, err = _communicate(process, program, text, seconds)
    except BaseException as error:  # an interrupt among them
        _give_up(process)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        # Such as sbatch's that there is no room for more jobs, and that it goes on trying.
        said = plain((error.stderr or b"").decode(errors="replace"))
        words = f"no answer within {seconds:g} s" + (f", but it said: {said}" if said else "")
        raise NotInTime(program, words) from None
    if process.returncode:
        raise CommandFailed(program, plain(err) or plain(out) or f"exit code {process.returncode}")
    return out, err


def _give_up(process: subprocess.Popen[str]) -> None:
    """End a program without waiting for what it has started, nor for it where nothing ends it."""
    with suppress(PermissionError):  # it may be run as another user
        process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    _given_up[:] = [each for each in _given_up if each.poll() is None]
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        _given_up.append(process)


def _communicate(
    process: subprocess.Popen[str], program: str, text: str, seconds: float
) -> tuple[str, str]:
    """Give a program its input and return what it says; whoever waits long is told for what."""
    waits = threading.current_thread() is threading.main_thread() and seconds > TOLD_SECONDS
    if waits:
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(text, TOLD_SECONDS)
        seconds -= TOLD_SECONDS
        _log.warning(
            "Slurm's %s has not answered yet and is waited for, %g s at most; an interrupt ends "
            "the waiting",
            program,
            seconds,
        )
    return process.communicate(None if waits else text, seconds)


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what a surrounding job has put there."""
    job_id = environ.get("SLURM_JOB_ID", "")
    return {
        name: value
        for name, value in environ.items()
        if name in KEPT or not (name.startswith(_INHERITED) or _is_of_job(name, value, job_id))
    }


def _is_of_job(name: str, value: str, job_id: str) -> bool:
    """Tell whether a variable speaks of what only this job has."""
    if not job_id or name not in (*_DEVICES, *_PLACES):
        return False
    return name in _DEVICES or re.search(rf"(?<!\d){re.escape(job_id)}(?!\d)", value) is not None


def plain(words: str) -> str:
    """Return what a program said without its own name before each line."""
    lines: Sequence[str] = [
        line.partition(": error: ")[2] or line for line in words.strip().splitlines()
    ]
    return "; ".join(line.strip() for line in lines if line.strip())
