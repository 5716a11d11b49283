"""A launch → the text that sbatch reads. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from nbsubmit.backends import script
from nbsubmit.core.errors import OptionError
from nbsubmit.core.packs import PACK_LOG, PACK_VARIABLE
from nbsubmit.core.spec import Launch, Resources
from nbsubmit.core.tasks import ID_VARIABLE, RANK_VARIABLE, TASK_VARIABLE
from nbsubmit.core.units import format_limit

_OPTION = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)
# Some end the line; others would be obeyed by the terminals of all who list the queue.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
DEFAULT_NAME = "nbsubmit"
# What our comments begin with.
MARK = "nbsubmit:"
# What Slurm tells a job about what it was given; a release or a job may lack some of it.
_LIMITS = {
    "cpus": "SLURM_CPUS_ON_NODE",
    "gpus": "SLURM_GPUS_ON_NODE",
    "mib": "SLURM_MEM_PER_NODE",
    "mib_per_cpu": "SLURM_MEM_PER_CPU",
    "mib_per_gpu": "SLURM_MEM_PER_GPU",
    "ends": "SLURM_JOB_END_TIME",
}


def comment(job_id: str, first: int = 0) -> str:
    """Return the comment by which a job, or a part of an array, is found without its Slurm id."""
    return f"{MARK}{job_id}" + (f"+{first}" if first else "")


def batch_script(launch: Launch) -> str:
    """Return the whole script.

    Raises
    ------
    OptionError
        If a value holds a line break or another control character: it would end the line.
    """
    head = [f"#!{script.shell()}"]
    for option, value in _directives(launch):
        if not _OPTION.fullmatch(option):
            raise OptionError(f"{option!r} is no option of sbatch; %%slurm? lists them")
        head.append(f"#SBATCH --{option}" + ("" if value is None else f"={_quoted(option, value)}"))
    limits = " ".join(f"{word}=${variable}" for word, variable in _LIMITS.items())
    around = replace(launch, command=_command(launch))
    body = script.body(
        around, node='"$SLURMD_NODENAME"', limits=f'"{limits}"', again=_again(launch)
    )
    return "\n".join([*head, "", *_task(launch), body])


def _again(launch: Launch) -> str:
    """Lines that have the job, or this task of an array, queued again.

    The request goes first: whoever reads it in the next run would take it for a new one.
    """
    lines = ['rm -f "${nbsubmit_exit%/*}/requeue.json"']
    if "no-requeue" not in launch.resources.extra:
        # Where a site's default is otherwise the job could not be queued again.
        lines.append('scontrol update JobId="$SLURM_JOB_ID" Requeue=1')
    said = '"${nbsubmit_exit%/*}/requeue_failed"'
    # Before, for as soon as that is done this script is ended.
    mark = '"${nbsubmit_exit%/*}/requeued"'
    lines.append(f": > {mark}")
    queue = f'scontrol requeue "$SLURM_JOB_ID" 2> {said}'
    failed = f"rm -f {mark}; nbsubmit_code=1; cat {said} >&2"
    return "; ".join([*lines, f"{queue} || {{ {failed}; }}"])


def _task(launch: Launch) -> list[str]:
    """Lines that say which job, and which task of an array, it is."""
    forget = f"unset {TASK_VARIABLE} {RANK_VARIABLE} {PACK_VARIABLE}"
    if launch.count is None:
        return [forget, f"export {ID_VARIABLE}=$SLURM_JOB_ID"]
    which = TASK_VARIABLE if launch.pack == 1 else PACK_VARIABLE
    return [
        forget,
        f"export {ID_VARIABLE}=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID",
        f"export {which}=$((SLURM_ARRAY_TASK_ID + {launch.first - launch.start}))",
    ]


def _command(launch: Launch) -> tuple[str, ...]:
    """The command, started by srun where it is to be several processes or srun was asked for."""
    if launch.ranks == 1 and launch.launcher is None:
        return launch.command
    cpus = launch.resources.cpus
    # srun does not take it over from sbatch since release 22.05.
    given = (f"--cpus-per-task={cpus}",) if cpus is not None else ()
    return ("srun", "--kill-on-bad-exit=0", *given, *(launch.launcher or ()), *launch.command)


def _directives(launch: Launch) -> Iterator[tuple[str, str | None]]:
    yield from _resources(launch.resources)
    remark = launch.resources.extra.get("comment")
    yield "comment", comment(launch.id, launch.first) + (f" {remark}" if remark else "")
    if launch.count is None:
        yield "output", _literal(str(launch.log_out))
        yield "error", _literal(str(launch.log_err))
    else:
        most = "" if launch.parallel is None else f"%{launch.parallel}"
        yield "array", f"{launch.start}-{launch.start + launch.count - 1}{most}"
        # As `nbsubmit.core.tasks` names them.
        pack = PACK_LOG if launch.pack > 1 else ""
        part = f"{pack}{launch.block}+" if launch.block else pack
        logs = _literal(str(launch.folder / "logs"))
        yield "output", f"{logs}/{part}%a.out"
        yield "error", f"{logs}/{part}%a.err"
    if launch.signal_seconds is not None:
        # To the script, which passes it on: otherwise only what srun has started is told.
        yield "signal", f"B:USR2@{launch.signal_seconds}"
    # The logs are there already, readable by their owner alone.
    yield "open-mode", "append"
    dependency = _dependency(launch)
    if dependency:
        yield "dependency", dependency
    if dependency and "kill-on-invalid-dep" not in launch.resources.extra:
        # Otherwise a job whose input failed waits for ever.
        yield "kill-on-invalid-dep", "yes"


def _resources(resources: Resources) -> Iterator[tuple[str, str | None]]:
    yield "job-name", resources.name or DEFAULT_NAME
    if resources.cpus is not None:
        yield "cpus-per-task", str(resources.cpus)
    if resources.gpus is not None:
        yield "gpus", resources.gpus
    if resources.memory_mib is not None:
        yield "mem", f"{resources.memory_mib}M"
    if resources.time_seconds is not None:
        yield "time", format_limit(resources.time_seconds)
    said = ("comment", "dependency")
    yield from ((name, value) for name, value in resources.extra.items() if name not in said)


def _dependency(launch: Launch) -> str:
    """Return which jobs it starts after, those that the user names and those that we know of."""
    found = [launch.resources.extra.get("dependency") or ""]
    for kind, handles in (("afterok", launch.after), ("afterany", launch.after_any)):
        found.append(":".join([kind, *handles]) if handles else "")
    return ",".join(part for part in found if part)


def _literal(path: str) -> str:
    """A file name in which Slurm is to replace nothing; one backslash in it turns that off."""
    if "\\" in path:
        return path.replace("\\", "\\\\")
    return path.replace("%", "%%")


def _is_text(value: str) -> bool:
    """Tell whether a script can hold it: of a file's name not all bytes need to be characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _quoted(option: str, value: str) -> str:
    if _CONTROL.search(value):
        raise OptionError(
            f"--{option}: {value!r} holds a line break or a control character. Leave that out"
        )
    if not _is_text(value):
        raise OptionError(f"--{option}: {value!r} holds bytes that are no text. Rename it")
    # To sbatch a backslash is one inside single quotes too; to a shell it would not be.
    return shlex.quote(value.replace("\\", "\\\\"))
