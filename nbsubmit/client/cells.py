"""Cells that are sent once more, from wherever: a notebook, a script, a shell."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbsubmit.backends import registry
from nbsubmit.client import checkpoint, words
from nbsubmit.client.configured import grammar_of, profile_words
from nbsubmit.client.job import open_job
from nbsubmit.core import config_files
from nbsubmit.core.backend import Backend
from nbsubmit.core.config_files import Configuration
from nbsubmit.core.errors import OptionError
from nbsubmit.core.job import Job
from nbsubmit.core.options import Grammar
from nbsubmit.core.resubmit import resubmit
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.splitting import split, without_remark
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore
from nbsubmit.core.tasked import TaskedJob

MAGICS = ("slurm", "local", "submit")
# Options that say what is sent, or how a cell goes on.
FOR_CELLS = frozenset(
    ("--in", "--without", "--out", "--by-value", "--wait", "--cancel-on-interrupt", "--as")
) | {
    "--dry-run", "--quiet", "--no-panel", "--debug", "--map", "--product",
}  # fmt: skip


def magic_of(job: Job) -> str:
    """Return the magic that a job was sent by.

    Raises
    ------
    OptionError
        If it was not sent by a cell.
    """
    magic = str(job.spec.get("line", "")).partition(" ")[0].lstrip("%")
    if magic not in MAGICS or not is_cell(job):
        raise OptionError(
            f"job {job.id} was not sent by a cell. Send it again as it was sent, or a call of a "
            f"function by  nbsubmit.attach({job.id!r}).resubmit()"
        )
    return magic


def is_cell(job: Job) -> bool:
    """Tell whether a job is a cell, and not a call of a function."""
    return not job.spec.get("function")


def check_options(given: Sequence[str], command: str) -> None:
    """Make sure that options are such as can be changed when a cell is sent again.

    Raises
    ------
    OptionError
        Naming the first that is not.
    """
    unfit = [word for word in given if word.partition("=")[0] in FOR_CELLS]
    if unfit:
        raise OptionError(
            f"{command} sends what was sent before, so {unfit[0]} has no meaning there; "
            f"run the cell again for that"
        )


def with_more(job: Job, more: str) -> str:
    """Return the options that a job had, and more, as one line."""
    earlier = str((job.whole or job).spec.get("line", "")).partition(" ")[2]
    return f"{without_remark(earlier)} {more}".strip()


def words_of(job: Job) -> list[list[str]]:
    """Return what the options of a job were read from, the weightiest last."""
    spec = (job.whole or job).spec
    return [*spec.get("words", ())] or [split(with_more(job, ""))]


def options_again(
    job: Job, more: Sequence[str], grammar: Grammar, configuration: Configuration
) -> tuple[CellOptions, list[list[str]]]:
    """Return the options that a job had, and more, and what they were read from.

    Raises
    ------
    OptionError
        If one of those that are added is wrong.
    """
    asked = grammar.parse("", [more], whole=False)
    named = profile_words(asked.profiles, configuration, grammar)
    all_ = [*words_of(job), *named, [*more]]
    return grammar.parse("", all_), all_


def send_again(job: Job, more: Sequence[str] = (), only: Sequence[int] | None = None) -> Job:
    """Send a cell's job again from outside of its notebook, and return the new job.

    What it brings waits in its folder until a notebook attaches to it.

    Parameters
    ----------
    job : Job
        The job; a whole one, no task of it.
    more : sequence of str
        Options that are added to those that it had.
    only : sequence of int, optional
        Of an array, the places of the tasks to run.

    Raises
    ------
    OptionError
        If an option is wrong, or it is no cell.
    SubmitError
        If the backend does not take it.
    """
    magic = magic_of(job)
    line = with_more(job, shlex.join(more))
    configuration = config_files.load()
    settings = configuration.settings
    options, all_words = options_again(job, more, grammar_of(f"%%{magic}"), configuration)
    if checkpoint.is_used(str(job.spec.get("source", "")), {}):
        options = checkpoint.warned(options)
    return resubmit(
        job,
        _in_its_python(job, options),
        f"%%{magic} {line}".strip(),
        _backend(magic, options, settings.backend),
        JobStore(job.folder.store),
        job._watcher,
        settings,
        job._home,
        open_job,
        only,
        all_words,
    )


def _backend(magic: str, options: CellOptions, chosen: str) -> Backend:
    if options.debug:
        return registry.get("debug")
    name = chosen if magic == "submit" else magic
    return registry.best() if name == "auto" else registry.get(name)


def _in_its_python(job: Job, options: CellOptions) -> CellOptions:
    """Have the cell run in the environment of the kernel that first sent it."""
    payload: dict[str, Any] = job.folder.read_json(job.folder.payload_file) or {}
    prefix = str(payload.get("prefix", sys.prefix))
    python = Path(prefix) / "bin" / "python"
    if options.python is not None or prefix == sys.prefix or not python.exists():
        return options
    return replace(options, python=str(python))


def part_again(job: Job, *, failed: bool) -> tuple[Job, list[int] | None]:
    """Return the array of which tasks are to be run again, and their places; None for all.

    Parameters
    ----------
    job : Job
        The array, or one of its tasks.
    failed : bool
        Only the tasks that have failed.

    Raises
    ------
    OptionError
        If none has failed, or some have not ended.
    """
    if job.whole is not None:
        return job.whole, [list(job.whole.parts).index(job)]
    if not failed:
        return job, None
    if not isinstance(job, TaskedJob):
        raise OptionError(
            f"--failed: job {job.id} has no tasks. Leave that out, and it is sent again"
        )
    if not job.is_over:
        raise OptionError(
            f"--failed: {words.counted(job.states)}. It goes by what has failed when all have "
            f"ended: wait for that, or cancel job {job.id}"
        )
    places = [place for place, task in enumerate(job.tasks) if task.state is not JobState.COMPLETED]
    if not places:
        raise OptionError(f"--failed: of job {job.id} no task has failed; leave it out")
    return job, places
