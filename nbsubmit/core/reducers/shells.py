"""The shell itself: wherever it goes, it is the one that is there.

``ip = get_ipython()`` is an ordinary name of many notebooks, and a group of magics holds its shell.
"""

from __future__ import annotations

from typing import Any

from nbsubmit.core.reducers import Context, Reducer
from nbsubmit.core.shell import running_shell


def reducer_of(kind: type) -> Reducer | None:
    """Return what reduces values of this type."""
    names = {(base.__module__, base.__name__) for base in kind.__mro__}
    is_shell = ("IPython.core.interactiveshell", "InteractiveShell") in names
    return _reduce_shell if is_shell else None


def _reduce_shell(_shell: Any, _context: Context) -> Any:
    return running_shell, ()
