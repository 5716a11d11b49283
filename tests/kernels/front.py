"""A notebook's page: it sees every message of its kernel, and clicks as JupyterLab does."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import zmq

from tests.journeys.kernel import PATIENCE, Kernel, Ran, take

Message = dict[str, Any]


class Front(Kernel):
    """A kernel and all that it has said.

    Parameters
    ----------
    folder : Path
        Its working directory.
    environ : mapping
        Variables to add to the environment.

    Attributes
    ----------
    told : list of dict
        What came on its channels, in the order of each.
    subshell : str
        The subshell that clicks go to; empty where the kernel has none.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__(folder, environ)
        self.told: list[Message] = []
        self.subshell = self._new_subshell()

    def _new_subshell(self) -> str:
        """Ask for a subshell where there are some: JupyterLab >= 4.4 does, one for all widgets."""
        asked = self.client.kernel_info()
        info = self.wait_for(lambda: self._reply(asked), "what the kernel can do")
        if "kernel subshells" not in info.get("supported_features", ()):
            return ""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        made = self.wait_for(lambda: self._reply(message["header"]["msg_id"]), "a subshell")
        return str(made["subshell_id"])

    # Messages

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Read messages until a condition holds, and return what it gave."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, f"the kernel has not shown {what}"
            self._read(seconds=0.1)
        return found

    def _read(self, seconds: float) -> None:
        channels = {
            channel.socket: channel
            for channel in (
                self.client.iopub_channel,
                self.client.shell_channel,
                self.client.control_channel,
            )
        }
        poller = zmq.Poller()
        for socket in channels:
            poller.register(socket, zmq.POLLIN)
        for socket, _event in poller.poll(int(1000 * seconds)):
            message = channels[socket].get_msg(timeout=PATIENCE)
            self._note_widget(message)
            self.told.append(message)

    def of_cell(self, message_id: str) -> Iterator[Message]:
        """What belongs to a cell, whenever it came."""
        return (m for m in self.told if m["parent_header"].get("msg_id") == message_id)

    def _reply(self, message_id: str) -> Message | None:
        replies = (m for m in self.of_cell(message_id) if m["msg_type"].endswith("_reply"))
        found = next(replies, None)
        return found and found["content"]

    def is_running(self, message_id: str) -> bool:
        """Tell whether a cell has begun and not ended."""
        begun = any(m["msg_type"] == "execute_input" for m in self.of_cell(message_id))
        return begun and self._reply(message_id) is None

    def reply(self, message_id: str) -> Message:
        """Wait for the reply to a cell, and for all that came before its end."""
        reply: Message = self.wait_for(lambda: self._reply(message_id), "the end of a cell")
        self.wait_for(lambda: any(map(_is_idle, self.of_cell(message_id))), "an idle kernel")
        return reply

    def finish(self, message_id: str, answer: Callable[[str], str] | None = None) -> Ran:
        """Collect the output of a cell that was started."""
        assert answer is None, "this page has no place for questions"
        reply = self.reply(message_id)
        ran = Ran(status=reply["status"], count=reply["execution_count"])
        for message in self.of_cell(message_id):
            take(ran, message)
        return ran

    # A job

    def record(self, job_id: str) -> Message | None:
        """The message that put a job's record in the place of its panel."""
        wanted = {"display_id": f"nbsubmit-{job_id}"}
        for message in self.told:
            if (
                message["msg_type"] == "update_display_data"
                and message["content"]["transient"] == wanted
            ):
                return message
        return None

    def panel_text(self, job_id: str) -> str:
        """All that the HTML widgets of a job's panel show now."""
        return "\n".join(
            state["value"]
            for state in self._within(uuid.uuid5(uuid.NAMESPACE_OID, job_id).hex)
            if state.get("_model_name") == "HTMLModel"
        )

    def _within(self, comm: str) -> Iterator[dict[str, Any]]:
        state = self.widgets[comm]
        yield state
        for child in state.get("children", ()):
            yield from self._within(child.removeprefix("IPY_MODEL_"))

    def see_it_live(self, job_id: str, changes: int = 2) -> None:
        """Wait until a panel has changed so many times."""
        seen = {self.panel_text(job_id)}

        def changed() -> bool:
            seen.add(self.panel_text(job_id))
            return len(seen) > changes

        self.wait_for(changed, f"a living panel: {seen}")

    def cancel_says(self, job_id: str) -> str:
        """The words on a job's button to cancel it."""
        return str(self.widgets[self._cancel(job_id)]["description"])

    def click_cancel(self, job_id: str) -> None:
        """Click it, over the subshell if there is one."""
        where = {"subshell_id": self.subshell} if self.subshell else {}
        self.press(self._cancel(job_id), **where)

    def _cancel(self, job_id: str) -> str:
        return next(
            comm
            for comm, state in self.widgets.items()
            if state.get("tooltip") == f"End job {job_id}"
        )


def panel_job(messages: Iterator[Message]) -> str:
    """The id of the job whose panel is shown in these messages, if there is one."""
    for message in messages:
        shown = message["content"].get("data", {})
        if message["msg_type"] == "display_data" and "text/plain" in shown:
            found = re.match(r"nbsubmit job panel (\S+)", shown["text/plain"])
            if found:
                return found[1]
    return ""


def _is_idle(message: Message) -> bool:
    return bool(message["msg_type"] == "status" and message["content"]["execution_state"] == "idle")
