"""Waiting, clicks and interrupts in the releases of ipykernel that differ in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernels.conftest import RELEASES, Launched
from tests.kernels.front import Front

pytestmark = pytest.mark.kernel

Launch = Callable[..., Launched]

BLOCKING = ["time.sleep(3600)", "job.wait()", "job.result()", "await job"]
WAITS_ITSELF = "%%local --wait --as job"

# When a click is answered while a cell runs.
AT_ONCE, AFTER = "at once", "after the cell"
ANSWERED = {
    "6.29.5": {"synchronous": AFTER, "asynchronous": AFTER},
    "6.31.0": {"synchronous": AFTER, "asynchronous": AFTER},
    "7.3.0": {"synchronous": AT_ONCE, "asynchronous": AT_ONCE},
    "7.4.0": {"synchronous": AT_ONCE, "asynchronous": AT_ONCE},
}
UNTIL_GATE = {
    "synchronous": "while not os.path.exists({gate!r}): time.sleep(0.05)",
    "asynchronous": "while not os.path.exists({gate!r}): await asyncio.sleep(0.05)",
}


def test_the_kernel_is_of_the_release_that_is_tried(front: Front, release: str) -> None:
    assert front.run("print(ipykernel.__version__)").stdout == f"{release}\n"
    assert bool(front.subshell) == release.startswith("7")
    assert set(ANSWERED) == set(RELEASES)


def test_a_cell_that_comes_while_another_request_is_answered_is_answered_too(front: Front) -> None:
    for _ in range(300):  # where such cells are left unread, one is within sixty
        front.told.clear()
        front.client.kernel_info()
        front.reply(front.start("pass"))


# Waiting


@pytest.mark.parametrize("code", BLOCKING)
def test_a_panel_lives_while_a_later_cell_blocks(front: Front, launch: Launch, code: str) -> None:
    job = launch()
    waiting = front.start(code)
    front.wait_for(lambda: front.is_running(waiting), "the cell running")
    front.see_it_live(job.id, changes=4)
    assert front.is_running(waiting)
    if "sleep" in code:
        front.interrupt()
    job.let_end()
    assert front.reply(waiting)["status"] == ("error" if "sleep" in code else "ok")
    assert "tick" in front.panel_text(job.id)


def test_a_panel_lives_while_its_own_cell_waits(front: Front, launch: Launch) -> None:
    job = launch(WAITS_ITSELF)
    front.see_it_live(job.id)
    front.wait_for(lambda: "tick 5\n" in _printed(front, job.cell), "what it prints")
    assert front.is_running(job.cell)
    job.let_end()
    assert front.reply(job.cell)["status"] == "ok"
    assert front.run("print(made)").stdout == "by the job\n"


@pytest.mark.parametrize("code", ["job.result()", "await job"])
def test_a_wait_gives_the_value(front: Front, launch: Launch, code: str) -> None:
    job = launch(end="2 * 21")
    waiting = front.start(code)
    front.wait_for(lambda: front.is_running(waiting), "the cell running")
    job.let_end()
    assert front.finish(waiting).result == "42"


@pytest.mark.parametrize("code", ["job.result()", "await job", ""])
def test_a_wait_raises_what_the_cell_raised(front: Front, launch: Launch, code: str) -> None:
    front.run("class Odd(Exception): pass")
    job = launch("%%local --as job" if code else WAITS_ITSELF, end="raise Odd('seven')")
    job.let_end()
    reply = front.reply(front.start(code) if code else job.cell)
    assert (reply["status"], reply["ename"], reply["evalue"]) == ("error", "Odd", "seven")
    assert front.run("print(type(job.exception()) is Odd)").stdout == "True\n"


# Interrupts


@pytest.mark.parametrize("code", ["job.wait()", "job.result()", "await job", ""])
def test_an_interrupt_ends_the_wait_and_what_is_queued_but_not_the_job(
    front: Front, launch: Launch, code: str
) -> None:
    job = launch("%%local --as job" if code else WAITS_ITSELF)
    waiting = front.start(code) if code else job.cell
    front.wait_for(lambda: front.is_running(waiting), "the cell running")
    front.wait_for(lambda: "RUNNING" in front.panel_text(job.id), "the job running")
    queued = front.start("queued = True")
    front.see_it_live(job.id)
    front.interrupt()
    # The kernels themselves end an asynchronous cell by cancelling it.
    error = "CancelledError" if code.startswith("await") else "KeyboardInterrupt"
    assert front.reply(waiting).get("ename") == error
    assert front.reply(queued)["status"] == "aborted"

    assert front.run("print(job.state.value, 'queued' in globals())").stdout == "RUNNING False\n"
    front.run("made = 'before'")
    job.let_end()
    front.wait_for(lambda: front.record(job.id), "the job's record")
    assert front.run("print(job.state.value, job.names['made'])").stdout == "COMPLETED by the job\n"


def test_after_an_interrupt_the_names_still_arrive(front: Front, launch: Launch) -> None:
    front.run("globals().pop('made', None)")
    job = launch(WAITS_ITSELF)
    front.interrupt()
    assert front.reply(job.cell)["ename"] == "KeyboardInterrupt"
    job.let_end()
    front.wait_for(lambda: front.record(job.id), "the job's record")
    assert front.run("print(made)").stdout == "by the job\n"


# Clicks


def test_clicks_cancel_a_job_while_the_kernel_is_idle(front: Front, launch: Launch) -> None:
    job = launch()
    front.reply(job.cell)
    _cancel_by_clicks(front, job)


@pytest.mark.parametrize("kind", list(UNTIL_GATE))
def test_clicks_cancel_a_job_while_a_cell_runs_or_after_it(
    front: Front, launch: Launch, release: str, kind: str, tmp_path: Path
) -> None:
    job, gate = launch(), tmp_path / "cell may end"
    running = front.start(UNTIL_GATE[kind].format(gate=str(gate)))
    front.wait_for(lambda: front.is_running(running), "the cell running")
    if ANSWERED[release][kind] == AT_ONCE:
        _cancel_by_clicks(front, job, looking=False)
        assert front.is_running(running)
        gate.touch()
        front.reply(running)
    else:
        front.click_cancel(job.id)
        front.see_it_live(job.id, changes=4)
        assert front.cancel_says(job.id) == "Cancel"
        gate.touch()
        front.reply(running)
        front.wait_for(lambda: front.cancel_says(job.id) == "Really cancel?", "the question")
        front.click_cancel(job.id)
        front.wait_for(lambda: front.record(job.id), "the job's record")
    assert front.run("print(job.state.value)").stdout == "CANCELLED\n"


def _cancel_by_clicks(front: Front, job: Launched, *, looking: bool = True) -> None:
    front.click_cancel(job.id)
    front.wait_for(lambda: front.cancel_says(job.id) == "Really cancel?", "the question")
    front.click_cancel(job.id)
    front.wait_for(lambda: front.record(job.id), "the job's record")
    if looking:
        assert front.run("print(job.state.value)").stdout == "CANCELLED\n"


# Late messages


@pytest.mark.parametrize("busy", [False, True])
def test_what_comes_late_belongs_to_the_cell_that_sent_the_job(
    front: Front, launch: Launch, busy: bool, tmp_path: Path
) -> None:
    job = launch(end="from IPython.display import HTML, display; display(HTML('<i>late</i>'))")
    front.run("print('another cell')")
    gate = tmp_path / "cell may end"
    running = front.start(UNTIL_GATE["synchronous"].format(gate=str(gate))) if busy else ""
    if running:
        front.wait_for(lambda: front.is_running(running), "the cell running")
    front.see_it_live(job.id)
    job.let_end()
    record = front.wait_for(lambda: front.record(job.id), "the job's record")
    front.wait_for(lambda: "late" in _displayed(front, job.cell), "what the job displayed")
    assert record["parent_header"]["msg_id"] == job.cell
    assert "COMPLETED" in record["content"]["data"]["text/html"]
    assert _printed(front, job.cell).startswith("tick 1\n")
    if running:
        assert front.is_running(running)
        gate.touch()
        assert _printed(front, running) == ""


def _printed(front: Front, cell: str) -> str:
    messages = [m for m in front.of_cell(cell) if m["msg_type"] == "stream"]
    return "".join(m["content"]["text"] for m in messages)


def _displayed(front: Front, cell: str) -> str:
    messages = [m for m in front.of_cell(cell) if m["msg_type"] == "display_data"]
    return "".join(m["content"]["data"].get("text/html", "") for m in messages)
