"""What a kernel tells a front end of its jobs, and does with them when that asks."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.wire import WIRE, assert_like, assert_row
from tests.kernels.conftest import RELEASES, Launched
from tests.kernels.front import Front

pytestmark = pytest.mark.kernel

Launch = Callable[..., Launched]
TARGET = WIRE["comm"]["target"]
TO_FRONT, TO_KERNEL = WIRE["comm"]["to front"], WIRE["comm"]["to kernel"]
# What differs in no release is tried in the newest.
newest = pytest.mark.parametrize("release", RELEASES[-1:], indirect=True, scope="package")
ID = re.compile(r"\d{6}-\d{6}-\w{4}")


class Line:
    """A page's end of the kernel's comm.

    Parameters
    ----------
    front : Front
        The page.
    comm : str
        The comm's id.
    """

    def __init__(self, front: Front, comm: str) -> None:
        self.front = front
        self.comm = comm

    def send(self, data: Any) -> None:
        """Send as JupyterLab does: over the subshell if there is one."""
        message = self.front.client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        if self.front.subshell:
            message["header"]["subshell_id"] = self.front.subshell
        self.front.client.shell_channel.send(message)

    def told(self, kind: str) -> list[dict[str, Any]]:
        """What the kernel has sent of a kind."""
        messages = (m for m in self.front.told if m["msg_type"] == "comm_msg")
        data = (m["content"]["data"] for m in messages if m["content"]["comm_id"] == self.comm)
        found = [each for each in data if each["kind"] == kind]
        for each in found:
            assert_like(each, TO_FRONT[kind])
            for row in each.get("rows", ()):
                assert_row(row)
                assert row["path"] is None
        return found

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Ask for the jobs' rows, and return them by id."""
        before = len(self.told("snapshot"))
        self.send(TO_KERNEL["snapshot"])
        self.front.wait_for(lambda: len(self.told("snapshot")) > before, "a snapshot")
        return {row["id"]: row for row in self.told("snapshot")[-1]["rows"]}

    def rows(self, job_id: str) -> list[dict[str, Any]]:
        """What was told of a job by events."""
        return [row for e in self.told("event") for row in e["rows"] if row["id"] == job_id]

    def see(self, job_id: str, state: str) -> dict[str, Any]:
        """Wait until a job is told to be in a state."""

        def seen() -> Any:
            return next((row for row in self.rows(job_id) if row["state"] == state), None)

        row: dict[str, Any] = self.front.wait_for(seen, f"an event: {job_id} is {state}")
        return row

    def ask(self, kind: str, job_id: str, *, number: Any = None) -> dict[str, Any]:
        """Ask for something to be done, and return the reply."""
        number = uuid.uuid4().hex if number is None else number
        store = str(self.front.folder / ".nbsubmit")
        message = {"kind": kind, "id": job_id, "store": store, "number": number}
        assert_like(message, TO_KERNEL[kind])
        before = len(self.told("reply"))
        self.send(message)
        self.front.wait_for(lambda: len(self.told("reply")) > before, f"a reply to {kind}")
        reply = self.told("reply")[-1]
        assert reply["to"] == number
        return reply


def comms(front: Front) -> list[str]:
    """The ids of the kernel's comms, as a page finds them when it is loaded anew."""
    message = front.client.session.msg("comm_info_request", {"target_name": TARGET})
    front.client.shell_channel.send(message)
    asked = message["header"]["msg_id"]
    told = front.wait_for(lambda: front._reply(asked), "the kernel's comms")
    return [*told["comms"]]


@pytest.fixture
def line(front: Front) -> Line:
    """The comm that the kernel has opened when the extension was loaded."""
    (comm,) = comms(front)
    return Line(front, comm)


def test_a_page_is_told_how_a_job_goes(line: Line, launch: Launch) -> None:
    line.snapshot()
    job = launch()
    row = line.see(job.id, "RUNNING")
    assert "cancel" in row["can"]
    again = line.snapshot()  # a page that is loaded anew
    assert again[job.id]["state"] == "RUNNING"
    job.let_end()
    row = line.see(job.id, "COMPLETED")
    assert row["ended"] >= row["started"]
    states = [row["state"] for row in line.rows(job.id)]
    assert states == sorted(states, key=["PENDING", "RUNNING", "COMPLETED"].index)
    assert states.count("COMPLETED") == 1


def test_a_page_is_told_while_a_cell_runs(line: Line, launch: Launch) -> None:
    line.snapshot()
    job = launch()
    line.see(job.id, "RUNNING")
    waiting = line.front.start("time.sleep(3600)")
    line.front.wait_for(lambda: line.front.is_running(waiting), "the cell running")
    job.let_end()
    line.see(job.id, "COMPLETED")
    assert line.front.is_running(waiting)
    line.front.interrupt()
    line.front.reply(waiting)


@newest
def test_a_job_is_known_by_its_notebook_and_its_cell(line: Line) -> None:
    front = line.front
    notebook = front.folder / "work.ipynb"
    line.snapshot()
    front.run(f"__vsc_ipynb_file__ = {str(notebook)!r}")
    try:
        front.run_as("the-cell", "%%local --wait\na = 1")
        front.wait_for(lambda: line.told("event"), "an event")
        row = line.told("event")[-1]["rows"][-1]
        assert (row["cell"], row["notebook"]) == ("the-cell", str(notebook))
        assert line.snapshot()[row["id"]]["cell"] == "the-cell"
    finally:
        front.run("del __vsc_ipynb_file__")


@newest
def test_how_far_a_job_has_come_is_told(line: Line, launch: Launch) -> None:
    line.snapshot()
    bar = "for n in nbsubmit.progress(range(3)):\n    while not os.path.exists({!r}): pass"
    gate = line.front.folder / "second gate"
    job = launch(end=bar.format(str(gate)))
    job.let_end()

    def seen() -> bool:
        return any(row["progress"] for row in line.rows(job.id))

    line.front.wait_for(seen, "its progress")
    gate.touch()
    line.see(job.id, "COMPLETED")
    gate.unlink()


def test_a_job_is_cancelled_and_sent_again(line: Line, launch: Launch) -> None:
    before = set(line.snapshot())
    job = launch()
    line.see(job.id, "RUNNING")
    reply = line.ask("cancel", job.id)
    assert (reply["ok"], reply["message"]) == (True, f"job {job.id} is being cancelled")
    line.see(job.id, "CANCELLED")
    reply = line.ask("cancel", job.id)
    assert (reply["ok"], "had ended" in reply["message"]) == (False, True)
    reply = line.ask("resubmit", job.id, number="twice")
    found = ID.search(reply["message"])
    assert found
    new = found[0]
    line.see(new, "RUNNING")
    again = line.ask("resubmit", job.id, number="twice")  # by another page, or once more
    assert again == reply
    assert set(line.snapshot()) - before == {job.id, new}
    line.ask("cancel", new)
    line.see(new, "CANCELLED")


@newest
def test_what_a_job_has_made_is_brought_in(line: Line, launch: Launch) -> None:
    line.snapshot()
    job = launch()
    job.let_end()
    line.see(job.id, "COMPLETED")
    front = line.front
    front.run("pass")
    front.run("made = 'by hand'")
    reply = line.ask("attach", job.id)
    assert reply["ok"]
    assert "before the next cell" in reply["message"]
    assert front.run("print(made)").stdout == "by the job\n"


@newest
def test_a_job_that_the_kernel_has_open_is_removed_by_it(line: Line, launch: Launch) -> None:
    line.snapshot()
    job = launch()
    line.see(job.id, "RUNNING")
    reply = line.ask("clean", job.id)
    assert (reply["ok"], "stays: it is RUNNING" in reply["message"]) == (False, True)
    job.let_end()
    line.see(job.id, "COMPLETED")
    reply = line.ask("clean", job.id)
    assert (reply["ok"], "this notebook waits for it" in reply["message"]) == (False, True)
    line.front.run("pass")  # and with that it has what the job has made
    reply = line.ask("clean", job.id)
    assert reply["ok"], reply
    assert reply["message"].startswith("removed 1 job")
    assert [job.id] in [event["gone"] for event in line.told("event")]
    assert job.id not in line.snapshot()
    assert not (line.front.folder / ".nbsubmit" / "jobs" / job.id).exists()


WRONG: list[Any] = [
    {"kind": "cancel"},
    {"kind": "cancel", "id": 7, "store": [], "number": "0"},
    {"kind": "cancel", "id": {}, "store": None, "number": "1"},
    {"kind": "resubmit", "id": "../..", "store": "/", "number": "2"},
    {"kind": "attach", "id": "261127-164341-cdq8", "store": "relative", "number": "3"},
    {"kind": "attach", "id": "261127-164341-cdq8", "store": "/nowhere", "number": "4"},
]


@newest
def test_what_cannot_be_done_is_said(line: Line) -> None:
    nothing: list[Any] = [{}, [], "text", {"kind": {}}, {"kind": "explode"}]
    for message in (*nothing, *WRONG):
        line.send(message)
    line.front.wait_for(lambda: len(line.told("reply")) == len(WRONG), "an answer to each")
    assert not any(reply["ok"] for reply in line.told("reply"))
    assert line.front.run("print(1)").stdout == "1\n"


def test_a_page_opens_a_line_that_another_has_closed(line: Line, launch: Launch) -> None:
    front = line.front
    close = front.client.session.msg("comm_close", {"comm_id": line.comm, "data": {}})
    front.client.shell_channel.send(close)
    front.wait_for(lambda: not comms(front), "the end of the line")
    new = Line(front, "opened-by-a-page")
    content = {"comm_id": new.comm, "target_name": TARGET, "data": {}}
    front.client.shell_channel.send(front.client.session.msg("comm_open", content))
    front.wait_for(lambda: comms(front) == [new.comm], "the new line")
    new.snapshot()
    job = launch()
    job.let_end()
    new.see(job.id, "COMPLETED")


@newest
def test_nobody_listens_while_no_job_is_live(line: Line, launch: Launch) -> None:
    line.snapshot()
    job = launch()
    job.let_end()
    line.see(job.id, "COMPLETED")
    names = "[t.name for t in threading.enumerate() if 'nbsubmit' in t.name]"

    def none() -> bool:
        return line.front.run(f"import threading; print({names})").stdout == "[]\n"

    line.front.wait_for(none, "the end of all threads")


@newest
def test_an_extension_that_is_unloaded_takes_its_line_along(line: Line) -> None:
    front = line.front
    front.run("%unload_ext nbsubmit")
    assert comms(front) == []
    front.run("%load_ext nbsubmit")
    assert len(comms(front)) == 1


def test_a_program_that_runs_a_notebook_is_sent_nothing(tmp_path: Path) -> None:
    front = Front(tmp_path, {})
    try:
        front.client.allow_stdin = False
        front.run("%load_ext nbsubmit")
        assert comms(front) == []
        assert not [m for m in front.told if m["msg_type"] == "comm_open"]
        front.client.allow_stdin = True
        front.run("%reload_ext nbsubmit")
        assert len(comms(front)) == 1
    finally:
        front.close()
