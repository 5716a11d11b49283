"""A job as widgets: state, names, the tail of its output, its displays, and a button to end it.

Cost decides the form: a short tail of text in an HTML widget, at most four times a second and only
when it changed; never an Output widget for text. Everything that comes from a job is escaped, for
the HTML widget shows markup as it is. Updates come from the watching thread, so they need neither
a free main thread nor a running loop.
"""

from __future__ import annotations

import html
import logging
import threading
import time
from typing import Any

import ipywidgets as widgets

from nbsubmit.client import words
from nbsubmit.client.rows import JobRow
from nbsubmit.client.screen import as_shown
from nbsubmit.core.job import Job
from nbsubmit.core.output import OutputReader
from nbsubmit.core.state import JobState
from nbsubmit.notebook.replay import as_outputs
from nbsubmit.notebook.session import Session

_log = logging.getLogger("nbsubmit")

_TAIL_CHARACTERS = 16_000
_LEAST_SECONDS = 0.25
_TEXT = "nbsubmit job panel"

_COLOURS = {
    JobState.PENDING: "var(--jp-warn-color1, #b26a00)",
    JobState.RUNNING: "var(--jp-info-color1, #0b6bcb)",
    JobState.SUSPENDED: "var(--jp-warn-color1, #b26a00)",
    JobState.COMPLETED: "var(--jp-success-color1, #1b7f37)",
}
_FAILED_COLOUR = "var(--jp-error-color1, #b3261e)"


class Panel:
    """The widgets of one job.

    Parameters
    ----------
    job : Job
        The job.
    session : Session
        Tells what is shown of it.
    brief : bool
        Leave out the output: it appears below as the cell's own.
    """

    def __init__(self, job: Job, session: Session, *, brief: bool = False) -> None:
        self._job = job
        self._session = session
        self._brief = brief
        self._reader = OutputReader(job.folder, longest=4 * _TAIL_CHARACTERS)
        self._text = ""
        self._pieces: list[Any] = []
        self._lock = threading.Lock()
        self._drawn_at = 0.0
        self._title = widgets.HTML()
        self._names = widgets.HTML()
        self._tail = widgets.HTML()
        self._shown = widgets.Output()
        self._cancel = widgets.Button(
            description="Cancel", tooltip=f"End job {job.id}", layout=widgets.Layout(width="auto")
        )
        self._cancel.on_click(self._on_cancel)
        head = widgets.HBox([self._title, self._cancel], layout=_SPREAD)
        output = [] if brief else [self._tail, self._shown]
        self._box = widgets.VBox([head, self._names, *output])
        self._box.add_class("nbsubmit-panel")
        # First listen, then draw: an end in between is seen by the one or the other.
        job.listen(self._on_look)
        self._draw()

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return self.bundle()

    def bundle(self) -> dict[str, Any]:
        """Return what the notebook shows: the widgets, or a plain line without them."""
        data = dict(self._box._repr_mimebundle_())
        # Always the same words: the state would make each saved notebook differ.
        return {**data, "text/plain": f"{_TEXT} {self._job.id}"}

    def _on_look(self, job: Job) -> None:
        now = time.monotonic()
        if not job.state.ended and now - self._drawn_at < _LEAST_SECONDS:
            return
        self._drawn_at = now
        try:
            self._draw()
        except Exception:
            _log.exception("the panel of job %s could not be drawn", job.id)

    def _on_cancel(self, _button: Any) -> None:
        """Cancel from a thread: the click may come in any, and the backend may be slow."""
        self._cancel.disabled = True
        self._cancel.description = "Cancelling"
        threading.Thread(target=self._try_to_cancel, name="nbsubmit-cancel", daemon=True).start()

    def _try_to_cancel(self) -> None:
        try:
            self._job.cancel()
        except Exception as error:
            self._cancel.disabled = False
            self._cancel.description = "Cancel"
            self._cancel.tooltip = str(error)
            _log.warning("job %s could not be cancelled: %s", self._job.id, error)

    def _draw(self) -> None:
        with self._lock:
            row = self._session.row(self._job)
            _set(self._title, "value", title_html(row))
            _set(self._names, "value", names_html(row))
            if not self._brief:
                self._read()
                _set(self._tail, "value", tail_html(self._text, row))
                _set(self._shown, "outputs", tuple(as_outputs(self._pieces)))
            if row.state.ended:
                self._cancel.layout.display = "none"

    def _read(self) -> None:
        for piece in self._reader.read():
            if piece.text:
                self._text = (self._text + piece.text)[-4 * _TAIL_CHARACTERS :]
            else:
                self._pieces.append(piece)


_SPREAD = widgets.Layout(justify_content="space-between", align_items="center")


def _set(widget: Any, trait: str, value: Any) -> None:
    if getattr(widget, trait) != value:
        setattr(widget, trait, value)


def title_html(row: JobRow) -> str:
    """The state in colour, then the rest of the title; and the reason below it."""
    colour = _COLOURS.get(row.state, _FAILED_COLOUR)
    name, when = html.escape(words.name(row)), html.escape(words.where_and_when(row))
    reason = html.escape(words.why(row))
    state = f'<b style="color:{colour}">{row.state.value}</b>'
    return f"{name} {state} {when}" + (f"<br>{reason}" if reason else "")


def names_html(row: JobRow) -> str:
    """What was sent and what came back, with the whole list to open."""
    summary = html.escape(words.sends(row))
    rows = "".join(_table_row(line) for line in row.sent)
    rows += "".join(_table_row((name, "left out", "", "", why)) for name, why in row.left_out)
    if rows:
        summary = f"<details><summary>{summary}</summary><table>{rows}</table></details>"
    lines = [summary, *(html.escape(line) for line in (*words.warnings(row), words.brings(row)))]
    return "".join(f"<div>{line}</div>" for line in lines if line)


def _table_row(cells: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(cell)}&ensp;</td>" for cell in cells) + "</tr>"


def tail_html(text: str, row: JobRow) -> str:
    """The end of the job's text, and its traceback."""
    shown = as_shown(text)[-_TAIL_CHARACTERS:]
    error = as_shown("\n".join(row.error))
    parts = [part for part in (shown.strip("\n"), error) if part]
    return "".join(f'<pre style="{_PRE}">{html.escape(part)}</pre>' for part in parts)


_PRE = (
    "max-height:24em;overflow:auto;margin:4px 0;line-height:1.3;"
    "display:flex;flex-direction:column-reverse;"
)
