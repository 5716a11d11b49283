"""A notebook knows its jobs: after a crash they come back, whatever they are at.

Promise 4 of README.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.journeys.desk import RUNNING, Desk
from tests.journeys.kernel import Kernel, Ran
from tests.journeys.test_dependent_cells import text_so_far
from tests.way import until

pytestmark = pytest.mark.kernel

NEWS = (
    "nbsubmit: of this notebook's jobs 1 waits and 1 runs; "
    "%jobs attach --all brings them in, with 1 that the last kernel had\n"
)


def attached(kernel: Kernel) -> Ran:
    """Attach to all; the panels of the three are shown."""
    ran = kernel.run("%jobs attach --all")
    panels = [d for d in ran.data if "application/vnd.jupyter.widget-view+json" in d]
    assert len(panels) == 3
    shown = kernel.widgets_after(1.0)
    assert "trained" in shown
    assert [state in shown for state in ("COMPLETED", "RUNNING", "PENDING")] == [True] * 3
    outputs = [state["outputs"] for state in kernel.widgets.values() if state.get("outputs")]
    assert any("image/png" in one["data"] for found in outputs for one in found)
    return ran


def test_after_a_crash_jobs_that_are_done_running_and_pending_come_back(desk: Desk) -> None:
    desk.send_three()
    kernel, said = desk.kernel()
    assert said.stdout == NEWS
    attached(kernel)
    assert kernel.run("print(net.double().w, shift(1))").stdout == "42 11\n"
    desk.let_end()
    desk.all_is_there(kernel)
    kernel.kill()
    again, said = desk.kernel()
    assert said.stdout == (
        "nbsubmit: the last kernel had what 3 jobs of this notebook brought; "
        "%jobs attach --all brings it in again\n"
    )
    again.run("%jobs attach --all")
    desk.all_is_there(again)


@pytest.fixture
def own_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A Slurm that the test may break."""
    with up(SandboxConfig(tmp_path / "slurm"), owner=os.getpid()) as sandbox:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)
        yield sandbox


def test_a_restarted_controller_in_between_changes_nothing(
    own_slurm: Sandbox, start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    desk = Desk(start_kernel, tmp_path, own_slurm)
    desk.send_three()
    own_slurm.stop_controller()
    kernel, said = desk.kernel()
    assert said.stdout == NEWS  # nobody is asked for it
    attached(kernel)
    own_slurm.start_controller()
    desk.let_end()
    desk.all_is_there(kernel)


def test_several_jobs_are_attached_by_their_ids(desk: Desk) -> None:
    kernel, _ = desk.kernel()
    for cell in ("a = 1", "b = 2", "c = 3"):
        kernel.run(f"{desk.magic} --wait --quiet --as job\n{cell}")
    ids = kernel.run("import nbsubmit\nprint(*[job.id for job in nbsubmit.jobs()])").stdout.split()
    kernel.kill()
    fresh, _ = desk.kernel()
    fresh.run(f"%jobs attach {ids[0]} {ids[2][-4:]}")
    assert fresh.run("print(a, 'b' in globals(), c)").stdout == "1 False 3\n"


# What is there already


def test_it_is_said_when_a_value_is_replaced(notebook: Desk) -> None:
    kernel, _ = notebook.kernel()
    kernel.run("%%local --wait --quiet\nscore = [1]\nsize = 3")
    kernel.kill()
    fresh, _ = notebook.kernel()
    fresh.run("score = 'mine'")
    said = fresh.run("%jobs attach --all").stdout
    assert "score: replaced by what job " in said
    assert "size" not in said.partition("replaced")[2]
    assert fresh.run("print(score, size)").stdout == "[1] 3\n"
    # What is home stays as it is, unless it is named.
    fresh.run("score = 'mine again'\n%jobs attach --all")
    assert fresh.run("print(score)").stdout == "mine again\n"


def test_a_value_that_is_bound_after_attaching_stays(notebook: Desk) -> None:
    kernel, _ = notebook.kernel()
    kernel.run(f"gate, up = {str(notebook.gate)!r}, {str(notebook.up)!r}")
    kernel.run(f"%%local{RUNNING}")
    until(notebook.up.exists, "the job runs")
    kernel.kill()
    fresh, _ = notebook.kernel()
    fresh.run("later = 'there'")
    said = fresh.run("%jobs attach").stdout
    assert "later: what is there now will be replaced by job" in said
    fresh.run("later = 'mine'")
    notebook.gate.touch()
    until(lambda: "COMPLETED" in fresh.run("%jobs").stdout, "the job ends")
    assert fresh.run("print(later)").stdout == "mine\n"


def test_a_job_that_was_sent_later_wins_over_one_that_was_attached_later(notebook: Desk) -> None:
    notebook.environ["NBSUBMIT_LOCAL_SLOTS"] = "8"
    kernel, _ = notebook.kernel()
    kernel.run("%%local --wait --quiet\nx = 'first'")
    kernel.kill()
    notebook.environ["NBSUBMIT_PENDING"] = "ignore"
    fresh, _ = notebook.kernel()
    fresh.run(f"gate = {str(notebook.gate)!r}")
    fresh.run(
        "%%local --as second\nimport os, time\n"
        "while not os.path.exists(gate): time.sleep(0.02)\nx = 'second'"
    )
    fresh.run("%jobs attach --all")
    assert fresh.run("print(x)").stdout == "first\n"
    notebook.gate.touch()
    assert fresh.run("second.wait()\nprint(x)").stdout == "second\n"


SETUP = """
import math
class Net:
    def __init__(self, w): self.w = w
    def double(self): return Net(self.w * len(data))
data, unused = [1, 2], 'not needed'
def helper(z): return math.floor(z) + base
base = 100
"""
USES = """
%%local --wait --quiet
net = Net(3)
unused
def later(q): return helper(q)
_ = later(1)
"""


def test_what_came_with_a_job_is_there_if_what_it_made_needs_it(notebook: Desk) -> None:
    kernel, _ = notebook.kernel()
    kernel.run(SETUP)
    kernel.run(USES.strip())
    kernel.kill()
    fresh, _ = notebook.kernel()
    said = fresh.run("%jobs attach --all").stdout
    for name in ("Net", "data", "helper", "base", "math"):
        assert name in said
    ran = fresh.run("print(net.double().w, type(net) is Net, later(5.5), 'unused' in globals())")
    assert ran.stdout == "6 True 105 False\n"


def test_what_is_there_already_is_taken_and_not_what_came_with_the_job(notebook: Desk) -> None:
    kernel, _ = notebook.kernel()
    kernel.run(SETUP)
    kernel.run(USES.strip())
    kernel.kill()
    fresh, _ = notebook.kernel()
    fresh.run(SETUP + "base = 200")
    assert "came along" not in fresh.run("%jobs attach --all").stdout
    ran = fresh.run("print(net.double().w, type(net) is Net, later(5.5), unused)")
    assert ran.stdout == "6 True 205 not needed\n"


def test_what_comes_along_is_not_in_the_way_of_a_job_that_changes_it(notebook: Desk) -> None:
    kernel, _ = notebook.kernel()
    kernel.run(SETUP + f"gate, up = {str(notebook.gate)!r}, {str(notebook.up)!r}")
    kernel.run(USES.strip())
    kernel.run("%%local --wait --quiet\ndata.append(3)")
    kernel.run(f"%%local{RUNNING}base = 300")
    until(notebook.up.exists, "the job runs")
    kernel.kill()
    notebook.environ["NBSUBMIT_PENDING"] = "ignore"
    fresh, _ = notebook.kernel()
    fresh.run("%jobs attach --all")
    assert fresh.run("print(net.double().w, later(5.5))").stdout == "9 105\n"
    notebook.gate.touch()
    until(lambda: fresh.run("print(base)").stdout == "300\n", "the last job arrives")


def test_attaching_all_puts_nothing_older_over_what_was_attached_by_its_name(
    notebook: Desk,
) -> None:
    kernel, _ = notebook.kernel()
    kernel.run("%%local --wait --quiet\nx = 'older'")
    kernel.run("%%local --wait --quiet --as job\nx = 'later'")
    later = kernel.run("print(job.id)").stdout.strip()
    kernel.kill()
    fresh, _ = notebook.kernel()
    fresh.run(f"%jobs attach {later}")
    fresh.run("%jobs attach --all")
    assert fresh.run("print(x)").stdout == "later\n"


def test_what_a_running_job_will_change_in_place_is_named_when_it_is_attached(
    notebook: Desk,
) -> None:
    kernel, _ = notebook.kernel()
    kernel.run(f"gate, up, rows = {str(notebook.gate)!r}, {str(notebook.up)!r}, [1]")
    kernel.run(f"%%local{RUNNING}\nrows.append(2)")
    until(notebook.up.exists, "the job runs")
    kernel.kill()
    fresh, _ = notebook.kernel()
    fresh.run("rows = [5]")
    said = fresh.run("%jobs attach").stdout
    assert "rows: what is there now will be replaced by job" in said
    notebook.gate.touch()
    until(lambda: "COMPLETED" in fresh.run("%jobs").stdout, "the job ends")
    assert fresh.run("print(rows)").stdout == "[1, 2]\n"


def test_what_an_attached_job_changes_in_place_is_waited_for(notebook: Desk) -> None:
    kernel, _ = notebook.kernel()
    kernel.run(f"gate, up = {str(notebook.gate)!r}, {str(notebook.up)!r}")
    kernel.run("%%local --wait --quiet\nrows = [1]")
    kernel.run(f"%%local{RUNNING}\nrows.append(2)")
    until(notebook.up.exists, "the job runs")
    kernel.kill()
    fresh, _ = notebook.kernel()
    fresh.run("%jobs attach --all")
    waiting = fresh.start("print(rows)")
    until(lambda: "waiting for rows of" in text_so_far(fresh, waiting), "it says so")
    notebook.gate.touch()
    assert "[1, 2]" in fresh.finish(waiting).stdout
