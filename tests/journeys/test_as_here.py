"""What a waiting cell shows stands where it would have stood if the cell had run here.

Promise 1 of README.
"""

from __future__ import annotations

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.test_cell_to_result import plain

pytestmark = pytest.mark.kernel

WAIT = "--wait --quiet"


def test_a_figure_that_is_left_open_is_shown_below_the_result(kernel: Kernel, magic: str) -> None:
    ran = kernel.run(f"{magic} {WAIT}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\n'result'")
    assert ran.order == ["execute_result", "display_data"]


def test_a_figure_that_is_left_open_is_shown_below_the_error(kernel: Kernel, magic: str) -> None:
    ran = kernel.try_(f"{magic} {WAIT}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\n1 / 0")
    assert ran.order == ["error", "display_data"]


def test_a_figure_that_came_with_the_cell_is_shown_as_a_picture(kernel: Kernel, magic: str) -> None:
    kernel.run("import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nplt.close(fig)")
    ran = kernel.run(f"{magic} {WAIT}\nfig")
    assert "image/png" in ran.data[0]


def test_a_function_of_an_earlier_cell_has_that_cells_number_in_a_traceback(
    kernel: Kernel, magic: str
) -> None:
    count = kernel.run("def invert(x):\n    return 1 / x").count
    ran = kernel.try_(f"{magic} {WAIT}\ninvert(0)")
    assert f"Cell In[{count}], line 2, in invert(x)" in plain(ran.traceback)


HELD = {
    "the job makes": ("pass", "e = ValueError('one')\nheld = [e]\nraise e"),
    "the job has been sent": ("e = ValueError('one')\nheld = [e]", "raise e"),
    "has an __init__ of its own": (
        "class Mine(ValueError):\n    def __init__(self, a, b): self.b = b",
        "e = Mine(1, 2)\nheld = [e]\nraise e",
    ),
}


@pytest.mark.parametrize("which", HELD)
def test_an_exception_that_is_raised_and_kept_in_a_name_is_kept_as_it_is(
    kernel: Kernel, magic: str, which: str
) -> None:
    before, cell = HELD[which]
    kernel.run(before)
    ran = kernel.try_(f"{magic} {WAIT}\n{cell}")
    assert f"----> {cell.count(chr(10)) + 2} raise e" in plain(ran.traceback)
    told = kernel.run("print(e.__cause__, hasattr(e, '_render_traceback_'), held[0] is e)").stdout
    assert told == "None False True\n"


def test_an_error_of_syntax_is_told_as_the_shell_tells_it(kernel: Kernel, magic: str) -> None:
    here = kernel.try_("# a line\nx = 1\n  y = 2")
    there = kernel.try_(f"{magic} {WAIT}\nx = 1\n  y = 2")
    assert plain(there.traceback).splitlines()[1:] == plain(here.traceback).splitlines()[1:]
    assert kernel.run("1").result == "1"


def test_what_a_cell_captures_is_the_same_as_here(kernel: Kernel, magic: str) -> None:
    tell = "print(repr(out.stdout), [shown.data['text/plain'] for shown in out.outputs])"
    cell = "%%capture out\nprint('said')\ndisplay([1])\n[2]"
    kernel.run(cell)
    here = kernel.run(tell).stdout
    ran = kernel.run(f"{magic} {WAIT}\n{cell}")
    assert ran.order == []
    assert kernel.run(tell).stdout == here == "'said\\n' ['[1]', '[2]']\n"


SUITES = {
    "doctest": (
        "x = 1\ndef add(y):\n    '''\n    >>> add(x)\n    2\n    '''\n    return y + 1",
        "import doctest\ndoctest.testmod()",
        "TestResults(failed=0, attempted=1)",
    ),
    "unittest": (
        "import unittest\nclass Adds(unittest.TestCase):\n"
        "    def test_one(self): self.assertEqual(1 + 1, 2)",
        "unittest.main(argv=[''], exit=False).result.testsRun",
        "1",
    ),
}


@pytest.mark.parametrize("suite", SUITES)
def test_tests_of_earlier_cells_are_found(kernel: Kernel, magic: str, suite: str) -> None:
    before, cell, told = SUITES[suite]
    kernel.run(before)
    assert kernel.run(f"{magic} {WAIT}\n{cell}").result == told


def test_a_colour_bar_of_a_figure_that_comes_home_follows_its_image(
    kernel: Kernel, magic: str
) -> None:
    kernel.run("import matplotlib.pyplot as plt")
    kernel.run(
        f"{magic} {WAIT}\nfig, ax = plt.subplots()\nim = ax.imshow([[1, 2], [3, 4]])\n"
        "bar = fig.colorbar(im)\nplt.close(fig)"
    )
    kernel.run("im.set_clim(0, 10)\nim.set_cmap('gray')")
    told = "float(bar.vmax), [float(end) for end in bar.ax.get_ylim()], bar.cmap.name"
    assert kernel.run(told).result == "(10.0, [0.0, 10.0], 'gray')"
    kernel.run(f"{magic} {WAIT}\nim.norm.vmax = 20")
    assert kernel.run(told).result == "(20.0, [0.0, 20.0], 'gray')"
    kernel.run("im.norm.vmax = 30")
    assert (
        kernel.run("float(bar.vmax), bar.mappable is im, im.stale").result == "(30.0, True, True)"
    )
