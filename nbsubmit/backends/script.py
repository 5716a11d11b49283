"""The shell script around the worker, the same for every backend that starts a process.

It leaves the worker's exit code in the job's folder, so that a worker that is killed is known to
have ended without asking anybody.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from nbsubmit.core.folder import LIMITS_VARIABLE, NODE_VARIABLE
from nbsubmit.core.spec import Launch


def body(launch: Launch, node: str = "", limits: str = "") -> str:
    """Return the script below its head: set up, run, leave the exit code.

    Parameters
    ----------
    launch : Launch
        What to run.
    node : str
        A shell word for the name that the backend has for the node, if it has one.
    limits : str
        A shell word for what the backend gave the job, as `usage.Limits.from_words` reads it.
    """
    exit_file = shlex.quote(str(launch.exit_file))
    part = shlex.quote(f"{launch.exit_file}.part")
    lines = [
        "umask 077",
        'trap \'code=$?; printf %s "$code" > "$part" && mv -f "$part" "$exit_file"\' EXIT',
        f"part={part} exit_file={exit_file}",
        # Of a run before the job was queued again.
        'rm -f "$exit_file"',
    ]
    if node:
        lines.append(f"export {NODE_VARIABLE}={node}")
    if limits:
        lines.append(f"export {LIMITS_VARIABLE}={limits}")
    if launch.setup:
        lines += ["set -e", *launch.setup, "set +e"]
    # On SIGTERM the worker has its last word; a shell that died first would take it along.
    lines += ["trap : TERM", shlex.join(launch.command)]
    return "\n".join(lines) + "\n"


def shell() -> str:
    """Return the shell that runs it: bash if it is there, for it knows ``module``."""
    return next((path for path in ("/bin/bash", "/usr/bin/bash") if Path(path).exists()), "/bin/sh")
