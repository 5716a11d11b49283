"""Names that the notebook has, and that an ``except … as`` clause of the cell may take away.

Whether such a clause runs is known only afterwards, and what the name stands for is not needed. So
in the job something else stands in its place, and if that is still there the cell has left it.
"""

from __future__ import annotations

from nbsubmit.core.cell import Cell
from nbsubmit.core.home import Namespace


class _StandIn:
    """What the notebook has by a name that the cell does not read."""


_STAND_IN = _StandIn()


def put(cell: Cell, namespace: Namespace) -> None:
    """Let something stand for these names."""
    for name in cell.handled:
        namespace.setdefault(name, _STAND_IN)


def take_away(cell: Cell, namespace: Namespace) -> list[str]:
    """Remove what stands for them, and return the names that the cell has taken away."""
    gone = [name for name in cell.handled if name not in namespace]
    for name in cell.handled:
        if namespace.get(name) is _STAND_IN:
            del namespace[name]
    return gone
