"""A job as widgets while it lives, and as a static record in the same place when it has ended.

Cost decides the form: a short tail of text in an HTML widget, at most four times a second and only
when it changed, which takes 3.5 ms of a processor each time; never an Output widget for text.
Updates come from the watching thread, so they need neither a free main thread nor a running loop.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Any, Protocol

import ipywidgets as widgets

from nbsubmit.client.meters import Meters
from nbsubmit.client.rows import JobRow
from nbsubmit.client.screen import Screen
from nbsubmit.core.job import Job
from nbsubmit.core.output import OutputReader, Piece
from nbsubmit.core.state import JobState
from nbsubmit.core.tasked import TaskedJob
from nbsubmit.notebook import grid, markup, record
from nbsubmit.notebook.buttons import Buttons
from nbsubmit.notebook.comm import answering_at_once
from nbsubmit.notebook.place import Place
from nbsubmit.notebook.replay import as_outputs, give_out
from nbsubmit.notebook.tasks import first_failed

_log = logging.getLogger("nbsubmit")

_TAIL_CHARACTERS = 16_000
_LINES = 200
_READ_BYTES = 64_000
_RECORD_CHARACTERS = 64_000
_LEAST_SECONDS = 0.25
# Displays go whole each time that one comes; a second passes for each of so many characters.
_DISPLAYS_A_SECOND = 100_000
_TEXT = "nbsubmit job panel"
_TABS = ("Output", "Displays", "Names", "Resources", "Script")


class Acts(Protocol):
    """What a panel needs of the session."""

    def row(self, job: Job, meters: Meters | None = None) -> JobRow:
        """Return what is shown of a job."""

    def bring_in(self, job: Job) -> None:
        """Bring in what a job has made, over what is there."""

    def again(self, job: Job, line: str, place: Place) -> Job:
        """Send a job once more, with these options, and show it in this place."""


class Panel:
    """What is shown of one job.

    Parameters
    ----------
    job : Job
        The job.
    acts : Acts
        Tells what is shown of it, and does what is asked for.
    place : Place
        Where it is shown.
    brief : bool
        Leave out the output: it appears below as the cell's own.
    """

    def __init__(self, job: Job, acts: Acts, place: Place, *, brief: bool = False) -> None:
        self._job = job
        self._acts = acts
        self._place = place
        self._brief = brief
        self._display_id = f"nbsubmit-{job.id}"
        self._look_at(job.parts[0])
        self._lock = threading.RLock()
        self._drawn_at = 0.0
        self._displays_at = 0.0
        # Shown for its buttons though the job has ended, until the next cell runs.
        self._lingers = False
        self._closed = False
        self._gave_out = brief
        self._settled: dict[str, str] = {}
        self._chosen = False
        self._parts = _Parts(brief, len(job.parts) if isinstance(job, TaskedJob) else 0)
        self._parts.task.observe(self._on_choice, "value")
        self._buttons = Buttons(job, acts, lambda: self._place, lambda: self._task)
        self._box = widgets.VBox(
            [self._parts.title, self._parts.grid, self._buttons.box, self._parts.tabs],
            # The same for a job in every kernel: a saved page finds it again.
            model_id=uuid.uuid5(uuid.NAMESPACE_OID, job.id).hex,
        )
        self._box.add_class("nbsubmit-panel")

    def _look_at(self, task: Job) -> None:
        """Show the output of this task from its beginning; of a job without any it is the job."""
        self._task = task
        self._reader = OutputReader(task.folder, longest=_READ_BYTES)
        self._meters = Meters(task)
        self._screen = Screen(_LINES)
        self._pieces: list[Piece] = []
        self._undrawn = True
        self._clears = False

    def _on_choice(self, change: Any) -> None:
        with self._lock:
            if not self._closed:
                self._chosen = True
                self._look_at(self._job.parts[change["new"]])
                self._draw()

    def _show_first_failed(self, row: JobRow) -> None:
        """Show the task that failed first, unless somebody has chosen one."""
        if row.failed and not self._chosen:
            self._parts.task.value = row.failed[0].place
            self._chosen = True

    @property
    def is_over(self) -> bool:
        """Whether its job has ended and nothing more is to be shown."""
        return self._job.done() and not self._lingers

    def show(self, *, lingers: bool = False) -> None:
        """Show it: the widgets of a live job, the record of one that has ended.

        Parameters
        ----------
        lingers : bool
            Show the widgets of an ended job too, until `settle` is called.
        """
        self._lingers = lingers
        transient = {"display_id": self._display_id}
        data = dict(self._box._repr_mimebundle_())
        # Always the same words: the state would make each saved notebook differ.
        data["text/plain"] = f"{_TEXT} {self._job.id}"
        with self._lock:
            # First listen, then draw: an end in between is seen by the one or the other.
            self._job.listen(self._on_look)
            self._place.display(data, transient=transient)
            self._draw()

    def move(self, place: Place) -> None:
        """Show it in another place too, and what is still to come there alone."""
        with self._lock:
            self._place = place
            data = self._settled or {
                **self._box._repr_mimebundle_(),
                "text/plain": f"{_TEXT} {self._job.id}",
            }
            place.display(dict(data), transient={"display_id": self._display_id})

    def settle(self) -> None:
        """Put the record in the place of the widgets, if the job has ended."""
        self._lingers = False
        if self._job.done() and not self._closed:
            with self._lock:
                self._record(self._acts.row(self._job, self._meters))

    def close(self) -> None:
        """Let the widgets go, and show nothing more."""
        self._job.unlisten(self._on_look)
        with self._lock:
            self._closed = True
        for widget in (*self._parts.all(), *self._buttons.all(), self._box):
            widget.close()

    def _on_look(self, job: Job) -> None:
        now = time.monotonic()
        if not job.state.ended and now - self._drawn_at < _LEAST_SECONDS:
            return
        self._drawn_at = now
        try:
            with self._lock:
                if not self._closed:
                    self._draw()
        except Exception:
            _log.exception("the panel of job %s could not be drawn", job.id)

    def _draw(self) -> None:
        row = self._acts.row(self._job, self._meters)
        parts = self._parts
        _set(parts.title, "value", record.title(row))
        _set(parts.grid, "value", grid.grid(row) + grid.failures(row))
        self._show_first_failed(row)
        _set(parts.names, "value", record.names(row))
        _set(parts.resources, "value", record.resources(row))
        if not parts.script.value:
            parts.script.value = record.script(_script(self._job))
        if not self._brief:
            self._draw_output(row)
        self._buttons.draw(row)
        if row.state.ended and not self._lingers:
            self._record(row)

    def _draw_output(self, row: JobRow) -> None:
        for piece in self._reader.read():
            if self._clears and piece.kind != "clear_output":
                self._screen, self._clears = Screen(_LINES), False
            if piece.text:
                self._screen.feed(piece.text, piece.kind)
            else:
                self._pieces.append(piece)
                self._undrawn = True
                # What is cleared stays until something new comes, so that nothing flickers.
                self._clears |= piece.kind == "clear_output"
        content = markup.screen(self._screen.lines, _TAIL_CHARACTERS)
        result = self._task.found.result
        if result is not None and result.error is not None:
            error = Screen()
            error.feed("\n".join(result.error.traceback))
            content += "\n" + markup.screen(error.lines, _TAIL_CHARACTERS)
        _set(self._parts.tail, "value", markup.pre(content, "24em"))
        now = time.monotonic()
        if self._undrawn and (now >= self._displays_at or row.state.ended):
            self._undrawn = False
            outputs = as_outputs(self._pieces)
            size = sum(len(str(output["data"])) for output in outputs)
            self._displays_at = now + size / _DISPLAYS_A_SECOND
            _set(self._parts.displays, "outputs", tuple(outputs))
            if outputs:
                self._parts.tabs.set_title(1, f"Displays ({len(outputs)})")

    def _record(self, row: JobRow) -> None:
        data = record.bundle(row, _script(self._job), commands(row))
        if data == self._settled:
            return
        self._settled = data
        transient = {"display_id": self._display_id}
        self._place.display(dict(data), transient=transient, update=True)
        if not self._gave_out:
            self._gave_out = True
            result = first_failed(self._job).found.result
            pieces = OutputReader(self._job.folder, longest=_RECORD_CHARACTERS).read()
            error = result.error if result else None
            give_out(pieces, error, self._place, most=_RECORD_CHARACTERS)


class _Parts:
    """The widgets that show something."""

    def __init__(self, brief: bool, tasks: int) -> None:
        self.title = widgets.HTML()
        self.grid = widgets.HTML()
        self.task = widgets.BoundedIntText(
            0, min=0, max=max(tasks - 1, 0), description="Task", tooltip="Whose output is shown"
        )
        answering_at_once(self.task.comm)
        self.tail = widgets.HTML()
        self.displays = widgets.Output()
        self.names = widgets.HTML()
        self.resources = widgets.HTML()
        self.script = widgets.HTML()
        shown = [self.names, self.resources, self.script]
        if not brief:
            self.output = widgets.VBox([self.task, self.tail] if tasks else [self.tail])
            shown = [self.output, self.displays, *shown]
        self.tabs = widgets.Tab(shown, titles=_TABS[-len(shown) :])

    def all(self) -> list[Any]:
        return list(vars(self).values())


def commands(row: JobRow) -> list[str]:
    """What can be done with a job that has not gone well, as one types it."""
    if not row.state.ended or row.state is JobState.COMPLETED:
        return []
    if row.failed:
        task = f"{row.short_id}_{row.failed[0].place}"
        again = f"%jobs resubmit {row.short_id} --failed"
        debug = [f"%jobs debug {task}"] if row.frames else []
        return [again, *debug, f"%jobs logs {task}"]
    found = [f"%jobs debug {row.short_id}"] if row.frames else []
    memory = row.limits.memory if row.state is JobState.OUT_OF_MEMORY else None
    more = f" --mem {2 * memory >> 20}M" if memory else ""
    return [*found, f"%jobs resubmit {row.short_id}{more}", f"%jobs logs {row.short_id}"]


def _script(job: Job) -> str:
    try:
        return job.folder.script_file.read_text(errors="replace")
    except OSError:
        return ""


def _set(widget: Any, trait: str, value: Any) -> None:
    if getattr(widget, trait) != value:
        setattr(widget, trait, value)
