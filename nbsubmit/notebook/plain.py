"""What is said of a job where no panel shows it."""

from __future__ import annotations

import sys

from nbsubmit.client import words
from nbsubmit.client.rows import JobRow
from nbsubmit.core.job import Job
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.notebook.replay import Replay
from nbsubmit.notebook.session import Session
from nbsubmit.notebook.tasks import print_output


def tell(session: Session, job: Job) -> None:
    """Say that a job has ended, and give out what it printed."""
    row = session.arrivals.row(job)
    print(words.ended(row))
    if isinstance(job, TaskedJob):
        print_output(job)
        if job.failed:
            show_error(row)
        return
    replay = Replay(job)
    replay.more()
    show_error(row)
    replay.finish()


def show_error(row: JobRow) -> None:
    """Print the error of a job that has one, else why it ended as it did."""
    if row.error:
        print("\n".join(row.error), file=sys.stderr)
    elif words.why(row):
        print(words.why(row), file=sys.stderr)
