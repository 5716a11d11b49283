"""What is said of the tasks of an array where no panel shows them."""

from __future__ import annotations

import sys

from nbsubmit.client import words
from nbsubmit.core.harmless import for_stream
from nbsubmit.core.job import Job
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.core.tasks import name_of

# So many tasks at most have their output shown, each below its number.
FEW = 8


def print_output(job: TaskedJob) -> None:
    """Print what each task has printed, if they are few."""
    if len(job.tasks) <= FEW:
        for task in job.tasks:
            _print(task)


def print_logs(job: TaskedJob) -> None:
    """Print what each task has printed; of many the first that failed, and how to see another."""
    if len(job.tasks) <= FEW:
        print_output(job)
        return
    for task in job.failed[:1]:
        _print(task)
    count = words.counted(job.states)
    print(f"{count}; %jobs logs {job.id.rpartition('-')[2]}_0 shows what task 0 has printed")


def _print(task: Job) -> None:
    out, err = task.stdout(), task.stderr()
    if out or err:
        print(f"--- task {name_of(task.folder)} ---")
        sys.stdout.write(for_stream(_whole_line(out), sys.stdout))
        sys.stdout.flush()
        sys.stderr.write(for_stream(_whole_line(err), sys.stderr))
        sys.stderr.flush()


def _whole_line(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def first_failed(job: Job) -> Job:
    """Return the first task that has failed; the job itself if it has no tasks, or none has."""
    return job.failed[0] if isinstance(job, TaskedJob) and job.failed else job


def failures(job: TaskedJob) -> str:
    """Say how many tasks have failed, and how to run them again; empty if none has."""
    count, total = len(job.failed), len(job.tasks)
    if not count:
        return ""
    first = name_of(job.failed[0].folder)
    which = f"the first of them is task {first}" if count > 1 else f"it is task {first}"
    again = f"%jobs resubmit {job.id.rpartition('-')[2]} --failed"
    runs = "runs them again" if count > 1 else "runs it again"
    return f"{count} of {total} tasks failed; {which}. {again}  {runs}"
