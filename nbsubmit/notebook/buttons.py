"""A panel's buttons. A click may come in any thread, and what it asks for may take long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from nbsubmit.client.rows import JobRow
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.job import Job
from nbsubmit.core.state import JobState
from nbsubmit.notebook.comm import answering_at_once
from nbsubmit.notebook.markup import tag, text
from nbsubmit.notebook.place import Place

if TYPE_CHECKING:
    from nbsubmit.notebook.panel import Acts

_SECONDS_TO_CONFIRM = 10.0
_FAILED = "--failed"


class Buttons:
    """What can be done with a job by a click.

    Parameters
    ----------
    job : Job
        The job.
    acts : Acts
        Does it.
    place : callable
        Returns where a job that is sent from here is shown.
    task : callable
        Returns what is looked at now: of an array one of its tasks.
    """

    def __init__(
        self, job: Job, acts: Acts, place: Callable[[], Place], task: Callable[[], Job]
    ) -> None:
        self._job = job
        self._acts = acts
        self._place = place
        self._asked_at = 0.0
        self.cancel = _button("Cancel", f"End job {job.id}")
        self.again = _button("Resubmit…", "Send the same again, with other options if you like")
        self.failed = _button("Rerun failed…", "Run the tasks again that failed")
        self.bring = _button("Bring in", "Bind what the job has made, over what is there now")
        self.log = _button("Log file", "Where the whole log is")
        self.options = widgets.Text(
            value=_options(job),
            description="Options",
            layout=widgets.Layout(flex="1 1 16em", width="auto"),
            continuous_update=False,
        )
        self.send = _button("Send", "Send it with these options")
        self.double = _button("With 2x memory", "Send it with twice the memory")
        self.form = _row(self.options, self.send, self.double)
        self.form.layout.display = "none"
        self.message = widgets.HTML()
        self.row = _row(self.cancel, self.again, self.failed, self.bring, self.log)
        self.box = widgets.VBox([self.row, self.form, self.message])
        self.cancel.on_click(self._on_cancel)
        self.again.on_click(self._on_again)
        self.failed.on_click(self._on_failed)
        self.bring.on_click(lambda button: self._do(button, self._bring))
        self.log.on_click(lambda _: self._say(_logs(task().folder)))
        self.send.on_click(lambda b: self._do(b, lambda: self._send(self.options.value)))
        self.double.on_click(lambda b: self._do(b, lambda: self._send(self._doubled)))
        for widget in (*self.row.children, *self.form.children):
            answering_at_once(widget.comm)
        self._memory = 0

    def all(self) -> list[Any]:
        """Return its widgets."""
        return [found for found in vars(self).values() if isinstance(found, widgets.Widget)]

    def draw(self, row: JobRow) -> None:
        """Show the buttons that make sense now."""
        _show(self.cancel, not row.state.ended)
        _show(self.failed, row.state.ended and bool(row.failed))
        _show(self.bring, row.state.ended and bool(row.back or row.kept))
        self._memory = row.limits.memory or 0
        _show(self.double, row.state is JobState.OUT_OF_MEMORY and self._memory > 0)
        if (
            self._asked_at
            and not self.cancel.disabled
            and time.monotonic() - self._asked_at > _SECONDS_TO_CONFIRM
        ):
            self._asked_at = 0.0
            self.cancel.description, self.cancel.button_style = "Cancel", ""

    @property
    def _doubled(self) -> str:
        return f"{self.options.value} --mem {2 * self._memory >> 20}M"

    def _on_cancel(self, _button: Any) -> None:
        """Ask once, then cancel."""
        if not self._asked_at:
            self._asked_at = time.monotonic()
            self.cancel.description, self.cancel.button_style = "Really cancel?", "danger"
            return
        self.cancel.description = "Cancelling"
        self._do(self.cancel, self._try_to_cancel)

    def _try_to_cancel(self) -> None:
        try:
            self._job.cancel()
        finally:
            self.cancel.description, self.cancel.button_style = "Cancel", ""
            self._asked_at = 0.0
        self._say("it has been asked to end")

    def _on_again(self, _button: Any) -> None:
        hidden = self.form.layout.display == "none"
        self.form.layout.display = "" if hidden else "none"

    def _on_failed(self, _button: Any) -> None:
        """Open the form with the option that says which tasks."""
        if _FAILED not in self.options.value.split():
            self.options.value = f"{self.options.value} {_FAILED}".strip()
        self.form.layout.display = ""

    def _bring(self) -> None:
        self._acts.bring_in(self._job)
        self._say("its names are bound before the next cell runs")

    def _send(self, line: str) -> None:
        job = self._acts.again(self._job, line, self._place())
        self.form.layout.display = "none"
        self._say(f"sent again as job {job.id}")

    def _do(self, button: Any, act: Callable[[], None]) -> None:
        """Do it in a thread, once for all clicks until then, and say what went wrong."""
        if button.disabled:
            return
        button.disabled = True

        def attempt() -> None:
            try:
                act()
            except Exception as error:
                self._say(str(error))
            finally:
                button.disabled = False

        threading.Thread(target=attempt, name="nbsubmit-button", daemon=True).start()

    def _say(self, message: str) -> None:
        self.message.value = tag("div", text(message), "white-space:pre-wrap", role="status")


def _logs(folder: JobFolder) -> str:
    return f"{folder.log_out}\n{folder.log_err}"


def _row(*parts: Any) -> Any:
    return widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


def _button(description: str, tooltip: str) -> Any:
    return widgets.Button(
        description=description, tooltip=tooltip, layout=widgets.Layout(width="auto")
    )


def _show(widget: Any, shown: bool) -> None:
    display = "" if shown else "none"
    if widget.layout.display != display:
        widget.layout.display = display


def _options(job: Job) -> str:
    line = str(job.spec.get("line", ""))
    return line.partition(" ")[2] if line.startswith("%%") else line
