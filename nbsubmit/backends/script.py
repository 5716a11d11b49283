"""The shell script around the worker, the same for every backend that starts a process.

It leaves the worker's exit code in the job's folder, so that a worker that is killed is known to
have ended without asking anybody. It passes on to the worker what it is told by signals, for a
scheduler tells the script alone that its time is nearly over.

A job by itself leaves the code in `Launch.exit_file`. Where one launch is many processes, each
leaves its own in ``tasks/KEY/exit`` of the job's folder. The key is made of two variables, which
whoever starts the script sets: `TASK_VARIABLE` is the number of the task in the whole array, and
`RANK_VARIABLE` that of the process where each has a script of its own: ``3``, ``_0`` or ``3_0``.
Where one script starts all processes of a task it knows no rank, and its code is theirs. Where
`Launch.pack` is more than 1 a script runs that many tasks, and leaves its code in
``packs/NUMBER/exit``; the number is in `PACK_VARIABLE`.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from nbsubmit.core.folder import LIMITS_VARIABLE, NODE_VARIABLE
from nbsubmit.core.packs import PACK_VARIABLE, PACKS
from nbsubmit.core.spec import Launch
from nbsubmit.core.tasks import RANK_VARIABLE, TASK_VARIABLE

# The names have a beginning of their own: the user's lines run in the same shell.
_LEAVE_CODE = (
    "trap 'nbsubmit_code=${nbsubmit_code:-$?}; "
    'printf %s "$nbsubmit_code" > "$nbsubmit_exit.part" && '
    'mv -f "$nbsubmit_exit.part" "$nbsubmit_exit"\' EXIT'
)
# A shell heeds a signal at once only while it waits for a child beside it. Such a child ignores
# interrupts unless told otherwise, and a cell can be interrupted. A wait that a signal broke off
# has not seen the child's end. Of a child that was killed it would print a line, with the command,
# into the user's log.
_RUN = """\
nbsubmit_tell() {{ nbsubmit_told=$1; kill -s "$1" "$nbsubmit_child" 2>/dev/null; }}
trap 'nbsubmit_tell TERM' TERM
trap 'nbsubmit_tell USR2' USR2
(trap - INT QUIT; exec {command}) &
nbsubmit_child=$!
while
    nbsubmit_told=
    wait "$nbsubmit_child" 2>/dev/null
    nbsubmit_code=$?
    [ "$nbsubmit_told" ] && [ "$nbsubmit_code" -gt 128 ]
do :; done"""


def body(launch: Launch, node: str = "", limits: str = "", again: str = "") -> str:
    """Return the script below its head: set up, run, tear down, leave the exit code.

    Parameters
    ----------
    launch : Launch
        What to run.
    node : str
        A shell word for the name that the backend has for the node, if it has one.
    limits : str
        A shell word for what the backend gave the job, as `usage.Limits.from_words` reads it.
    again : str
        A line to run at the end of a job that asks for being run again, by a file
        ``requeue.json`` beside its exit code or that of the processes that run with it.
    """
    lines = [
        "umask 077",
        *_place(launch),
        _LEAVE_CODE,
        # Of a run before the job was queued again. Few are, and to ask takes no process, which is a
        # millisecond.
        'if [ -e "$nbsubmit_exit" ] || [ -e "${nbsubmit_exit%/*}/requeued" ]',
        'then rm -f "$nbsubmit_exit" "${nbsubmit_exit%/*}/requeued"; fi',
        # A warning that comes while it sets up is for nobody, and must not end it.
        "trap : USR2",
    ]
    if node:
        lines.append(f"export {NODE_VARIABLE}={node}")
    if limits:
        lines.append(f"export {LIMITS_VARIABLE}={limits}")
    if launch.setup:
        lines += ["set -e", *launch.setup, "set +e"]
    lines += [_RUN.format(command=shlex.join(launch.command)), *launch.teardown]
    if again:
        lines += [f"if {_asks_again(launch)}; then {again}", "fi"]
    return "\n".join(lines) + '\nexit "$nbsubmit_code"\n'


def _place(launch: Launch) -> list[str]:
    """Lines that find out where the exit code goes."""
    alone = f"nbsubmit_exit={shlex.quote(str(launch.exit_file))}"
    if launch.count is None and launch.ranks == 1:
        return [alone]
    if launch.pack > 1:
        packs = shlex.quote(str(launch.folder / PACKS))
        return [f"nbsubmit_exit={packs}/${PACK_VARIABLE}/exit", 'mkdir -p "${nbsubmit_exit%/*}"']
    tasks = shlex.quote(str(launch.folder / "tasks"))
    return [
        f"nbsubmit_key=${TASK_VARIABLE}${{{RANK_VARIABLE}:+_${RANK_VARIABLE}}}",
        f'if [ "$nbsubmit_key" ]; then nbsubmit_exit={tasks}/$nbsubmit_key/exit',
        f"else {alone}; fi",
        'mkdir -p "${nbsubmit_exit%/*}"',
    ]


def _asks_again(launch: Launch) -> str:
    """A condition in the shell's words."""
    places = ['"${nbsubmit_exit%/*}"']
    if launch.ranks > 1:
        places += ['"${nbsubmit_exit%_*}"', shlex.quote(str(launch.folder))]
    return " || ".join(f"[ -e {place}/requeue.json ]" for place in places)


def shell() -> str:
    """Return the shell that runs it: bash if it is there, for it knows ``module``."""
    return next((path for path in ("/bin/bash", "/usr/bin/bash") if Path(path).exists()), "/bin/sh")
