"""A notebook knows its jobs: what became of them is said, and brought in, after a crash."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.journeys.kernel import Kernel, Ran
from tests.way import until

pytestmark = pytest.mark.kernel

DONE = """
import matplotlib.pyplot as plt
print('trained')
fig, ax = plt.subplots()
_ = ax.plot([1, 2])
plt.show()
class Net:
    def __init__(self, w): self.w = w
    def double(self): return Net(self.w * factor)
def shift(a): return a + offset
factor, offset = 2, 10
net = Net(21)
"""
RUNNING = """
import os, time
print('started', flush=True)
open(up, 'w').close()
while not os.path.exists(gate): time.sleep(0.02)
later = 'arrived'
"""
PENDING = "waited = 'its turn'"


class Desk:
    """A notebook's kernels, one after the other, on one backend."""

    def __init__(self, start: Callable[..., Kernel], folder: Path, slurm: Sandbox | None) -> None:
        self.gate, self.up = folder / "gate", folder / "up"
        self.folder = folder
        self.slurm = slurm
        self.magic = "%%slurm" if slurm else "%%local"
        self.environ = {"JPY_SESSION_NAME": str(folder / "work.ipynb")}
        if slurm is None:  # one processor, for which the next has to wait
            self.environ |= {"NBSUBMIT_QUEUE": str(folder / "queue"), "NBSUBMIT_LOCAL_SLOTS": "1"}
        self._start = start

    def kernel(self) -> tuple[Kernel, Ran]:
        """Start a kernel, and give what was said when the extension was loaded."""
        kernel = self._start(loads=False, **self.environ)
        return kernel, kernel.run("%load_ext nbsubmit")

    def send_three(self) -> None:
        """Send three jobs, and have the kernel die when they are done, running and pending."""
        kernel, said = self.kernel()
        assert said.stdout == ""
        kernel.run(f"gate, up = {str(self.gate)!r}, {str(self.up)!r}")
        kernel.run(f"{self.magic} --as first --job-name first{DONE}")
        until(lambda: kernel.run("print(first.done())").stdout == "True\n", "the first job ends")
        kernel.run(f"{self.magic} --job-name second{RUNNING}")
        until(self.up.exists, "the second job runs")
        hold = " --hold" if self.slurm else ""
        kernel.run(f"{self.magic} --as third --job-name third{hold}\n{PENDING}")
        self.third = kernel.run("print(third.handle)").stdout.strip()
        kernel.kill()

    def let_end(self) -> None:
        """Let the jobs end that run and wait."""
        self.gate.touch()
        if self.slurm:
            self.slurm.call("scontrol", "release", self.third)

    def all_is_there(self, kernel: Kernel) -> None:
        """Names, functions, classes, logs and figures of the three are in this kernel."""
        until(
            lambda: (
                kernel.run("print('waited' in globals(), 'later' in globals())").stdout
                == "True True\n"
            ),
            "the jobs arrive by themselves",
        )
        ran = kernel.run("print(net.double().w, type(net) is Net, shift(1), later, waited)")
        assert ran.stdout == "42 True 11 arrived its turn\n"
        assert kernel.run("factor = 3\nprint(net.double().w)").stdout == "63\n"
        assert kernel.run("print(type(fig).__name__)").stdout == "Figure\n"
        shown = kernel.widgets_after(1.0)
        assert "started" in shown
        listed = kernel.run("%jobs").stdout
        assert listed.count("COMPLETED") == 3
        assert [listed.count(name) for name in ("first", "second", "third")] == [1, 1, 1]


@pytest.fixture
def desk(
    start_kernel: Callable[..., Kernel],
    started_backend: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Desk:
    """A notebook on each backend that starts processes."""
    slurm = request.getfixturevalue("on_slurm") if started_backend == "slurm" else None
    return Desk(start_kernel, tmp_path, slurm)


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
    own_slurm.start_controller()
    attached(kernel)
    desk.let_end()
    desk.all_is_there(kernel)


def test_what_ended_meanwhile_is_told_with_how_it_ended(desk: Desk) -> None:
    kernel, _ = desk.kernel()
    kernel.run(f"gate = {str(desk.gate)!r}")
    for cell in ("a = 1", "b = 1 / 0", "c = 3"):
        wait = "import os, time\nwhile not os.path.exists(gate): time.sleep(0.02)"
        kernel.run(f"{desk.magic}\n{wait}\n{cell}")
    kernel.kill()
    desk.gate.touch()
    jobs = desk.folder / ".nbsubmit" / "jobs"
    until(lambda: len(list(jobs.glob("*/result.json"))) == 3, "the jobs end")
    fresh, said = desk.kernel()
    assert said.stdout == (
        "nbsubmit: of this notebook's jobs 3 ended since (1 failed); "
        "%jobs attach --all brings them in\n"
    )
    fresh.run("%jobs attach --all")
    assert fresh.run("print(a, 'b' in globals(), c)").stdout == "1 False 3\n"


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


@pytest.fixture
def notebook(start_kernel: Callable[..., Kernel], tmp_path: Path) -> Desk:
    """A notebook whose jobs are local."""
    return Desk(start_kernel, tmp_path, None)


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


# A notebook that was moved or copied

CELL = (
    "%%local --wait --quiet\nweights = [number ** 2 for number in range(100)]\ntotal = sum(weights)"
)


def write_notebook(path: Path, cell: str = CELL) -> None:
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), path)


@pytest.fixture
def sent(notebook: Desk) -> Path:
    """A notebook that has sent a job from its only cell, whose kernel is gone."""
    path = notebook.folder / "work.ipynb"
    write_notebook(path)
    kernel, _ = notebook.kernel()
    kernel.run(CELL)
    kernel.kill()
    return path


def kernel_of(notebook: Desk, path: Path) -> tuple[Kernel, Ran]:
    notebook.environ["JPY_SESSION_NAME"] = str(path)
    return notebook.kernel()


def test_a_renamed_notebook_keeps_its_jobs(notebook: Desk, sent: Path) -> None:
    path = sent.rename(sent.parent / "renamed.ipynb")
    kernel, said = kernel_of(notebook, path)
    assert "had what a job of this notebook brought" in said.stdout
    assert f"(sent from {sent})" in said.stdout
    assert said.stdout.count("\n") == 1
    kernel.run("%jobs attach --all")
    assert kernel.run("print(total)").stdout == "328350\n"
    assert "COMPLETED" in kernel.run("%jobs").stdout


def test_a_copied_notebook_leaves_the_jobs_to_the_first(notebook: Desk, sent: Path) -> None:
    path = Path(shutil.copy(sent, sent.parent / "copy.ipynb"))
    kernel, said = kernel_of(notebook, path)
    assert said.stdout == (
        f"nbsubmit: this seems to be a copy of {sent}, whose job stays its own; %jobs list --all\n"
    )
    assert "no job of this notebook" in kernel.try_("%jobs attach --all").traceback
    assert "no jobs of this notebook" in kernel.run("%jobs").stdout
    job = kernel.run("%jobs list --all").stdout.split()[0]
    kernel.run(f"%jobs attach {job}")
    assert kernel.run("print(total)").stdout == "328350\n"
    _, said = kernel_of(notebook, sent)  # and the first one has it still
    assert "had what a job of this notebook brought" in said.stdout


def test_another_notebook_in_the_place_of_one_that_is_gone_takes_no_job(
    notebook: Desk, sent: Path
) -> None:
    sent.unlink()
    path = sent.parent / "other.ipynb"
    write_notebook(path, "%%local\nsomething = 'else'")
    kernel, said = kernel_of(notebook, path)
    assert said.stdout == ""
    assert "no jobs of this notebook" in kernel.run("%jobs").stdout


def test_a_folder_that_was_moved_with_its_store_keeps_its_jobs(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write_notebook(old / "work.ipynb")
    with contextlib.closing(Kernel(old, {"JPY_SESSION_NAME": str(old / "work.ipynb")})) as kernel:
        kernel.run("%load_ext nbsubmit")
        kernel.run(CELL)
    old.rename(new)
    write_notebook(new / "work.ipynb", "1 + 1  # all was written anew")
    with contextlib.closing(Kernel(new, {"JPY_SESSION_NAME": str(new / "work.ipynb")})) as kernel:
        said = kernel.run("%load_ext nbsubmit").stdout
        assert f"(sent from {old / 'work.ipynb'})" in said
        kernel.run("%jobs attach --all")
        assert kernel.run("print(total)").stdout == "328350\n"


def test_the_setting_names_the_notebook_where_no_front_end_does(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel(NBSUBMIT_NOTEBOOK="named.ipynb")
    kernel.run("%%local --wait --quiet\nx = 1")
    kernel.kill()
    fresh = start_kernel(loads=False, NBSUBMIT_NOTEBOOK="named.ipynb")
    assert "%jobs attach --all" in fresh.run("%load_ext nbsubmit").stdout
    fresh.run("%jobs attach --all")
    assert fresh.run("print(x)").stdout == "1\n"
