"""A cell goes through and comes back, in a real kernel, on every backend."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel


def plain(text: str) -> str:
    """The text of a traceback without its colours."""
    from nbsubmit.client.screen import as_shown

    return as_shown(text)


def test_values_of_all_kinds_come_back_right(kernel: Kernel, magic: str) -> None:
    kernel.run(
        "import numpy as np, pandas as pd\n"
        "class Net:\n"
        "    def __init__(self, w): self.w = w\n"
        "    def double(self): return Net(self.w * 2)\n"
        "def shift(a): return a + offset\n"
        "offset = 10\n"
        "array = np.arange(6.0).reshape(2, 3)\n"
        "frame = pd.DataFrame({'n': [1, 2], 's': ['a', 'b']})\n"
        "net = Net(3)\n"
    )
    kernel.run(
        f"{magic} --as job\n"
        "moved = shift(array)\n"
        "frame2 = frame.assign(m=frame.n * 2)\n"
        "net2 = net.double()\n"
        "def late(): return offset\n"
        "moved.sum()"
    )
    ran = kernel.run(
        "job.wait()\n"
        "print(moved.tolist())\n"
        "print(frame2.m.tolist(), frame2.s.tolist())\n"
        "print(type(net2) is Net, net2.w)\n"
        "offset = 99\n"
        "print(late(), job.value, job.state.value)"
    )
    assert ran.stdout.splitlines() == [
        "[[10.0, 11.0, 12.0], [13.0, 14.0, 15.0]]",
        "[2, 4] ['a', 'b']",
        "True 6",
        "99 75.0 COMPLETED",
    ]


def test_sending_does_not_block_and_names_arrive_between_cells(
    kernel: Kernel, magic: str, backend_name: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    kernel.run(f"gate = {str(gate)!r}\nanswer = 'old'")
    if backend_name == "debug":  # it blocks by design
        gate.touch()
    kernel.run(
        f"{magic} --as job\n"
        "import os, time\n"
        "while not os.path.exists(gate): time.sleep(0.02)\n"
        "answer = 'new'"
    )
    if backend_name != "debug":
        kernel.run("%config NbSubmit.pending = 'ignore'")  # a cell that reads it would wait
        assert kernel.run("print(answer, job.done())").stdout == "old False\n"
        gate.touch()
    until(lambda: kernel.run("print(job.done())").stdout == "True\n", "the job ends")
    assert kernel.run("print(answer)").stdout == "new\n"


def test_a_failing_cell_shows_its_own_line(kernel: Kernel, magic: str) -> None:
    kernel.run("def part(a, b):\n    return a / b")
    count = kernel.run("1").count
    ran = kernel.try_(f"{magic} --wait\ntop = 1\n\nratio = part(top, 0)\nnever = 1")
    assert ran.status == "error"
    shown = plain(ran.traceback)
    assert "ZeroDivisionError: division by zero" in shown
    assert f"Cell In[{count + 1}], line 4" in shown
    assert "----> 4 ratio = part(top, 0)" in shown
    assert "return a / b" in shown
    assert "nbsubmit/" not in shown
    assert kernel.run("print(top, 'never' in globals())").stdout == "1 False\n"


def test_with_wait_a_cell_behaves_as_any_cell_does(kernel: Kernel, magic: str) -> None:
    ran = kernel.run(
        f"{magic} --wait --no-panel --quiet\n"
        "import sys, warnings\n"
        "import matplotlib.pyplot as plt\n"
        "print('printed')\n"
        "print('to stderr', file=sys.stderr)\n"
        "display({'shown': 1})\n"
        "!echo from the shell\n"
        "%time timed = 5\n"
        "import asyncio\n"
        "await asyncio.sleep(0)\n"
        "fig, ax = plt.subplots()\n"
        "ax.plot([1, 2])\n"
        "'the last'"
    )
    assert "printed\n" in ran.stdout
    assert "from the shell" in ran.stdout
    assert "Wall time" in ran.stdout
    assert ran.stderr == "to stderr\n"
    assert ran.result == "'the last'"
    assert {"text/plain": "{'shown': 1}"} in ran.data
    images = [data for data in ran.data if "image/png" in data]
    assert len(images) == 1
    assert ran.order.index("stdout") < ran.order.index("stderr") < ran.order.index("display_data")
    assert ran.order[-2:] == ["execute_result", "display_data"]  # the figure, still open
    assert kernel.run("print(timed, type(fig).__name__, _)").stdout == "5 Figure the last\n"


def test_a_value_bound_after_sending_is_not_replaced(
    kernel: Kernel, magic: str, tmp_path: Path
) -> None:
    (tmp_path / "gate").touch()
    kernel.run("x = 'before'")
    kernel.run(f"{magic} --as job\nx = 'from the job'\ny = 'also'")
    kernel.run("x = 'mine'")
    ran = kernel.run("job.wait()\nprint(x, job.names['x'])")
    mine = ran.stdout.split()[0]
    # Where the job had ended before the next cell began, it was home before the user's value.
    assert mine == "mine"
    assert "from the job" in ran.stdout
    assert kernel.run("print(x, y)").stdout == "mine also\n"


def test_nothing_is_submitted_for_a_cell_that_cannot_be_sent(
    kernel: Kernel, magic: str, tmp_path: Path
) -> None:
    kernel.run("conf = {'handlers': [open('/dev/null')]}\nfine = 1")
    ran = kernel.try_(f"{magic}\nprint(fine)\nprint(conf)")
    assert ran.status == "error"
    assert "conf['handlers'][0] is an open file" in ran.traceback
    assert "read in line 3" in ran.traceback
    assert "--without conf" in ran.traceback
    assert "Traceback" not in ran.traceback
    ran = kernel.try_(f"{magic}\nx = (1")
    assert "SyntaxError" in ran.traceback
    assert "line 2" in ran.traceback
    ran = kernel.try_(f"{magic} --gpu 1\nx = 1")
    assert "Did you mean --gpus" in ran.traceback
    assert not (tmp_path / ".nbsubmit").exists()


def test_in_and_out_and_without_are_obeyed(kernel: Kernel, magic: str) -> None:
    kernel.run("secret = 5\nhidden = 6\nused = 7")
    kernel.run(f"{magic} --wait --in hidden --out a\na = globals()['hidden']\nb = 2")
    assert kernel.run("print(a, 'b' in globals())").stdout == "6 False\n"
    ran = kernel.try_(f"{magic} --wait --without used\nc = used")
    assert "NameError" in ran.traceback
    ran = kernel.try_(f"{magic} --wait --out nothing_like_it\nd = 1")
    assert "nothing_like_it, which the cell did not make" in ran.traceback


def test_a_dry_run_shows_all_and_sends_nothing(kernel: Kernel, magic: str, tmp_path: Path) -> None:
    kernel.run("weights = list(range(1000))")
    ran = kernel.run(f"{magic} --dry-run --job-name plan\nprint(len(weights), absent)")
    plan, script = ran.stdout.split("nothing was sent; the script would be\n\n")
    assert "weights" in plan
    assert "read in line 2" in plan
    assert "not defined here: absent" in plan
    assert "-m nbsubmit.worker" in script
    assert not (tmp_path / ".nbsubmit" / "jobs").exists()


def test_jobs_lists_shows_and_prints(kernel: Kernel, magic: str) -> None:
    kernel.run(f"{magic} --wait --job-name first\nprint('said')\nvalue = 1\nvalue")
    listed = kernel.run("%jobs").stdout
    assert "first" in listed
    assert "COMPLETED" in listed
    assert kernel.run("%jobs logs").stdout == "said\n"
    kernel.run(f"{magic} --wait --quiet\nvalue += 1")
    assert re.fullmatch(r"job \w{4} has printed nothing\n", kernel.run("%jobs logs").stdout)
    shown = kernel.run("%jobs show").stdout
    assert "brings value" in shown
    ran = kernel.try_("%jobs show zzzz")
    assert "no job by the id 'zzzz'" in ran.traceback
    ran = kernel.try_("%jobs lst")
    assert "%jobs: what is 'lst'?" in ran.traceback
    assert "%jobs show [ID]" in ran.traceback


def test_tab_completes_options(kernel: Kernel, magic: str) -> None:
    word = magic.split()[0]
    assert "--gpus-per-node" in kernel.complete(f"{word} --gpus")
    assert "--dry-run" in kernel.complete(f"{word} -c 4 --dr")
    assert "cancel" in kernel.complete("%jobs ca")


def test_the_panel_shows_state_names_output_and_what_came_back(kernel: Kernel, magic: str) -> None:
    kernel.run("numbers = [1, 2, 3]")
    ran = kernel.run(f"{magic} --as job\nprint('<b>not bold</b>')\ntotal = sum(numbers)\ntotal")
    assert any("application/vnd.jupyter.widget-view+json" in data for data in ran.data)
    kernel.run("job.wait()")
    until(lambda: "COMPLETED" in kernel.widgets_after(0.2), "the panel's end")
    kernel.run("job")
    text = kernel.widgets_after(0.5)
    assert "COMPLETED" in text
    assert "sends numbers" in text
    assert "brings total" in text
    assert "&lt;b&gt;not bold&lt;/b&gt;" in text
    assert "<b>not bold" not in text
    outputs = [s["outputs"] for s in kernel.widgets.values() if s.get("outputs")]
    assert outputs[-1][0]["data"]["text/plain"] == "6"


def test_the_panels_button_cancels_when_it_has_been_asked(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run(
        f"%%{started_backend} --as job\nimport time\nprint('up', flush=True)\ntime.sleep(600)"
    )
    until(lambda: "up" in kernel.run("print(job.stdout())").stdout, "the cell runs")
    kernel.click("Cancel")
    assert kernel.run("print(job.done())").stdout == "False\n"
    kernel.click("Really cancel?")
    until(lambda: kernel.run("print(job.done())").stdout == "True\n", "the job ends")
    assert kernel.run("print(job.state.value)").stdout == "CANCELLED\n"


def test_an_interrupt_ends_the_waiting_and_not_the_job(
    start_kernel: Callable[..., Kernel], started_backend: str, tmp_path: Path
) -> None:
    kernel = start_kernel()
    gate = tmp_path / "gate"
    kernel.run(f"gate = {str(gate)!r}")
    waiting = kernel.start(
        f"%%{started_backend} --wait --as job\n"
        "import os, time\n"
        "print('seen', flush=True)\n"
        "while not os.path.exists(gate): time.sleep(0.02)\n"
        "done = 1"
    )
    kernel.hear("seen\n")  # which is said by who waits
    kernel.interrupt()
    ran = kernel.finish(waiting)
    assert ran.status == "error"
    assert "KeyboardInterrupt: the waiting for " in ran.traceback
    assert "was ended; the job goes on" in ran.traceback
    assert "threading.py" not in ran.traceback
    until(lambda: kernel.run("print(job.state.value)").stdout == "RUNNING\n", "it is seen to run")
    gate.touch()
    assert kernel.run("job.wait()\nprint(done)").stdout == "1\n"


def test_a_job_outlives_its_kernel_and_is_found_by_the_next(
    start_kernel: Callable[..., Kernel], started_backend: str, tmp_path: Path
) -> None:
    first = start_kernel()
    gate, up = tmp_path / "gate", tmp_path / "up"
    first.run(f"gate, up = {str(gate)!r}, {str(up)!r}")
    first.run(
        f"%%{started_backend} --as job\n"
        "import os, time\n"
        "open(up, 'w').close()\n"
        "while not os.path.exists(gate): time.sleep(0.02)\n"
        "result = 'made it'"
    )
    until(up.exists, "the cell runs")
    job_id = first.run("print(job.id)").stdout.strip()
    first.kill()
    gate.touch()
    second = start_kernel()
    ran = second.run(
        f"import nbsubmit\njob = nbsubmit.attach({job_id!r}).wait(60)\nprint(job.names['result'])"
    )
    assert ran.stdout == "made it\n"
    assert "COMPLETED" in second.run("%jobs list --all").stdout


AUGMENTED = {
    "a list": ("x = [1]", "x += [2]", "[1, 2]"),
    "an array": ("import numpy as np; x = np.arange(3)", "x += 1", "[1 2 3]"),
    "a dictionary": ("x = {'a': 1}", "x |= {'b': 2}", "{'a': 1, 'b': 2}"),
    "a set": ("x = {1, 2}", "x -= {1}", "{2}"),
    "through a function": ("x = [1]", "def g():\n    global x\n    x += [2]\ng()", "[1, 2]"),
    "through an earlier function": (
        "x = [1]\ndef g():\n    global x\n    x += [2]",
        "g()",
        "[1, 2]",
    ),
}


@pytest.mark.parametrize("what", AUGMENTED)
def test_an_augmented_assignment_comes_back(start_kernel: Callable[..., Kernel], what: str) -> None:
    before, cell, after = AUGMENTED[what]
    kernel = start_kernel()
    kernel.run(before)
    kernel.run(f"%%local --wait --quiet\n{cell}")
    assert kernel.run("print(x)").stdout == f"{after}\n"


def test_loading_the_extension_again_loses_no_job(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    gate = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)\n"
    kernel.run(f"%%local --as job\n{gate}r = 1")
    kernel.run("%reload_ext nbsubmit")
    kernel.run("open('go', 'w').close()")
    assert kernel.run("job.wait()\nprint(r)").stdout == "1\n"
    assert "COMPLETED" in kernel.run("%jobs").stdout


def test_without_a_panel_there_is_none(start_kernel: Callable[..., Kernel]) -> None:
    ran = start_kernel().run("%%local --no-panel\nx = 1")
    assert not any("application/vnd.jupyter.widget-view+json" in data for data in ran.data)


def test_the_notebooks_jobs_stay_its_own_when_it_changes_its_folder(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("%%local --wait --quiet\nx = 1")
    kernel.run("import os\nos.chdir('/')")
    assert "COMPLETED" in kernel.run("%jobs").stdout


@pytest.mark.parametrize("cell", ["return 3", "break", "def f():\n  return 1\n 5", "yield 1"])
def test_what_python_would_refuse_is_not_submitted(
    start_kernel: Callable[..., Kernel], tmp_path: Path, cell: str
) -> None:
    ran = start_kernel().try_(f"%%local\n{cell}")
    assert ran.status == "error"
    assert "nbsubmit/" not in plain(ran.traceback)
    assert "Error: " in plain(ran.traceback)
    assert not (tmp_path / ".nbsubmit").exists()


def test_the_error_of_a_cell_that_awaits_is_its_own(start_kernel: Callable[..., Kernel]) -> None:
    ran = start_kernel().try_("%%local --wait\nasync def f(): raise ValueError('x')\nawait f()")
    assert "ValueError: x" in plain(ran.traceback)
    assert "During handling" not in plain(ran.traceback)


def test_submodules_are_there_in_the_job_and_come_home(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("import concurrent.futures\nimport xml.etree.ElementTree as ET, xml.etree")
    kernel.run(
        "%%local --wait --quiet\n"
        "with concurrent.futures.ThreadPoolExecutor() as pool:\n"
        "    r = pool.submit(len, 'abc').result()\n"
        "t = xml.etree.ElementTree.fromstring('<a/>').tag\n"
        "import wsgiref.headers"
    )
    assert kernel.run("print(r, t, wsgiref.headers.__name__)").stdout == "3 a wsgiref.headers\n"


def test_a_result_that_cannot_be_rebuilt_takes_no_other_along(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("class E2(Exception):\n    def __reduce__(s): return int, ('no number',)")
    kernel.run("%%local --as p\nn0 = 1\nbad = E2(1, 2)\nn1 = 10\n'last'")
    ran = kernel.run("p.wait()\nprint(n0, n1, p.value, 'bad' in globals(), sorted(p.names))")
    assert ran.stdout == "1 10 last False ['n0', 'n1']\n"
    assert "could not be rebuilt" in kernel.run("%jobs show").stdout
