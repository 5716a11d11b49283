"""A cell on its way: its Python text and what is needed to run it as if it ran in the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from nbsubmit.core.record import dataclass


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    source : str
        Plain Python, the shell's syntax already turned into calls.
    text : str
        The whole cell as it stands in the notebook, the magic's line made a comment.
    file_name : str
        The name under which the notebook compiles it.
    first_line : int
        The line of ``text``, from 1, at which ``source`` begins.
    execution_count : int
        The number in the notebook's prompt.
    compile_flags : int
        The flags of ``from __future__`` imports that hold in the notebook.
    interactivity : str
        Which expressions are shown: ``last_expr``, ``all``, … as in the shell's setting.
    traceback_mode, colors : str
        How the notebook shows errors.
    figure_formats : tuple of str
        The formats in which figures are shown inline; empty for the shell's own choice.
    numbers : mapping
        Code file → number in its prompt, for the earlier cells whose functions travel.
    bring : tuple of str or None
        Names to bring back; None for what the cell binds or changes.
    deletes : tuple of str
        Names that are surely gone when it ends, unless it fails.
    handled : tuple of str
        Names that the notebook has, the cell does not read, and an ``except … as`` clause of it
        may take away.
    watched : tuple of str or None
        Names that the cell may change in place; None for every one that was sent.
    binds : tuple of str
        Names that go back even if they are bound to the very object that was sent: one value of
        each task makes the list.
    """

    source: str
    text: str
    file_name: str
    first_line: int = 1
    execution_count: int = 1
    compile_flags: int = 0
    interactivity: str = "last_expr"
    traceback_mode: str = "Context"
    colors: str = "nocolor"
    figure_formats: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    bring: tuple[str, ...] | None = None
    deletes: tuple[str, ...] = ()
    handled: tuple[str, ...] = ()
    watched: tuple[str, ...] | None = None
    binds: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the cell as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cell:
        """Return what `to_json` wrote."""
        bring, watched = data["bring"], data["watched"]
        return cls(
            **{
                **data,
                "figure_formats": tuple(data["figure_formats"]),
                "bring": None if bring is None else tuple(bring),
                "deletes": tuple(data["deletes"]),
                "handled": tuple(data["handled"]),
                "binds": tuple(data["binds"]),
                "watched": None if watched is None else tuple(watched),
            }
        )
