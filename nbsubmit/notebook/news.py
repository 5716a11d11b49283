"""What became of a notebook's jobs while no kernel looked: one line when a new one starts.

Only the notebook's own marks and the folders of jobs that no kernel had are looked at.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core.errors import FolderError
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.harmless import plain
from nbsubmit.core.state import JobState
from nbsubmit.core.trust import check_private
from nbsubmit.core.units import format_elapsed
from nbsubmit.notebook.marks import latest_kernel
from nbsubmit.notebook.notebook import Notebook

_log = logging.getLogger("nbsubmit")

# So many jobs are looked at, the latest.
_JOBS = 50
_BEFORE_CELL = "pre_run_cell"


@dataclass
class News:
    """How a notebook's jobs are.

    Attributes
    ----------
    states : Counter
        How many are in which state, of those whose results no kernel had.
    interrupted : int
        How many were told to end and have ended, and may be run again for all that is known.
    silent : float
        For how long one of them that should run has shown no sign of life; 0 if all do.
    unseen : int
        So many more, older ones, were not looked at.
    had : int
        The jobs whose results only the last kernel had.
    earlier : list of Path
        Where the notebook was when it sent some of them.
    copied : list of (Path, int)
        The notebooks that this is a copy of, and how many jobs they have.
    """

    states: Counter[JobState] = field(default_factory=Counter)
    interrupted: int = 0
    silent: float = 0.0
    unseen: int = 0
    had: int = 0
    earlier: list[Path] = field(default_factory=list)
    copied: list[tuple[Path, int]] = field(default_factory=list)

    @property
    def ended(self) -> int:
        """How many have ended, however they did."""
        return sum(count for state, count in self.states.items() if state.ended)

    @property
    def failed(self) -> int:
        """How many have ended other than well."""
        return self.ended - self.states[JobState.COMPLETED]


def tell_news(shell: InteractiveShell, notebook: Notebook) -> None:
    """Say it in a line; where no cell runs yet, below the first."""
    if getattr(shell, "kernel", None) is not None and not shell.get_parent():
        shell.events.register(_BEFORE_CELL, _Later(shell, notebook).tell)
        return
    try:
        line = in_words(news(notebook))
    except Exception:  # the extension is loaded all the same
        _log.warning("it could not be seen what became of the jobs", exc_info=True)
        return
    if line:
        print(line)


class _Later:
    """Says it when a cell runs, for there is a place for it then."""

    def __init__(self, shell: InteractiveShell, notebook: Notebook) -> None:
        self._shell = shell
        self._notebook = notebook

    def tell(self, _info: object) -> None:
        self._shell.events.unregister(_BEFORE_CELL, self.tell)
        tell_news(self._shell, self._notebook)


def news(notebook: Notebook) -> News:
    """Look how the jobs of a notebook are."""
    found = News()
    store = notebook.store
    try:
        for folder in (store.path, store.jobs):
            check_private(folder)
    except FolderError:  # there is none yet, or one that is refused when it is to be used
        return found
    marks = notebook.marks()
    last = latest_kernel(marks, notebook.kernel)
    there = [job for job, mark in marks.items() if not mark.kernel]
    for job in reversed(there[-_JOBS:]):
        _count_in(store.folder(job), found)
    found.unseen = len(there[:-_JOBS])
    found.had = sum(mark.kernel == last for mark in marks.values() if mark.kernel)
    if marks:
        places = (earlier.notebook() for earlier in notebook.related.earlier if earlier.all())
        found.earlier = [path for path in places if path]
    for one in notebook.related.copied:
        path = one.notebook()
        if path is not None and one.all():
            found.copied.append((path, len(one.all())))
    return found


def _count_in(folder: JobFolder, found: News) -> None:
    """Count a job by what its folder tells; none that is gone or was refused."""
    # All that knows what a folder may tell: 25 ms, two thirds of what these news cost, and mostly
    # there is no such job.
    from nbsubmit.notebook.standing import standing_of

    standing = standing_of(folder)
    if standing is None:
        return
    found.silent = max(found.silent, standing.silent)
    if standing.state is None:
        found.interrupted += 1
    elif standing.state is not JobState.REFUSED:
        found.states[standing.state] += 1


def in_words(found: News) -> str:
    """One line, or none if there is nothing to tell."""
    parts = [
        _count(found.states[JobState.PENDING], "waits", "wait"),
        _count(sum(n for s, n in found.states.items() if not s.ended and s is not JobState.PENDING),
               "runs", "run"),
        _count(found.ended, "ended since", "ended since"),
    ]  # fmt: skip
    if found.failed and found.ended:
        parts[-1] += f" ({found.failed} failed)"
    end = "told to end and may be run again"
    parts.append(_count(found.interrupted, f"was {end}", f"were {end}"))
    told = _joined([part for part in parts if part])
    if found.silent:
        told += f", of which one has been silent for {format_elapsed(found.silent)}"
    if found.unseen:
        told += f", and {found.unseen} older were not looked at"
    if told:
        told = f"of this notebook's jobs {told}"
        told += "; %jobs attach --all brings them in"
        told += f", with {found.had} that the last kernel had" if found.had else ""
    elif found.had:
        jobs = "a job" if found.had == 1 else f"{found.had} jobs"
        told = f"the last kernel had what {jobs} of this notebook brought; %jobs attach --all "
        told += "brings it in again"
    if told and found.earlier:
        told += f" (sent from {', '.join(map(str, found.earlier))})"
    if not told and found.copied:
        path, count = found.copied[0]
        jobs = "job stays" if count == 1 else f"{count} jobs stay"
        told = f"this seems to be a copy of {path}, whose {jobs} its own; %jobs list --all"
    return plain(f"nbsubmit: {told}") if told else ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _joined(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if parts[1:] else "") + parts[-1] if parts else ""
