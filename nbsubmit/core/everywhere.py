"""Objects that every process has of its own: its streams, its environment, what asks its user.

They go by name. A function whose default is ``file=sys.stdout`` prints in the job to where the job
prints, and ``env = os.environ`` is the environment there.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
import types
from typing import Any

# Every dictionary that `exec` has run in holds it. Pickle does not ask about plain dictionaries, so
# it stands in the memo from the start: of the pickler, and by this first pickle of its stream.
BUILTINS = vars(builtins)
MEMO = {id(BUILTINS): (0, BUILTINS)}
FIRST = b"\x80\x05cbuiltins\n__dict__\n\x94."

_STREAMS = ("stdout", "stderr", "__stdout__", "__stderr__")


def reduce(obj: Any) -> Any:
    """Reduce such an object to its name."""
    # In a notebook it is a method of the kernel.
    if isinstance(obj, types.MethodType) and obj == builtins.input:
        return getattr, (builtins, "input")
    if obj is os.environ:
        return getattr, (os, "environ")
    # Text that somebody collects is a value, even while prints are led to it.
    if not isinstance(obj, io.StringIO):
        for name in _STREAMS:
            if obj is getattr(sys, name, None):
                return getattr, (sys, name.strip("_"))
    return NotImplemented
