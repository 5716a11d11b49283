"""A notebook whose kernels come and go, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat

from nbsubmit.sandbox.sandbox import Sandbox
from tests.journeys.kernel import Kernel, Ran
from tests.way import until

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

    def start(self) -> Kernel:
        """Start a kernel; the extension is not loaded."""
        return self._start(loads=False, **self.environ)

    def kernel(self) -> tuple[Kernel, Ran]:
        """Start a kernel, and give what was said when the extension was loaded."""
        kernel = self.start()
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


CELL = (
    "%%local --wait --quiet\nweights = [number ** 2 for number in range(100)]\ntotal = sum(weights)"
)


def write_notebook(path: Path, cell: str = CELL) -> None:
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), path)
