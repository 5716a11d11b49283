"""A job's output as the cell's own: printed and displayed here as it was there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from IPython.display import clear_output, publish_display_data

from nbsubmit.core.harmless import for_stream
from nbsubmit.core.job import Job
from nbsubmit.core.output import OutputReader, Piece
from nbsubmit.core.result import CellError
from nbsubmit.notebook.place import Place

_TEXT = "text/plain"
_EVENTS = ("display_data", "update_display_data")


class Replay:
    """Gives out what is new of a job's output, each time it is asked.

    Parameters
    ----------
    job : Job
        The job.
    """

    def __init__(self, job: Job) -> None:
        self._reader = OutputReader(job.folder)
        self.result: dict[str, Any] | None = None
        # Whether what was printed last has ended its line.
        self.at_line_start = True
        self._late: list[Piece] = []

    def more(self, before: Callable[[], None] = lambda: None) -> None:
        """Give out what is new; the cell's result is kept in `result`, and what is below it too.

        Parameters
        ----------
        before : callable
            Called before anything is given out.
        """
        pieces = self._reader.read()
        if pieces:
            before()
        for piece in pieces:
            if piece.late:
                self._late.append(piece)
            else:
                self._give_out(piece)
        sys.stdout.flush()
        sys.stderr.flush()

    def finish(self) -> None:
        """Give out what stands below the result or the error: the figures that were open."""
        for piece in self._late:
            self._give_out(piece)
        self._late.clear()

    def _give_out(self, piece: Piece) -> None:
        content = piece.content
        if piece.text:
            self.at_line_start = piece.text.endswith("\n")
        if piece.kind == "stdout":
            sys.stdout.write(for_stream(piece.text, sys.stdout))
        elif piece.kind == "stderr":
            sys.stderr.write(for_stream(piece.text, sys.stderr))
        elif piece.kind == "clear_output":
            clear_output(wait=content["wait"])
        elif piece.kind == "execute_result":
            self.result = content
        elif piece.kind in _EVENTS:
            publish_display_data(
                data=shown(content["data"]),
                metadata=content["metadata"],
                transient=content["transient"],
                update=piece.kind == "update_display_data",
            )


def shown(data: dict[str, Any]) -> dict[str, Any]:
    """Return a display as it is given out here: a terminal shows nothing of it but its text."""
    text = data.get(_TEXT)
    return {**data, _TEXT: for_stream(text, sys.stdout)} if isinstance(text, str) else data


def as_outputs(pieces: list[Piece]) -> list[dict[str, Any]]:
    """Return the displays in nbformat's shape, with updates and clearing carried out."""
    return [
        {
            "output_type": "display_data",
            "data": piece.content["data"],
            "metadata": piece.content["metadata"],
        }
        for piece in settled(pieces)
        if piece.kind in ("display_data", "execute_result")
    ]


def settled(pieces: list[Piece]) -> list[Piece]:
    """Return what is left to be seen when all has been carried out: clearing, and updates."""
    shown: list[Piece] = []
    by_id: dict[str, int] = {}
    for piece in pieces:
        known = piece.content.get("transient", {}).get("display_id")
        if piece.kind == "clear_output":
            shown, by_id = [], {}
        elif piece.kind == "update_display_data":
            if known in by_id:
                shown[by_id[known]] = replace(piece, kind="display_data")
        else:
            if known is not None:
                by_id[known] = len(shown)
            shown.append(piece)
    return shown


def give_out(pieces: list[Piece], error: CellError | None, place: Place, *, most: int) -> None:
    """Show a whole job's output in the place of its cell, in order; of long text the end.

    Parameters
    ----------
    pieces : list of Piece
        All of it.
    error : CellError or None
        What ended the cell.
    place : Place
        Where.
    most : int
        Characters of text at most.
    """
    rest = settled(pieces)
    text = sum(len(piece.text) for piece in rest)
    for piece in (p for p in rest if not p.late):
        skipped = min(max(text - most, 0), len(piece.text))
        text -= len(piece.text)
        _show(piece, piece.text[skipped:], place)
    if error is not None:
        place.error(error.ename, error.evalue, list(error.traceback))
    for piece in (p for p in rest if p.late):
        _show(piece, piece.text, place)


def _show(piece: Piece, text: str, place: Place) -> None:
    if text:
        place.text(piece.kind, text)
    elif piece.kind in ("display_data", "execute_result"):
        content = piece.content
        place.display(content["data"], content["metadata"], content.get("transient"))
