"""IPython's own debugger on the frames that a job has left."""

from __future__ import annotations

import inspect
import linecache
import re
import sys
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any

from IPython.core.display_trap import DisplayTrap
from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.core.postmortem import PostMortem
from nbsubmit.notebook.place import is_headless

_NAME = re.compile(r"[^\W\d]\w*")
_LONGEST = 200


def debug(shell: InteractiveShell, found: PostMortem) -> None:
    """Ask the user what to show of the frames, until that is enough.

    Where a program runs the notebook, and nobody can be asked, all frames are shown with the values
    of their variables.

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

        def show_all(self) -> None:
            """Print each frame and its variables, from where it stopped upwards."""
            for frame, line in reversed(self.stack):
                self.print_stack_entry((frame, line))
                for name, value in _variables(frame):
                    self.message(f"{name} = {_cut(_shown(value))}")
                self.message("")

    debugger = Debugger()
    # As IPython's own %debug: what an expression gives is printed, and is no result of the cell.
    with DisplayTrap(hook=sys.__displayhook__), found.lines_at_hand():
        debugger.reset()
        trace = found.error.__traceback__
        debugger.botframe = trace.tb_frame if trace else None
        if is_headless(shell):
            debugger.setup(None, trace)
            debugger.show_all()
        else:
            debugger.interaction(None, found.error)


def _variables(frame: FrameType) -> Iterator[tuple[str, Any]]:
    """What a function has bound, or what the cell's text names, but for definitions."""
    names = [*frame.f_locals]
    if frame.f_locals is frame.f_globals or "__builtins__" in frame.f_locals:
        names = _NAME.findall("".join(linecache.getlines(frame.f_code.co_filename)))
    for name in dict.fromkeys(names):
        value = frame.f_locals.get(name, frame)
        if value is not frame and not _is_definition(value):
            yield name, value


def _is_definition(value: Any) -> bool:
    return isinstance(value, ModuleType | type) or inspect.isroutine(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"*** repr failed: {type(error).__name__}: {error}"
