"""What travels to a job, what stays behind, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbsubmit.core.contents import Entry, total_bytes
from nbsubmit.core.home import Namespace
from nbsubmit.core.layout import Placed
from nbsubmit.core.memory import Spans
from nbsubmit.core.met import Met

# Why a name goes that the cell itself does not reach.
PART = "part of what goes"


@dataclass(frozen=True)
class LeftOut:
    """A name that stays behind, and why."""

    name: str
    reason: str


@dataclass
class Payload:
    """What travels to the job.

    Attributes
    ----------
    placed : Placed
        The pickled values, and where they are to lie.
    names : dict
        Name → value, of all that is pickled, in this order.
    met : Met
        All objects that go, with their numbers in the stream; none if that is very much.
    classes : list of type
        The classes that go by value.
    prints : dict
        Name → fingerprint, of those values that needed not be pickled once more for it.
    shared : Spans or None
        Memory that several of them share.
    modules : dict
        Name → module that it is bound to.
    submodules : list of str
        Modules that the cell reaches through those: ``concurrent.futures`` through ``concurrent``.
    left_out : list of LeftOut
        What stays behind.
    missing : list of str
        Names that the cell reads and the notebook does not have.
    excluded : list of str
        Names that the notebook has and the user does not want to be sent.
    others : list of str
        All further names that the notebook has: if the cell misses one, it can be told so.
    warnings : list of str
        What the user should know before the job ends.
    sources : dict
        Code file → text, for the functions that travel, so that their lines show in a traceback.
    looked_up : dict
        Module → the first name that needs it, of all modules that the job has to import.
    """

    placed: Placed
    names: Namespace
    met: Met = field(default_factory=Met)
    classes: list[type] = field(default_factory=list)
    prints: dict[str, bytes] = field(default_factory=dict)
    shared: Spans | None = None
    modules: dict[str, str] = field(default_factory=dict)
    submodules: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    looked_up: dict[str, str] = field(default_factory=dict)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The values in the list of contents."""
        return self.placed.contents.entries

    @property
    def size_bytes(self) -> int:
        """What the values take together."""
        return total_bytes(self.entries)
