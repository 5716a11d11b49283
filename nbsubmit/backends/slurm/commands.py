"""Runs Slurm's programs: the only place where a process of Slurm's is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from nbsubmit.core.errors import BackendMissing
from nbsubmit.core.tasks import OF_A_JOB

TIMEOUT_SECONDS = 20.0

# What a job inherits from one that it is submitted from inside of, and must not.
_INHERITED = ("SLURM_", "SLURMD_", "SBATCH_", "SRUN_", "SALLOC_", "SQUEUE_", "SCANCEL_", "SACCT_",
              "PMI_", "PMIX_", "PMI2_", *OF_A_JOB)  # fmt: skip
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
    timeout: float = TIMEOUT_SECONDS,
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
    timeout : float
        Seconds.

    Raises
    ------
    CommandFailed
        With its own words.
    BackendMissing
        If there is no such program.
    """
    path = find(program)
    try:
        done = subprocess.run(
            [path, *arguments],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**clean_environ(os.environ), **(env or {})},
            umask=0o077,  # of the logs, which Slurm makes as whoever submits would
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotInTime(program, f"no answer within {timeout:g} s") from None
    if done.returncode:
        raise CommandFailed(program, plain(done.stderr) or f"exit code {done.returncode}")
    return done.stdout, done.stderr


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what a surrounding job has put there."""
    return {
        name: value
        for name, value in environ.items()
        if name in KEPT or not name.startswith(_INHERITED)
    }


def plain(words: str) -> str:
    """Return what a program said without its own name before each line."""
    lines: Sequence[str] = [
        line.partition(": error: ")[2] or line for line in words.strip().splitlines()
    ]
    return "; ".join(line.strip() for line in lines if line.strip())
