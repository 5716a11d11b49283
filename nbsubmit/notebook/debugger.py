"""IPython's own debugger on the frames that a job has left."""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.display_trap import DisplayTrap
from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core.postmortem import PostMortem


def debug(shell: InteractiveShell, found: PostMortem) -> None:
    """Ask the user what to show of the frames, until that is enough.

    Parameters
    ----------
    shell : InteractiveShell
        Whose debugger and colours are used.
    found : PostMortem
        The frames.
    """
    kind = shell.debugger_cls

    class Debugger(kind):  # type: ignore[misc, valid-type]
        """The shell's, which gets the arguments from elsewhere: the frames' code has none."""

        def do_args(self, _arg: str) -> None:
            """args

            Print the arguments of the current function.
            """  # noqa: D400, D403 - what the debugger's `help args` shows
            values = self.curframe.f_locals
            for name in found.arguments[id(self.curframe)]:
                self.message(f"{name} = {_shown(values.get(name))}")

        do_a = do_args

    debugger = Debugger()
    # As IPython's own %debug: what an expression gives is printed, and is no result of the cell.
    with DisplayTrap(hook=sys.__displayhook__), found.lines_at_hand():
        debugger.reset()
        trace = found.error.__traceback__
        debugger.botframe = trace.tb_frame if trace else None
        debugger.interaction(None, found.error)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"*** repr failed: {type(error).__name__}: {error}"
