"""A cell that keeps a state goes on from it when it is run again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import nbsubmit
from nbsubmit.client.checkpoint import is_used, warned
from nbsubmit.core.spec import CellOptions, Resources
from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel

NOTEBOOK = """
import numpy as np
import nbsubmit

class Model:
    "A class of the notebook's own, with an array that lies in a file and one that does not."
    def __init__(self):
        self.small, self.large = np.zeros(2000), np.zeros(300_000)
    def train(self):
        self.small += 1
        self.large += 1
"""
TRAINS = """
import time
from pathlib import Path
state = nbsubmit.checkpoint(epoch=0, model=Model())
print("from", state.epoch, float(state.model.small[0]), float(state.model.large[-1]))
while not Path("gate").exists():
    state.model.train()
    state.epoch += 1
    {save}
    time.sleep(0.02)
print("the end")
state.epoch
"""
LOOK = "print(job.stdout())"


@pytest.fixture
def training(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> Callable[..., tuple[Kernel, str]]:
    """Send the cell and wait until it trains."""

    def start(line: str = "", save: str = "") -> tuple[Kernel, str]:
        kernel = start_kernel()
        kernel.run(NOTEBOOK)
        kernel.run(f"%%{started_backend} --as job {line}\n{TRAINS.format(save=save)}")
        until(lambda: "from 0 0.0 0.0" in kernel.run(LOOK).stdout, "it trains")
        return kernel, started_backend

    return start


def starts(kernel: Kernel) -> list[list[float]]:
    """What each run has begun with."""
    lines = kernel.run(LOOK).stdout.splitlines()
    return [[float(n) for n in line.split()[1:]] for line in lines if line.startswith("from")]


def interrupt(kernel: Kernel, timeout: bool = False) -> list[float]:
    """Interrupt the job, and return what the next run has begun with."""
    before = len(starts(kernel))
    kernel.run(f"job._interrupt(timeout={timeout})")
    until(lambda: len(starts(kernel)) > before, "it runs again", 120)
    return starts(kernel)[-1]


def test_it_goes_on_from_its_state_and_its_output_goes_on_too(
    training: Callable[..., tuple[Kernel, str]],
) -> None:
    kernel, _ = training()
    epoch, small, large = interrupt(kernel)
    assert epoch > 0
    # It was told somewhere between two steps of the loop.
    assert {small - epoch, large - epoch} <= {0, 1}
    kernel.run("Path = __import__('pathlib').Path; Path('gate').touch(); job.wait(120)")
    assert float(kernel.run("print(job.result())").stdout) >= epoch
    printed = kernel.run(LOOK).stdout.splitlines()
    assert [line.split()[0] for line in printed if line] == ["from", "from", "the"]
    assert kernel.run("print(type(state.model) is Model, state.epoch == job.result())").stdout == (
        "True True\n"
    )


def test_a_state_that_is_saved_by_hand_is_kept_as_it_was_then(
    training: Callable[..., tuple[Kernel, str]],
) -> None:
    kernel, _ = training(save="state.save()")
    for _ in range(2):
        epoch, small, large = interrupt(kernel)
        assert epoch == small == large > 0
    kernel.run("__import__('pathlib').Path('gate').touch(); job.wait(120)")


def test_timeouts_are_counted(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run(NOTEBOOK)
    kernel.run(f"%%local --as job\n{TRAINS.format(save='')}")
    until(lambda: len(starts(kernel)) == 1, "it trains")
    for _ in range(3):
        interrupt(kernel, timeout=True)
    kernel.run("job._interrupt(timeout=True)\njob.wait(60)")
    assert kernel.run("print(job.status.reason)").stdout == (
        "Job not requeued because: timed-out too many times\n"
    )


def test_the_end_of_its_real_time_is_told_to_the_cell(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run(NOTEBOOK)
    kernel.run(f"%%local --as job --time 0:04\n{TRAINS.format(save='')}")
    until(lambda: len(starts(kernel)) == 2, "it runs again", 30)
    assert starts(kernel)[1][0] > 0
    kernel.run("__import__('pathlib').Path('gate').touch(); job.wait(60)")
    assert kernel.run("print(job.state)").stdout == "COMPLETED\n"


def test_a_job_in_the_kernels_own_process_keeps_its_state_to_itself(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("import nbsubmit")
    kernel.run(
        "%%local --debug --as job\nstate = nbsubmit.checkpoint(epoch=1)\n"
        "state.save()\nassert nbsubmit.checkpoint(epoch=2).epoch == 1"
    )
    assert kernel.run("print(job.state, state.epoch)").stdout == "COMPLETED 1\n"
    assert kernel.run("print(nbsubmit.checkpoint(epoch=2).epoch)").stdout == "2\n"


def test_in_the_notebook_it_is_a_plain_object(tmp_path: object) -> None:
    state = nbsubmit.checkpoint(epoch=1)
    state.epoch += 1
    state.save()
    assert vars(state) == {"epoch": 2}
    assert nbsubmit.checkpoint(epoch=1).epoch == 1


def test_save_is_no_attribute() -> None:
    with pytest.raises(TypeError, match="keeps no attribute 'save'"):
        nbsubmit.checkpoint(save=1)


@pytest.mark.parametrize(
    ("source", "names", "used"),
    [
        ("state = nbsubmit.checkpoint(epoch=0)", {}, True),
        ("from nbsubmit import checkpoint, progress", {}, True),
        ("state = checkpoint(epoch=0)", {"checkpoint": nbsubmit.checkpoint}, True),
        ("state = checkpoint(epoch=0)", {"checkpoint": print}, False),
        ("nbsubmit.progress([])", {}, False),
    ],
)
def test_a_cell_that_keeps_a_state_is_known_by_its_text(
    source: str, names: dict[str, object], used: bool
) -> None:
    assert is_used(source, names) is used


@pytest.mark.parametrize(
    ("resources", "given", "seconds"),
    [
        (Resources(), None, 60),
        (Resources(time_seconds=3600), None, 60),
        (Resources(time_seconds=100), None, 25),
        (Resources(), 5, 5),
        (Resources(extra={"signal": "B:USR2@300"}), None, None),
    ],
)
def test_it_is_told_before_its_time_is_over_unless_somebody_has_said_when(
    resources: Resources, given: int | None, seconds: int | None
) -> None:
    options = CellOptions(resources=resources, signal_seconds=given)
    assert warned(options).signal_seconds == seconds
