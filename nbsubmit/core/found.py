"""What a job's folder says: all that its worker, its script and its notebook have left there.

In: a folder. Out: one frozen value, from which `settle` judges.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbsubmit.core import usage
from nbsubmit.core.ends import awaited, failed_input, is_of_input, not_run, read, settled
from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.output import text_of
from nbsubmit.core.result import Result
from nbsubmit.core.state import JobState, Status
from nbsubmit.core.tasks import TaskFolder
from nbsubmit.core.usage import NOTHING_KNOWN, Limits, Sample

_TAIL_BYTES = 4000
# The exit codes that a shell gives for SIGKILL and SIGTERM.
KILLED, _TOLD_TO_END = 128 + 9, 128 + 15
# In the words of schedulers. What the job prints stands in the same log, and is no word of theirs.
_OVER_MEMORY = re.compile(
    r"slurm(?:stepd|d)\b.*?: .*?"
    r"(?:exceeded (?:\w+ )?memory limit|oom[-_ ]kill|out-of-memory handler)",
    re.I,
)


@dataclass(frozen=True)
class Found:
    """What a job's folder says.

    Attributes
    ----------
    handle : str
        The backend's handle, or empty while there is none.
    refusal : str
        Why the backend did not take the job, or empty.
    cancelled : bool
        Somebody asked here for the job to be cancelled.
    node : str
        The node that the worker started on, or empty.
    started : float
        When it did, in seconds since the epoch by that node's clock; 0 while it has not.
    limits : Limits
        What the job was given, as far as the worker knows.
    usage : Sample or None
        What it used when that was last noted.
    signal : str
        The signal that told the worker to end, or empty.
    exit_code : int or None
        The exit code of the worker, once it has ended and the script around it has not.
    over_memory : bool
        Whoever looks after its memory has written into its log that it had too much.
    last_words : str
        The last line in the log of a job that ended before its worker started.
    result : Result or None
        The outcome.
    end : Status or None
        The end that was settled on earlier.
    run : int
        How often it has been started.
    not_again : str
        Why it is not run once more now that its time is over, or empty.
    not_queued : str
        Why it is not run once more although it asked for that: the scheduler's words, or empty.
    queued_again : bool
        Its script has had it queued again, and it has not begun anew.
    unsent : str
        Why it has not been sent yet, or empty.
    deserted : bool
        Nobody seems to send it, either.
    not_run : str
        That a job has failed which it was to start after, or empty.
    never : bool
        That is certain, so it will not be run whatever the backend thinks of it now.
    follows : bool
        It has not started and is to start after another job.
    awaits : str
        Which jobs that have not ended it is to start after, in words; empty for none.
    packed : bool
        It is a task that has not begun and is to have its turn in a pack.
    in_turn : bool
        The pack has begun, and has not ended for all that is known here.
    passed_over : bool
        It alone was cancelled before its turn came, so it is not run when it does.
    """

    handle: str = ""
    refusal: str = ""
    cancelled: bool = False
    node: str = ""
    started: float = 0.0
    limits: Limits = NOTHING_KNOWN
    usage: Sample | None = None
    signal: str = ""
    exit_code: int | None = None
    over_memory: bool = False
    last_words: str = ""
    result: Result | None = None
    end: Status | None = None
    run: int = 1
    not_again: str = ""
    not_queued: str = ""
    queued_again: bool = False
    unsent: str = ""
    deserted: bool = False
    not_run: str = ""
    never: bool = False
    follows: bool = False
    awaits: str = ""
    packed: bool = False
    in_turn: bool = False
    passed_over: bool = False

    @property
    def suspicious(self) -> bool:
        """Something happened after which only the backend knows what the job's state is."""
        told = self.cancelled or bool(self.signal) or bool(self.not_run)
        return told or self.exit_code is not None

    @property
    def may_run_again(self) -> bool:
        """Its run has ended because it was told to, and not from here: that need not be the end."""
        told = bool(self.signal) or self.queued_again
        return self.exit_code is not None and told and not self.cancelled

    @property
    def was_not_run(self) -> bool:
        """A job has failed which it was to start after."""
        return bool(self.not_run) or (self.result is not None and is_of_input(self.result))

    @property
    def conclusive(self) -> bool:
        """The folder alone tells the end."""
        if self.end or self.refusal or (self.unsent and self.cancelled):
            return True
        return self.result is not None and not self.result.signal


# One of it for all tasks of an array of thousands: saves 0.3 kB of each.
NOTHING_FOUND = Found()
_IN_A_PACK = Found(packed=True)


def look(folder: JobFolder, *, over: bool = False) -> Found:
    """Read what the folder says now.

    Parameters
    ----------
    folder : JobFolder
        A job's.
    over : bool
        The backend says that it has ended, so the end of its log may say why.

    Raises
    ------
    FolderError
        If a file is not what nbsubmit writes.
    """
    if not folder.whole.is_dir():
        raise FolderError(f"its folder {folder.whole} was deleted")
    node, started, limits = read(folder, folder.started_file, _started, ("", 0.0, NOTHING_KNOWN))
    found = Found(
        handle=folder.handle(),
        node=node,
        started=started,
        limits=limits,
        usage=usage.last_sample(folder.usage_file) if node else None,
        result=read(folder, folder.result_file, Result.from_json, None),
    )
    if found.conclusive:  # what else there is takes longer to read: 0.2 ms of each task
        return found
    # The script around several processes, or tasks, leaves one exit code for all of them.
    together, around = folder.together, folder.around
    unsent, deserted = folder.unsent()
    exit_code = _exit_code(folder.exit_file, around.exit_file)
    found = replace(
        found,
        refusal=folder.refusal(),
        cancelled=folder.is_cancelled(),
        signal=read(folder, folder.signal_file, lambda data: str(data["signal"]), "")
        # It may have come before the worker could note it.
        or (signal.SIGTERM.name if exit_code == _TOLD_TO_END else ""),
        exit_code=exit_code,
        end=settled(folder),
        run=read(together, together.runs_file, lambda data: int(data.get("run", 1)), 1),
        not_again=read(together, together.not_requeued_file, lambda data: str(data["reason"]), ""),
        not_queued=_last_line(around.requeue_failed_file) if exit_code else "",
        queued_again=around.requeued_file.exists(),
        unsent=unsent,
        deserted=deserted,
    )
    if folder.is_packed and not found.node and found.result is None:
        passed_over = folder.cancel_file.exists()
        found = replace(found, packed=True, in_turn=_in_turn(around), passed_over=passed_over)
    if not found.node and found.result is None and folder.spec.get("after"):
        return following(found, folder)
    never_started = found.exit_code and not found.node and found.result is None
    if found.node and found.result is None and (over or found.exit_code == KILLED):
        log = _tail(folder.log_err) + _tail(around.log_err)
        return replace(found, over_memory=bool(_OVER_MEMORY.search(log)))
    if not never_started:
        return found
    return replace(found, last_words=_last_line(folder.log_err) or _last_line(around.log_err))


def of_waiting(folder: TaskFolder, *, begun: bool = False) -> Found:
    """Return what is known of each task that has not begun, or of each in one pack.

    Parameters
    ----------
    folder : TaskFolder
        One of them.
    begun : bool
        Its pack has begun.
    """
    if not folder.is_packed:
        return following(NOTHING_FOUND, folder)
    if not begun:
        return following(_IN_A_PACK, folder)
    pack = folder.around
    exit_code = _exit_code(pack.exit_file)
    found = Found(
        signal=signal.SIGTERM.name if exit_code == _TOLD_TO_END else "",
        exit_code=exit_code,
        not_queued=_last_line(pack.requeue_failed_file) if exit_code else "",
        queued_again=pack.requeued_file.exists(),
        last_words=_last_line(pack.log_err) if exit_code else "",
        packed=True,
        in_turn=_in_turn(pack),
    )
    return following(found, folder)


def _in_turn(pack: JobFolder) -> bool:
    return pack.started_file.exists() and not pack.exit_file.exists()


def following(found: Found, folder: JobFolder) -> Found:
    """Return what is found of a job that has not started, with what is known of its inputs."""
    after = folder.spec.get("after", ())
    failed = failed_input(after)
    if failed is None:
        return replace(found, follows=bool(after), awaits=awaited(after))
    # Of a job that seems to be gone a result may still come.
    never = failed.status.state is not JobState.LOST
    return replace(found, not_run=not_run(failed), never=never, follows=True)


def _last_line(log: Path) -> str:
    lines = _tail(log).splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _tail(log: Path) -> str:
    """Return the end of a file that may be large."""
    with suppress(OSError):
        return text_of(log, _TAIL_BYTES)
    return ""


def _exit_code(*files: Path) -> int | None:
    for file in dict.fromkeys(files):
        with suppress(FileNotFoundError, ValueError):
            return int(file.read_text())
    return None


def _started(data: Mapping[str, Any]) -> tuple[str, float, Limits]:
    limits = Limits.from_json(data.get("limits", {}))
    return str(data["host"]), float(data.get("at", 0)), limits
