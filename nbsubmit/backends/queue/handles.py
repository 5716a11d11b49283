"""By what a launch in the queue is found again: ``KEY@HOST``, and ``KEY@HOST_3`` for a task.

The key is the job's own id, so that a job can be found even if nobody could write its handle
down; the name of the host keeps a machine that sees the same folders from taking a job of another
for one that is gone.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass

from nbsubmit.core.spec import Launch

_FORM = re.compile(r"(?P<key>[^@_:]+)(@(?P<host>[^_]*))?(_(?P<task>\d+))?")


@dataclass(frozen=True)
class Handle:
    """A handle taken apart.

    Attributes
    ----------
    key : str
        Of the launch.
    host : str
        The machine whose queue it is in.
    task : int or None
        A task of it, counted from 0; None for all of it.
    """

    key: str
    host: str
    task: int | None = None

    @classmethod
    def parse(cls, text: str) -> Handle | None:
        """Take a handle apart; None if it is not of this form. A key alone is one of here."""
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        host, task = found["host"], found["task"]
        return cls(found["key"], here() if host is None else host, int(task) if task else None)

    def __str__(self) -> str:
        task = "" if self.task is None else f"_{self.task}"
        return f"{self.key}@{self.host}{task}"

    @property
    def is_here(self) -> bool:
        """It is in the queue of this machine."""
        return self.host == here()


def key_of(launch: Launch) -> str:
    """Return the key of a launch; of a later part of an array its own."""
    return f"{launch.id}+{launch.first}" if launch.first else launch.id


def here() -> str:
    """Return the name of this machine."""
    return platform.node().replace("_", "-")
