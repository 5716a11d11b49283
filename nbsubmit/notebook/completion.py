"""What TAB offers on a magic's line: options, and what may be their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.backends.slurm.offers import Offers
from nbsubmit.client.cells import FOR_CELLS
from nbsubmit.core.config_files import Configuration
from nbsubmit.core.errors import FolderError, OptionError
from nbsubmit.core.job import Job
from nbsubmit.core.options import Grammar
from nbsubmit.core.profiles import NONE
from nbsubmit.core.reserved import is_shells_own
from nbsubmit.core.state import JobState
from nbsubmit.core.store import JobStore
from nbsubmit.notebook.job_commands import ACTIONS

_NAMES = ("--in", "--without", "--out")
_EXAMPLES = {
    "--mem": ("1G", "4G", "16G", "64G"),
    "--time": ("10m", "1h", "8h", "1d"),
    "--cpus-per-task": ("1", "2", "4", "8", "16"),
    **dict.fromkeys(("--gpus", "--gpus-per-node", "--gpus-per-task"), ("1", "2", "4")),
    "--pack": ("10", "50", "100"),
    "--older": ("7d", "30d", "90d"),
    "--keep": ("0", "20", "100"),
}
# Behind which ids may stand, and their own options.
_OPTIONS = {
    "list": ("--all", "--sizes"),
    "attach": ("--all",),
    "resubmit": ("--failed",),
    "clean": ("--older", "--keep", "--state", "--all", "--dry-run", "--yes"),
    "doctor": ("--no-job", "--patience"),
}
_WITHOUT_IDS = ("list", "doctor")
_OF_A_LINE = ("resubmit", "doctor")
# So many of the latest jobs are offered.
_OFFERED = 30
# So long a key that is pressed may wait for Slurm, once; what it says later is there for the next.
_PATIENCE_SECONDS = 0.5


class Completion:
    """Says what may stand where the cursor is.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    grammars : mapping
        What the lines of cells take, by their magics without signs.
    configuration : callable
        Returns what the configuration files say.
    store : callable
        Returns the store of the notebook's jobs.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        grammars: Mapping[str, Grammar],
        configuration: Callable[[], Configuration],
        store: Callable[[], JobStore],
    ) -> None:
        self._shell = shell
        self._grammars = grammars
        self._configuration = configuration
        self._store = store
        self._offers = Offers(_PATIENCE_SECONDS)

    def offered(self, line: str) -> tuple[str, list[str]]:
        """Return what is typed of the last word, and what may stand there, the likely first."""
        *words, last = line.split(" ") if line else [""]
        words = [word for word in words if word]
        is_value = bool(words) and last.startswith("--") and "=" in last  # --partition=main
        if is_value:
            option, _, last = last.partition("=")
            words.append(option)
        magic = words[0].lstrip("%") if words else ""
        if words and words[0] == "%jobs":
            found = self._of_jobs(words[1:], last)
        elif words and words[0] == f"%%{magic}" and magic in self._grammars:
            found = self._of_line(self._grammars[magic], words)
        else:
            return last, []
        if is_value:
            found = [word for word in found if not word.startswith("-")]
        # Of several values, separated by commas, the last is completed.
        typed = last if last.startswith("--") else last.rpartition(",")[2]
        typed = typed.removeprefix("any:")
        return typed, [word for word in found if word.startswith(typed)]

    def _of_line(self, grammar: Grammar, words: list[str]) -> list[str]:
        before = words[-1]
        if grammar.takes_value(before):
            return self._values(f"--{grammar.long(before)}")
        return grammar.offered

    def _of_jobs(self, words: list[str], last: str) -> list[str]:
        if not words:
            return [*ACTIONS]
        action, before = words[0], words[-1]
        grammar = self._grammars.get("slurm") or next(iter(self._grammars.values()), None)
        of_a_line = grammar if action in _OF_A_LINE else None
        if before in ("--state", "--older", "--keep") or (
            of_a_line is not None and of_a_line.takes_value(before)
        ):
            return self._values(before if of_a_line is None else f"--{of_a_line.long(before)}")
        if last.startswith("-"):
            more = of_a_line.offered if of_a_line else ()
            return [*_OPTIONS.get(action, ()), *(flag for flag in more if flag not in FOR_CELLS)]
        return [] if action in _WITHOUT_IDS or action not in ACTIONS else self._jobs()

    def _values(self, option: str) -> list[str]:
        if option in _NAMES:
            return [
                n for n in self._shell.user_ns if not n.startswith("_") and not is_shells_own(n)
            ]
        if option == "--profile":
            return self._profiles()
        if option == "--after":
            return [*self._jobs(), "any:"]
        if option == "--state":
            return [state.value for state in JobState if state.ended]
        return self._offers.of(option.removeprefix("--")) or [*_EXAMPLES.get(option, ())]

    def _profiles(self) -> list[str]:
        try:
            return [*sorted(self._configuration().profiles), NONE]
        except OptionError:  # which is said when the cell is sent
            return []

    def _jobs(self) -> list[str]:
        """Return names that jobs are bound to, and the ends of the latest ids."""
        bound = [
            name for name, value in self._shell.user_ns.items()
            if isinstance(value, Job) and not name.startswith("_")
        ]  # fmt: skip
        try:
            folders = self._store().folders()[-_OFFERED:]
        except (FolderError, OSError):  # which is said by any other line
            folders = []
        return [*bound, *(folder.id.rpartition("-")[2] for folder in reversed(folders))]
