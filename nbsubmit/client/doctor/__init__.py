"""Looks for what usually goes wrong on a new cluster, and says how to mend it.

here       this machine: Python, Jupyter, its queue, the configuration
disk       the disk that the store is on
verdicts   what a tiny job has shown → findings; pure
words      findings as lines of text

What is asked of Slurm stands in `nbsubmit.backends.slurm.examine`.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nbsubmit.backends.slurm.examine import Examiner
from nbsubmit.backends.slurm.trial import Trial
from nbsubmit.client import configured
from nbsubmit.client.doctor import disk, here, verdicts
from nbsubmit.client.jobs import store_in
from nbsubmit.core import config_files
from nbsubmit.core.config_files import Configuration
from nbsubmit.core.errors import FolderError, OptionError
from nbsubmit.core.finding import Finding, Grade, problem
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.store import JobStore
from nbsubmit.core.submit import launch_of

_TIME_SECONDS = 300
# What of a job's options would trouble somebody, or keep the tiny one from being tiny.
_NOT_FOR_IT = ("mail-type", "mail-user", "begin", "hold", "dependency")


@dataclass(frozen=True)
class Wish:
    """What is to be looked at.

    Attributes
    ----------
    words : sequence of str
        Options of the tiny job, as on a cell's line.
    store : str or None
        Where jobs are; by default where those are that are sent from here.
    job : bool
        Whether a tiny job is sent.
    patience : float
        So long it may take.
    folder : Path or None
        Where the notebook or the script is; by default where we are now.
    """

    words: Sequence[str] = ()
    store: str | None = None
    job: bool = True
    patience: float = 120.0
    folder: Path | None = None


def look(wish: Wish, tell: Callable[[str], None]) -> Iterator[Finding]:
    """Yield what is found, one after another as it is.

    Parameters
    ----------
    wish : Wish
        What is to be looked at.
    tell : callable
        Takes a line when something takes long.

    Raises
    ------
    OptionError
        If an option of the tiny job is wrong.
    """
    grammar = configured.grammar_of("nbsubmit doctor")
    said = grammar.parse("", [wish.words])  # what is wrong is said before anything is done
    yield from here.python()
    yield from here.jupyter()
    configuration, options = Configuration(here.settings()), said
    try:
        configuration = config_files.load(wish.folder)
        configured.check(configuration)
        before = configured.layers(said, configuration, grammar, "slurm")
        options = grammar.parse("", [*before, wish.words])
    except OptionError as error:
        yield problem(
            "configuration", str(error), "Correct it;  nbsubmit config  shows what is said"
        )
    else:
        yield from here.configuration(configuration)
    store = store_in(wish.store, configuration.settings)
    safe = here.in_time("store", str(store.path), lambda: [*disk.store(store)])
    yield from safe
    yield from here.in_time("local jobs", "the queue of %%local", lambda: [*here.local_jobs()])
    examiner = Examiner(options.resources)
    yield from examiner.findings()
    if wish.job and examiner.takes_jobs and not any(each.grade is Grade.PROBLEM for each in safe):
        yield from _trial(store, options, said, wish.patience, tell)


def _trial(
    store: JobStore,
    options: CellOptions,
    said: CellOptions,
    patience: float,
    tell: Callable[[str], None],
) -> Iterator[Finding]:
    was_there = store.path.exists()
    try:
        store.prepare()
    except FolderError as error:
        yield problem("store", str(error), "Name another folder")
        return
    place = JobFolder(store.path / f"doctor-{secrets.token_hex(4)}")
    try:
        launch = launch_of(place, _tiny(options, said))
        evidence = Trial(launch, patience, tell).run()
        yield from verdicts.of(evidence, launch, here.facts())
    except OSError as error:
        yield problem("store", f"{store.path}: {error.strerror or error}", "Name another folder")
    finally:
        if not was_there:
            _remove_empty(store)


def _tiny(options: CellOptions, said: CellOptions) -> CellOptions:
    wanted = options.resources
    extra = {n: value for n, value in wanted.extra.items() if n not in _NOT_FOR_IT}
    time = said.resources.time_seconds or min(wanted.time_seconds or _TIME_SECONDS, _TIME_SECONDS)
    tiny = replace(wanted, name="nbsubmit-doctor", extra=extra, time_seconds=time)
    return replace(options, resources=tiny)


def _remove_empty(store: JobStore) -> None:
    """Remove a store that was made only to look."""
    with contextlib.suppress(OSError):
        (store.path / ".gitignore").unlink()
        for folder in (store.jobs, store.path):
            folder.rmdir()
