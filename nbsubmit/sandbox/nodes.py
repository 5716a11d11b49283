"""What Slurm itself says of its nodes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from nbsubmit.sandbox.programs import find, search_path, without_slurm


def client_environ(conf: Path) -> dict[str, str]:
    """Environment of a client of the Slurm with this slurm.conf, and of no other."""
    ours = {"SLURM_CONF": str(conf), "PATH": search_path(os.environ)}
    return without_slurm(os.environ) | ours


def node_states(conf: Path, seconds: float = 15) -> dict[str, str]:
    """Node → state in sinfo's long words; nothing when no controller answers in time.

    Slurm's clients give up on a controller that is gone only after nine seconds or so.
    """
    command = [find("sinfo") or "sinfo", "--noheader", "--Node", "--format=%N %T"]
    try:
        done = subprocess.run(
            command,
            env=client_environ(conf),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
