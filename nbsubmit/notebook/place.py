"""Where a cell's output stands: things can be shown there long after the cell has ended.

A front end sorts messages by the cell that they belong to, so whoever keeps that cell's header can
speak for it later, from any thread. Where the cell has been run again or the page was loaded anew
the front end lets them pass.
"""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

_DISPLAY, _UPDATE = "display_data", "update_display_data"


class Place:
    """The output of the cell that is running now.

    Parameters
    ----------
    shell : InteractiveShell
        A kernel's.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._publisher = shell.display_pub
        self._parent: dict[str, Any] = shell.get_parent()

    def display(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        transient: dict[str, Any] | None = None,
        *,
        update: bool = False,
    ) -> None:
        """Show a MIME bundle, or put it where its ``display_id`` is shown."""
        content = {"data": data, "metadata": metadata or {}, "transient": transient or {}}
        self._send(_UPDATE if update else _DISPLAY, content)

    def text(self, stream: str, text: str) -> None:
        """Print text to a stream."""
        self._send("stream", {"name": stream, "text": text})

    def clear(self, *, wait: bool) -> None:
        """Take away what is shown; with `wait` only when something new comes."""
        self._send("clear_output", {"wait": wait})

    def error(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """Show an error as the cell's own."""
        self._send("error", {"ename": ename, "evalue": evalue, "traceback": traceback})

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        publisher = self._publisher
        publisher.session.send(
            publisher.pub_socket, kind, content, parent=self._parent, ident=kind.encode()
        )


def has_front_end(shell: InteractiveShell) -> bool:
    """Tell whether somebody looks: programs that run notebooks say that nobody can be asked."""
    if getattr(shell, "kernel", None) is None:
        return False
    content: dict[str, Any] = shell.get_parent().get("content") or {}
    return bool(content.get("allow_stdin", False))


def is_headless(shell: InteractiveShell) -> bool:
    """Tell whether a program runs the cell, as nbclient and papermill do: nobody can be asked."""
    if getattr(shell, "kernel", None) is None:
        return False
    content: dict[str, Any] = shell.get_parent().get("content") or {}
    return "code" in content and not content.get("allow_stdin", False)
