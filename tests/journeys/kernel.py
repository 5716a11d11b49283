"""A real kernel, spoken to as a notebook does."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.manager import KernelManager

PATIENCE = 90.0


@dataclass
class Ran:
    """What one cell gave.

    Attributes
    ----------
    status : str
        ``ok`` or ``error``.
    stdout, stderr : str
        What it printed.
    data : list of dict
        MIME bundles of its displays and its result.
    result : str
        The plain text of its result.
    traceback : str
        Its error.
    order : list of str
        The kinds of output in the order in which they came.
    count : int
        The number in its prompt.
    """

    status: str = ""
    stdout: str = ""
    stderr: str = ""
    data: list[dict[str, Any]] = field(default_factory=list)
    result: str = ""
    traceback: str = ""
    order: list[str] = field(default_factory=list)
    count: int = 0


class Kernel:
    """An ipykernel in a folder of its own.

    Parameters
    ----------
    folder : Path
        Its working directory.
    environ : mapping
        Variables to add to the environment.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        env = {**os.environ, "IPYTHONDIR": str(folder / "ipython"), **environ}
        try:
            self._start(folder, env)
        except RuntimeError:
            # Of two kernels that start at once both may have been given one port.
            self.close()
            self._start(folder, env)
        self.widgets: dict[str, dict[str, Any]] = {}

    def _start(self, folder: Path, env: dict[str, str]) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(cwd=str(folder), env=env)
        self.client = self._manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()

    def kill(self) -> None:
        """End it as a crash would."""
        self._manager.signal_kernel(9)
        self.close()

    def interrupt(self) -> None:
        """Interrupt the running cell."""
        self._manager.interrupt_kernel()

    def start(self, code: str) -> str:
        """Send a cell without waiting for it."""
        return str(self.client.execute(code, store_history=True))

    def run_as(self, cell: str, code: str) -> Ran:
        """Run a cell to its end as JupyterLab does, which sends the cell's id too."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": True}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell})
        self.client.shell_channel.send(message)
        ran = self.finish(message["header"]["msg_id"])
        assert ran.status == "ok", f"{code}\n{ran.stdout}\n{ran.stderr}\n{ran.traceback}"
        return ran

    def run(self, code: str) -> Ran:
        """Run a cell to its end; it must succeed."""
        ran = self.try_(code)
        assert ran.status == "ok", f"{code}\n{ran.stdout}\n{ran.stderr}\n{ran.traceback}"
        return ran

    def try_(self, code: str) -> Ran:
        """Run a cell to its end, however it ends."""
        return self.finish(self.start(code))

    def answering(self, code: str, *answers: str) -> Ran:
        """Run a cell to its end, however it ends, with these answers to what it asks."""
        left = list(answers)
        ran = self.finish(self.start(code), lambda _prompt: left.pop(0))
        assert not left, f"nobody has asked for {left}\n{ran.stdout}"
        return ran

    def hear(self, text: str) -> None:
        """Wait until the cell that runs prints something; what it has said by then is lost."""
        deadline = time.monotonic() + PATIENCE
        heard = ""
        while text not in heard:
            message = self.client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0.1))
            self._note_widget(message)
            if message["msg_type"] == "stream":
                heard += message["content"]["text"]

    def finish(self, message_id: str, answer: Callable[[str], str] | None = None) -> Ran:
        """Collect the output of a cell that was started; it may ask."""
        ran = Ran()
        deadline = time.monotonic() + PATIENCE
        while True:
            if answer is not None and self._is_asking(deadline):
                self.client.input(answer(self.client.get_stdin_msg()["content"]["prompt"]))
                continue
            message = self.client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0.1))
            self._note_widget(message)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if take(ran, message):
                break
        reply = self.client.get_shell_msg(timeout=PATIENCE)
        while reply["parent_header"].get("msg_id") != message_id:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
        ran.status = reply["content"]["status"]
        ran.count = reply["content"]["execution_count"]
        return ran

    def _is_asking(self, deadline: float) -> bool:
        """Wait for a question or for output, and tell which it is."""
        poller = zmq.Poller()
        asked, told = self.client.stdin_channel.socket, self.client.iopub_channel.socket
        poller.register(asked, zmq.POLLIN)
        poller.register(told, zmq.POLLIN)
        ready = dict(poller.poll(max(int(1000 * (deadline - time.monotonic())), 100)))
        return asked in ready and told not in ready

    def widgets_after(self, seconds: float) -> str:
        """All that the HTML widgets show after some time in which updates come by themselves."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                self._note_widget(self.client.get_iopub_msg(timeout=left))
            except queue.Empty:
                break
        states = self.widgets.values()
        return "\n".join(s["value"] for s in states if s.get("_model_name") == "HTMLModel")

    def late_text(self, text: str, seconds: float = 5.0) -> int:
        """How often a text is printed, by whatever cell, from now on."""
        deadline = time.monotonic() + seconds
        found = 0
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.client.get_iopub_msg(timeout=left)
            except queue.Empty:
                break
            if message["msg_type"] == "stream":
                found += message["content"]["text"].count(text)
        return found

    def _note_widget(self, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "comm_open":
            self.widgets[content["comm_id"]] = dict(content["data"].get("state", {}))
        elif message["msg_type"] == "comm_msg" and content["comm_id"] in self.widgets:
            self.widgets[content["comm_id"]].update(content["data"].get("state", {}))

    def click(self, description: str) -> None:
        """Click the button with this text."""
        self.press(
            next(c for c, state in self.widgets.items() if state.get("description") == description)
        )

    def press(self, comm: str, **header: str) -> None:
        """Click the button of this comm, with more in the message's header."""
        content = {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}}
        message = self.client.session.msg("comm_msg", content)
        message["header"].update(header)
        self.client.shell_channel.send(message)

    def complete(self, code: str) -> list[str]:
        """What TAB offers at the end of the code."""
        reply = self.client.complete(code, len(code), reply=True, timeout=PATIENCE)
        return list(reply["content"]["matches"])


def take(ran: Ran, message: dict[str, Any]) -> bool:
    """Add a message to what the cell gave; tell whether it was the last."""
    kind, content = message["msg_type"], message["content"]
    if kind == "clear_output" and not content["wait"]:
        ran.stdout, ran.stderr, ran.result = "", "", ""
        ran.data, ran.order = [], []
    if kind == "stream":
        text = getattr(ran, content["name"]) + content["text"]
        setattr(ran, content["name"], text)
        ran.order.append(content["name"])
    elif kind in ("display_data", "execute_result"):
        ran.data.append(content["data"])
        ran.order.append(kind)
        if kind == "execute_result":
            ran.result = content["data"].get("text/plain", "")
    elif kind == "error":
        ran.traceback = "\n".join(content["traceback"])
        ran.order.append(kind)
    return bool(kind == "status" and content["execution_state"] == "idle")
