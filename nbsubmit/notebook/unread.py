"""Requests that a kernel has received and does not read."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell


def leave_none_unread(shell: InteractiveShell) -> None:
    """Have a kernel read each request that comes to it.

    ipykernel 7.0 to 7.3 sends its replies on the socket that a stream of its own reads. The sending
    takes notice of what comes in just then, and so the stream is never told of it: from then on
    cells and clicks hang, and no later request of the same front end wakes it. Sending through the
    stream is the cure; from 7.4 on ipykernel does that itself.
    """
    kernel: Any = getattr(shell, "kernel", None)
    thread: Any = getattr(kernel, "shell_channel_thread", None)
    manager: Any = getattr(thread, "manager", None)
    if hasattr(manager, "_shell_socket"):
        manager._shell_socket = kernel.shell_stream
