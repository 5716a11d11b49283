"""The tasks of a pack, one after another, each in a process that is forked from this one.

This process has loaded what a worker needs, so that a task costs some hundredths of a second and no
start of Python. It holds nothing of the user's and has one thread. It does for each task what a
script does for one that runs by itself: it passes signals on, and leaves the exit code. Of a task
that left no result it also notes how it ended, which nobody else sees while the pack goes on.

A task that asks to be run again has the whole pack queued again, and with that the tasks behind it;
those that have ended are not run twice.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import LIMITS_VARIABLE, PRIVATE_FOLDER, JobFolder, write_whole
from nbsubmit.core.packs import PACK_VARIABLE, PackFolder
from nbsubmit.core.tasks import (
    ID_VARIABLE,
    TASK_VARIABLE,
    Shape,
    TaskFolder,
    TaskKey,
    pack_of,
)
from nbsubmit.core.usage import Limits
from nbsubmit.worker import orphans, process
from nbsubmit.worker.child import (
    as_a_process,
    has_one_thread,
    keep_shared,
    load_more,
    say_what_was_printed,
    say_who,
)
from nbsubmit.worker.surroundings import limits, node

_SIGNALS = (signal.SIGTERM, signal.SIGUSR2, signal.SIGCHLD)
# So often it is looked whether a task that runs was cancelled, and so long it may take to end then.
_LOOK_SECONDS, _PATIENCE_SECONDS = 1.0, 30.0
_TOLD_TO_END = 128 + signal.SIGTERM


def main(path: str, early: Sequence[int] = ()) -> int:
    """Run the pack that the environment names; the exit code tells whether all succeeded.

    Parameters
    ----------
    path : str
        The job's folder.
    early : sequence of int
        Warnings that came before anything could be done about them.
    """
    # From now on they wait until they are asked for, also while a task is being forked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    os.umask(0o077)
    job, number = JobFolder(Path(path)), int(os.environ.pop(PACK_VARIABLE))
    try:
        job.check_parts()
    except FolderError as error:  # where nothing is read, nothing is written either
        sys.exit(f"nbsubmit: {error}")
    # By no id of the scheduler's is a task known: that one is the pack's.
    os.environ.pop(ID_VARIABLE, None)
    load_more()
    say_what_was_printed()
    keep_shared()
    return _Pack(job, number, frozenset(before), warned=bool(early)).run()


class _Pack:
    """Runs the tasks of one.

    Parameters
    ----------
    job : JobFolder
        The whole job's.
    number : int
        Which pack it is.
    mask : frozenset of int
        The signals that a task is to find blocked.
    warned : bool
        It was told that its time is nearly over, or that it has to make room.
    """

    def __init__(self, job: JobFolder, number: int, mask: frozenset[int], *, warned: bool) -> None:
        shape = Shape.of(job.spec)
        self._job = job
        self._folder: PackFolder = pack_of(job, shape, number)
        self._tasks = [TaskFolder(job, TaskKey(n), shape) for n in shape.members(number)]
        self._mask = mask
        # Where a fork is not as good, tasks are started anew.
        self._is_alone = has_one_thread()
        self._not_of_tasks = frozenset(orphans.children())
        self._warned = warned
        self._told_to_end = False
        self._beat_seconds = float(job.spec["beat_seconds"])
        self._beaten = float("-inf")

    def run(self) -> int:
        """Run those that have not ended, and return the exit code."""
        self._begin()
        orphans.adopt()
        all_succeeded = True
        for task in self._tasks:
            self._beat()
            has_succeeded = self._ended_before(task)
            if has_succeeded is None:
                has_succeeded = self._run(task)
                if self._told_to_end:
                    return _TOLD_TO_END
                if task.requeue_file.exists():
                    self._folder.write_json(self._folder.requeue_file, {"task": str(task.key)})
                    return 1
            all_succeeded = all_succeeded and has_succeeded
        return 0 if all_succeeded else 1

    def _begin(self) -> None:
        self._folder.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        for stale in (self._folder.requeue_file, self._folder.requeue_failed_file):
            stale.unlink(missing_ok=True)
        self._beat()
        self._folder.write_json(
            self._folder.started_file, {"host": node(), "pid": os.getpid(), "at": time.time()}
        )
        asked = Limits.from_json(self._job.spec.get("limits", {})).seconds
        if asked and not limits().ends:
            # The limit is the pack's, and no task can know when that has begun.
            ends = f"ends={int(time.time() + asked)}"
            os.environ[LIMITS_VARIABLE] = f"{os.environ.get(LIMITS_VARIABLE, '')} {ends}"

    def _ended_before(self, task: TaskFolder) -> bool | None:
        """Tell whether a task has succeeded that is not to be run; None if it is."""
        result = task.read_json(task.result_file)
        if result is not None and not result["signal"]:
            return result["error"] is None
        if self._job.refusal_file.exists() or task.is_cancelled():
            return False
        # An end that a notebook has settled on says so; it may have been mistaken.
        end = task.read_json(task.end_file)
        return False if end is not None and "not_run" not in end else None

    def _run(self, task: TaskFolder) -> bool:
        """Run a task to its end, and tell whether it has succeeded."""
        # Of the last run; the pack itself is to be queued again only if it is asked for anew.
        task.requeue_file.unlink(missing_ok=True)
        mine = os.getpid()
        pid = os.fork()
        if not pid:
            orphans.end_with(mine)
            self._be(task)
        self._wait(task, pid)
        with suppress(ProcessLookupError, PermissionError):
            # What it has started is not to take from what is there for the others.
            os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        orphans.end(self._not_of_tasks)
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
        with suppress(OSError, FolderError):  # the disk may be full, or the folder deleted
            task.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            write_whole(task.exit_file, lambda out: out.write(str(code).encode()))
            if not self._told_to_end and not task.requeue_file.exists():
                _note_end(task, code)
        return code == 0 and task.result_file.exists()

    def _be(self, task: TaskFolder) -> NoReturn:
        """Be the worker of a task, in the process that was forked for it."""
        early: list[int] = [signal.SIGUSR2] if self._warned else []
        signal.signal(signal.SIGUSR2, lambda number, _frame: early.append(number))
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        with suppress(OSError):
            os.setsid()
        os.environ[TASK_VARIABLE] = str(task.key)
        if not self._is_alone:
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
        say_who(str(task.path))
        as_a_process(lambda: process.main(str(self._job.path), early))

    def _wait(self, task: TaskFolder, pid: int) -> None:
        """Wait until a task has ended, and pass on to it what this process is told."""
        told_at = math.inf
        while not orphans.has_ended(pid):
            told = signal.sigtimedwait(_SIGNALS, _LOOK_SECONDS)
            if told is not None and told.si_signo == signal.SIGTERM:
                self._told_to_end = True
                os.kill(pid, signal.SIGTERM)
            elif told is not None and told.si_signo == signal.SIGUSR2:
                self._warned = True
                os.kill(pid, signal.SIGUSR2)
            elif told is None:
                self._beat()
                now = time.monotonic()
                if told_at == math.inf and task.cancel_file.exists():
                    told_at = now
                    os.kill(pid, signal.SIGTERM)
                elif now - told_at > _PATIENCE_SECONDS:
                    os.kill(pid, signal.SIGKILL)

    def _beat(self) -> None:
        """Show that the pack lives."""
        now = time.monotonic()
        if now - self._beaten >= self._beat_seconds:
            with suppress(OSError):  # the folder was deleted under it: its tasks run on
                self._folder.beat_file.touch(mode=0o600)
                self._beaten = now


def _note_end(task: TaskFolder, code: int) -> None:
    """Note how a task ended that has left no result: of that the backend knows nothing."""
    result = task.read_json(task.result_file)
    if (result is not None and not result["signal"]) or task.end_file.exists():
        return
    from nbsubmit.core import ends, settle  # 25 ms, with what follows; few packs need it
    from nbsubmit.core.backend import Report
    from nbsubmit.core.found import look
    from nbsubmit.core.state import JobState

    found = replace(look(task, over=True), refusal="", unsent="")
    by_itself = code == 0 and not found.cancelled
    report = Report(JobState.COMPLETED if by_itself else JobState.FAILED)
    status = settle.settle(found, report, math.inf)
    if status.state.ended:
        ends.note(task, status)
