"""The notebook goes on while a job runs: what is defined anew here stays as it is here.

Promise 3 of README.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel

NET = """
class Net:
    rate, names = 1, ['first']
    def __init__(self, w): self.w = w
    def double(self): return Net(self.w * 2)
    def word(self): return 'old ' + tag
tag = 'tag'
net = Net(3)
"""
WAIT = "import os, time\nwhile not os.path.exists(gate): time.sleep(0.02)\n"


@pytest.fixture(params=["local", "slurm"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """The backends that run beside the notebook."""
    name = str(request.param)
    if name == "slurm":
        request.getfixturevalue("on_slurm")
    return name


@pytest.fixture
def kernel(start_kernel: Callable[..., Kernel], backend_name: str) -> Kernel:
    """A kernel whose cells do not wait for what a job may change."""
    return start_kernel(NBSUBMIT_PENDING="ignore")


@pytest.fixture
def meanwhile(kernel: Kernel, magic: str, tmp_path: Path) -> Callable[[str, str, str], list[str]]:
    """Run a cell as a job and something else here before the job does anything; print then."""
    gate = tmp_path / "gate"
    kernel.run(f"gate = {str(gate)!r}")
    kernel.run(NET)

    def run(job: str, here: str, show: str) -> list[str]:
        kernel.run(f"{magic} --quiet --as job\n{WAIT}{job}")
        kernel.run(here)
        gate.touch()
        kernel.run("job.wait()")
        return kernel.run(show).stdout.splitlines()

    return run


Meanwhile = Callable[[str, str, str], list[str]]


def test_attributes_that_change_here_meanwhile_are_not_set_back(meanwhile: Meanwhile) -> None:
    shown = meanwhile(
        "net2 = net.double()\nnet.w = 4\nword = net2.word()",
        "Net.rate = 2\nNet.names.append('here')\nNet.word = lambda self: 'new'\ndel Net.double",
        "print(type(net2) is Net, net2.w, net.w, word)\n"
        "print(Net.rate, Net.names, net2.word(), hasattr(Net, 'double'))",
    )
    assert shown == ["True 6 4 old tag", "2 ['first', 'here'] new False"]


def test_a_class_that_both_change_stays_as_it_is_here_and_that_is_said(
    meanwhile: Meanwhile, kernel: Kernel
) -> None:
    shown = meanwhile(
        "Net.rate = 10\nNet.names.append('job')\nnet2 = Net(5)",
        "Net.rate = 2",
        "print(Net.rate, Net.names, type(net2) is Net, job.names['Net'] is Net)",
    )
    assert shown == ["2 ['first'] True True"]
    assert "Net: yours is newer and stays" in kernel.run("%jobs show").stdout


def test_two_jobs_that_change_one_class_in_turn_are_both_heard(kernel: Kernel, magic: str) -> None:
    kernel.run(NET)
    kernel.run(f"{magic} --wait --quiet\nNet.rate += 1\nNet.first = True")
    kernel.run(f"{magic} --wait --quiet\nNet.rate += 1\nNet.second = Net.first")
    assert kernel.run("print(Net.rate, Net.first, Net.second)").stdout == "3 True True\n"


def test_objects_of_a_class_that_is_defined_anew_meanwhile_are_of_the_class_they_were_sent_with(
    meanwhile: Meanwhile,
) -> None:
    shown = meanwhile(
        "net2 = net.double()",
        "old = Net\n" + NET.replace("'old '", "'new '"),
        "print(type(net2) is old, type(net2) is Net, net2.word(), net.word())",
    )
    assert shown == ["True False old tag new tag"]


def test_functions_that_are_defined_anew_meanwhile_stay_and_the_jobs_see_them(
    meanwhile: Meanwhile,
) -> None:
    shown = meanwhile(
        "def caller(): return net.word()\nsaid = caller()",
        "tag = 'another'\ndef caller(): return 'mine'",
        "print(caller(), said, job.names['caller']())",
    )
    assert shown == ["mine old tag old another"]


def test_after_a_restart_objects_are_of_the_class_that_has_the_name_now_or_of_the_one_sent(
    start_kernel: Callable[..., Kernel], magic: str, on_slurm: object
) -> None:
    first = start_kernel()
    first.run(NET)
    first.run(
        f"{magic} --quiet --as job\n"
        "import enum\n"
        "class Kind(enum.Enum): A = 1\n"
        "net2, made, net.w = net.double(), {Kind.A: Net(7)}, 9"
    )
    job = first.run("job.wait()\nprint(job.id)").stdout.split()[-1]
    first.kill()
    attach = f"import nbsubmit\nnames = nbsubmit.attach({job!r}).wait(60).names\n"
    show = (
        "net2, net, made = names['net2'], names['net'], names['made']\n"
        "print(net2.w, net.w, [(k.name, v.w) for k, v in made.items()])\n"
        "print(type(net2) is type(net) is type(made[names['Kind'].A]))"
    )
    second = start_kernel()
    assert second.run(attach + show).stdout.splitlines() == ["6 9 [('A', 7)]", "True"]
    second.run(NET.replace("net = Net(3)", ""))
    again = second.run(attach + show + "\nprint(type(net2) is Net, net2.word())")
    assert again.stdout.splitlines()[:2] == ["6 9 [('A', 7)]", "True"]
    third = start_kernel()
    third.run(NET.replace("net = Net(3)", ""))
    ran = third.run(attach + show + "\nprint(type(net2) is Net, net2.word())")
    assert ran.stdout.splitlines() == ["6 9 [('A', 7)]", "True", "True old tag"]


def test_what_can_go_nowhere_is_named_where_the_cell_reads_it_and_left_where_it_may_not(
    kernel: Kernel, magic: str
) -> None:
    kernel.run(
        "import contextvars\n"
        "variable = contextvars.ContextVar('variable')\n"
        "class Holder:\n"
        "    variable = variable\n"
        "def seldom(flag): return variable.get() if flag else 5\n"
        "gen = (n for n in [1])\n"
        "def closes():\n"
        "    inner = variable\n"
        "    return lambda: inner\n"
        "closed = closes()"
    )
    for cell, path in {
        "variable.set(1)": "variable is",
        "h = Holder()": "Holder.variable is",
        "next(gen)": "gen is a generator",
        "closed()": "closed.<closure inner> is",
    }.items():
        ran = kernel.try_(f"{magic} --wait --quiet\n{cell}")
        assert ran.status == "error"
        assert f"NotPicklable: {path}" in ran.traceback
    ran = kernel.run(f"{magic} --wait --quiet\nx = seldom(False)")
    assert kernel.run("print(x)").stdout == "5\n"
    ran = kernel.try_(f"{magic} --wait --quiet\nx = seldom(True)")
    assert "NameError" in ran.traceback
    assert "variable" in ran.traceback
