"""TAB on a magic's line: options, and names from the notebook where an option takes names."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core.options import Grammar
from nbsubmit.core.reserved import is_shells_own
from nbsubmit.notebook.job_commands import ACTIONS

_TAKE_NAMES = ("--in", "--without", "--out")


def install_completion(shell: InteractiveShell, grammars: Mapping[str, Grammar]) -> None:
    """Have the shell complete the lines of these magics."""
    for magic, grammar in grammars.items():
        shell.set_hook("complete_command", _complete_cell_line(grammar), str_key=f"%%{magic}")
    shell.set_hook("complete_command", _complete_jobs, str_key="%jobs")


def _complete_cell_line(grammar: Grammar):  # type: ignore[no-untyped-def]
    def complete(shell: InteractiveShell, event: SimpleNamespace) -> list[str]:
        words = event.line.split()
        before = words[-1] if event.line.endswith(" ") else words[-2] if len(words) > 1 else ""
        if before in _TAKE_NAMES:
            return [n for n in shell.user_ns if not n.startswith("_") and not is_shells_own(n)]
        if grammar.takes_value(before):
            return []
        return [flag for flag in grammar.flags if flag.startswith(event.symbol)]

    return complete


def _complete_jobs(_shell: InteractiveShell, event: SimpleNamespace) -> list[str]:
    return [word for word in ACTIONS if word.startswith(event.symbol)]
