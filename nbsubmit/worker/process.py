"""The worker as a process of its own: it shows that it lives, and says when it is told to go."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JOB_VARIABLE, PRIVATE_FILE, JobFolder, remove_unfinished
from nbsubmit.core.tasks import ID_VARIABLE, TASK_VARIABLE, Shape, TaskFolder, TaskKey
from nbsubmit.worker.interrupt import Interruptions
from nbsubmit.worker.meter import Meter
from nbsubmit.worker.run import run
from nbsubmit.worker.surroundings import limits, rank_here

_RESERVE_BYTES = 64 << 10


def main(path: str, early: Sequence[int] = ()) -> int:
    """Run the job in a folder; the exit code tells whether the cell succeeded.

    Parameters
    ----------
    path : str
        The folder.
    early : sequence of int
        Warnings that came before anything could be done about them.
    """
    faulthandler.enable()
    os.umask(0o077)
    try:
        folder = _own_folder(JobFolder(Path(path)))
    except FolderError as error:  # where nothing is read, nothing is written either
        sys.exit(f"nbsubmit: {error}")
    if folder.refusal_file.exists() or folder.is_cancelled() or _was_settled_as_not_run(folder):
        # The notebook was told that this job does not run, so it must not.
        return 1
    if _is_done(folder):
        return 0
    _forget_earlier_run(folder)
    interruptions = Interruptions(folder)
    interruptions.listen(early)
    _reserve(folder)
    Beat(folder).start()
    meter = Meter(folder, limits().cpus or 1)
    meter.start()

    def after_cell() -> None:
        interruptions.end()
        meter.look(last=True)

    succeeded = run(folder, stdout=1, stderr=2, after_cell=after_cell, interruptions=interruptions)
    # Threads that the cell left behind would keep the node busy; what it printed is out already.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if succeeded else 1)


def _own_folder(job: JobFolder) -> JobFolder:
    """Return the folder of the task that this process is, or of a job that is a single process.

    Raises
    ------
    FolderError
        If somebody else could have written to it.
    """
    job.check_parts()
    os.environ[JOB_VARIABLE] = str(job.path)
    shape = Shape.of(job.spec)
    folder = job
    if shape.has_tasks:
        index = None if shape.count is None else int(os.environ[TASK_VARIABLE])
        rank = None if shape.ranks == 1 else rank_here()
        folder = TaskFolder(job, TaskKey(index, rank), shape)
        folder.create()
        # Processes that run together have a log each; the script around them has another.
        _print_to(folder.log_out, 1)
        _print_to(folder.log_err, 2)
    if job.spec.get("one_stream"):
        os.dup2(1, 2)
    if job.spec.get("folder"):
        from nbsubmit.worker import links  # which a cell does not need

        links.leave(folder, os.environ.get(ID_VARIABLE) or folder.job_id)
    return folder


def _print_to(log: Path, descriptor: int) -> None:
    """Have what is printed go to this file."""
    opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    os.dup2(opened, descriptor)
    os.close(opened)


def _reserve(folder: JobFolder) -> None:
    """Take up room for the report of how the job ended, should it fill the disk."""
    with suppress(OSError):
        folder.reserve_file.write_bytes(os.urandom(_RESERVE_BYTES))


def _is_done(folder: JobFolder) -> bool:
    """Tell whether an earlier run of this job came to its own end: it is not run twice.

    Of processes that run together all must have: one of them may need the others.
    """
    ranks = folder.ranks if isinstance(folder, TaskFolder) else [folder]
    results = [rank.read_json(rank.result_file) for rank in ranks]
    return all(result is not None and not result["signal"] for result in results)


def _was_settled_as_not_run(folder: JobFolder) -> bool:
    """Tell whether somebody saw before it could start that an input had failed."""
    return bool((folder.read_json(folder.end_file) or {}).get("not_run"))


def _forget_earlier_run(folder: JobFolder) -> None:
    """Remove what a run before a requeue has left that would be mistaken for this one's."""
    stale = [
        folder.signal_file,
        folder.exit_file,
        folder.kept_file,
        folder.usage_file,
        folder.result_file,
        folder.end_file,
    ]
    if folder.is_first:
        together = folder.together
        stale += [
            together.requeue_file,
            together.requeued_file,
            together.not_requeued_file,
            together.requeue_failed_file,
            together.interrupt_file,
            together.end_file,
        ]
        if folder.started_file.exists():
            earlier = together.read_json(together.runs_file) or {}
            runs = {**earlier, "run": earlier.get("run", 1) + 1}
            together.write_json(together.runs_file, runs)
    # One listing tells of all. To ask for each would be twelve questions to a disk that may be far
    # away.
    parents = {file.parent for file in stale}
    there = {file for parent in parents if parent.exists() for file in parent.iterdir()}
    for file in there.intersection(stale):
        file.unlink(missing_ok=True)
    remove_unfinished(folder)


class Beat:
    """Touches a file now and then, so that a job that is killed is missed without asking anyone.

    Parameters
    ----------
    folder : JobFolder
        The job's folder; its ``job.json`` says how often.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._file = folder.beat_file
        self._seconds = float(folder.spec["beat_seconds"])

    def start(self) -> None:
        """Go on until the process ends."""
        os.close(os.open(self._file, os.O_CREAT | os.O_WRONLY, PRIVATE_FILE))
        os.utime(self._file)  # it may be there from an earlier run
        threading.Thread(target=self._go_on, name="nbsubmit-beat", daemon=True).start()

    def _go_on(self) -> None:
        while True:
            time.sleep(self._seconds)
            try:
                os.utime(self._file)
            except OSError:  # the folder was deleted under the job: the cell runs on
                return
