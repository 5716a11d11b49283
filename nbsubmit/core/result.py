"""What a job brings back, as it is written beside the values: the outcome is never lost.

The file that holds it appears last, so whoever sees it sees all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from nbsubmit.core import packages
from nbsubmit.core.contents import EMPTY, Contents, Entry
from nbsubmit.core.folder import FORMAT, check_format
from nbsubmit.core.harmless import printed
from nbsubmit.core.packages import Package
from nbsubmit.core.record import dataclass

# Names in the bundle that no cell can bind.
VALUE = "<value>"
EXCEPTION = "<exception>"
# What that was raised from; pickling an exception leaves it out.
CAUSE = "<cause>"
# Classes that were changed and that no name is bound to, with what has changed in them.
CLASSES = "<classes>"
NO_NAMES = frozenset({VALUE, EXCEPTION, CAUSE, CLASSES})
# Why an entry is there that is no value of the cell's own making.
IMPORTED = "imported"
# The names of the errors of a job whose result could not be written, and of one that has come to
# its end and whose values cannot travel.
NOT_WRITTEN, NOT_BROUGHT = "ResultNotWritten", "NotBroughtBack"
# Of an exception that a name holds, too.
HELD = "held by a name"


@dataclass(frozen=True)
class CellError:
    """An exception that ended the cell, as text.

    Attributes
    ----------
    ename, evalue : str
        Its type's name and its message.
    traceback : tuple of str
        The formatted traceback as the shell would print it, with the notebook's colours.
    """

    ename: str
    evalue: str
    traceback: tuple[str, ...]

    def __post_init__(self) -> None:
        # A message may be any text, and it is printed wherever the error is shown.
        object.__setattr__(self, "evalue", printed(self.evalue, goes_on=True))
        lines = tuple(printed(line, goes_on=True) for line in self.traceback)
        object.__setattr__(self, "traceback", lines)

    def __str__(self) -> str:
        return f"{self.ename}: {self.evalue}" if self.evalue else self.ename


@dataclass(frozen=True)
class Result:
    """The outcome of a cell.

    Attributes
    ----------
    started, ended : float
        Seconds since the epoch, by the node's clock.
    python : tuple of int
        The worker's version of Python, major and minor.
    error : CellError or None
        What ended the cell early.
    contents : Contents
        The values that came back.
    changed : tuple of str
        Those among them that were sent and changed in place.
    renewed : tuple of str
        Those that another job had brought to this one, which has changed them in place.
    deleted : tuple of str
        Names that the cell deleted.
    modules : mapping
        Name → module that the cell imported under it.
    submodules : tuple of str
        Modules that the cell imported and that are reached through those.
    unsent : mapping
        Name → why its value had to stay on the node.
    ambient : mapping
        What the cell changed around itself, as `nbsubmit.core.ambient` packs it.
    packages : tuple of Package
        The packages that the values are rebuilt with.
    signal : str
        The signal that ended the cell, or empty. Why it was sent, the backend knows.
    """

    started: float
    ended: float
    python: tuple[int, int]
    error: CellError | None = None
    contents: Contents = EMPTY
    changed: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    modules: Mapping[str, str] = field(default_factory=dict)
    submodules: tuple[str, ...] = ()
    unsent: Mapping[str, str] = field(default_factory=dict)
    ambient: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[Package, ...] = ()
    signal: str = ""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The values that came back, one by one."""
        return self.contents.entries

    @property
    def names(self) -> list[str]:
        """The notebook's names among the values."""
        return [e.name for e in self.entries if e.name not in NO_NAMES]

    @property
    def imported(self) -> list[str]:
        """The names under which the cell imported a module or something from one."""
        return [e.name for e in self.entries if e.why == IMPORTED] + list(self.modules)

    def has(self, name: str) -> bool:
        """Tell whether there is a value by this name."""
        return any(entry.name == name for entry in self.entries)

    def is_held(self, name: str) -> bool:
        """Tell whether a value by this name is part of another one."""
        return any(entry.name == name and entry.why == HELD for entry in self.entries)

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """Return what `to_json` wrote.

        Raises
        ------
        OtherFormat
            If another nbsubmit has written it.
        """
        check_format(data, "the job's result")
        error = data["error"]
        return cls(
            started=data["started"],
            ended=data["ended"],
            python=(data["python"][0], data["python"][1]),
            error=error and CellError(error["ename"], error["evalue"], tuple(error["traceback"])),
            contents=Contents.from_json(data["contents"]),
            changed=tuple(data["changed"]),
            renewed=tuple(data["renewed"]),
            deleted=tuple(data["deleted"]),
            modules=data["modules"],
            submodules=tuple(data["submodules"]),
            unsent=data["unsent"],
            ambient=data["ambient"],
            packages=packages.from_json(data["packages"]),
            signal=data["signal"],
        )
