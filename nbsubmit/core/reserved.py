"""The names that belong to the shell; what they hold means nothing in another process."""

from __future__ import annotations

import re

SHELLS_OWN = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open", "display"})
_HISTORY = re.compile(r"_i+$|_i\d+$|_[dio]h$|__\w+__$")


def is_shells_own(name: str) -> bool:
    """Tell whether a name is the shell's and not the user's."""
    return name in SHELLS_OWN or _HISTORY.match(name) is not None
