"""The line between a kernel and front ends that draw more than panels.

The kernel opens it when the extension is loaded. Nothing is looked at until a front end asks for a
snapshot. A page that is loaded anew, and a second one, take up the same line: each message may come
twice. What is said on it is the business of `talk`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import comm
from IPython.core.interactiveshell import InteractiveShell

from nbsubmit.client.messages import WIRE, rows_message
from nbsubmit.notebook.place import has_front_end

if TYPE_CHECKING:
    from nbsubmit.notebook.talk import Talk

_log = logging.getLogger("nbsubmit")

TARGET = "nbsubmit.jobs"
SNAPSHOT = "snapshot"
_BEFORE_CELL = "pre_run_cell"


class JobsComm:
    """The line between a shell and its front ends.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    may_have_jobs : callable
        Tells whether there is anything that could be told of.
    talk : callable
        Returns what knows the jobs; it is loaded when something is asked of them.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        may_have_jobs: Callable[[], bool],
        talk: Callable[[], Talk],
    ) -> None:
        self._shell = shell
        self._may_have_jobs = may_have_jobs
        self._talk = talk
        self._comms: list[Any] = []
        # Until a front end has asked nobody listens to what is sent.
        self._is_asked = False

    @property
    def is_heard(self) -> bool:
        """Whether a front end is there that has asked."""
        return self._is_asked and bool(self._comms)

    def open(self) -> None:
        """Open it, if a front end is there; where no cell runs yet, before the first."""
        if getattr(self._shell, "kernel", None) is None or self._comms:
            return
        comm.get_comm_manager().register_target(TARGET, lambda line, _message: self._take(line))
        if not self._shell.get_parent():
            self._shell.events.register(_BEFORE_CELL, self._open_before_cell)
        elif has_front_end(self._shell):
            self._take(comm.create_comm(target_name=TARGET, data={"wire": WIRE}))

    def _open_before_cell(self, _info: object) -> None:
        self._shell.events.unregister(_BEFORE_CELL, self._open_before_cell)
        self.open()

    def close(self) -> None:
        """Close it; jobs go on."""
        if getattr(self._shell, "kernel", None) is None:
            return
        with suppress(ValueError, KeyError):
            self._shell.events.unregister(_BEFORE_CELL, self._open_before_cell)
        comm.get_comm_manager().targets.pop(TARGET, None)
        for line in self._comms:
            line.close()
        self._comms = []
        self._is_asked = False

    def _take(self, line: Any) -> None:
        answering_at_once(line)
        line.on_msg(lambda message: self._on_message(message["content"].get("data")))
        line.on_close(lambda _message: self._drop(line))
        self._comms = [*self._comms, line]

    def _drop(self, line: Any) -> None:
        self._comms = [each for each in self._comms if each is not line]

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to whoever is there."""
        for line in self._comms:
            line.send(message)

    def _on_message(self, asked: Any) -> None:
        """Do in a thread what a front end asks for: a cell may be running."""
        kind = asked.get("kind") if isinstance(asked, dict) else None
        if kind == SNAPSHOT:
            self._is_asked = True
            _aside(self._tell_all)
        elif isinstance(kind, str):
            _aside(lambda: self._talk().answer(asked))

    def _tell_all(self) -> None:
        if self._may_have_jobs():
            self._talk().tell_all()
        else:
            self.send({"kind": SNAPSHOT, **rows_message([])})


def _aside(call: Callable[[], object]) -> None:
    """Do it in a thread, and print nothing there: it would stand below whatever cell runs."""

    def attempt() -> None:
        try:
            call()
        except Exception:
            _log.info("a front end could not be answered", exc_info=True)

    threading.Thread(target=attempt, name="nbsubmit-comm", daemon=True).start()


def answering_at_once(line: Any) -> None:
    """Have messages on a line handled while a cell runs, where a kernel can do that.

    ipykernel 7.4 hands them to the thread that has last sent something there; the one that the
    front end asked for is free.
    """
    if hasattr(line, "_reply_subshell_for"):
        line._reply_subshell_for = lambda _data, default: default
