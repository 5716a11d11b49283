"""The same cell with the same inputs is not sent twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbsubmit.core.store import JobStore
from tests.journeys.kernel import Kernel
from tests.journeys.test_dependent_cells import gate, open_gate

pytestmark = pytest.mark.kernel

DEFINITIONS = """
import numpy as np
class Scale:
    names = {"a", "b", "c"}
    def __init__(self, by):
        self.by = by
def scaled(values, scale):
    return values * scale.by + offset
offset, data, scale = 1, np.arange(10), Scale(3)
"""


def jobs(kernel: Kernel) -> list[str]:
    return [folder.id for folder in JobStore(kernel.folder / ".nbsubmit").folders()]


def test_a_cell_whose_job_is_alive_is_attached_to_it(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run(DEFINITIONS)
    cell = f"%%{started_backend} --as job\n{gate('go')}y = scaled(data, scale).sum()"
    kernel.run(cell)
    again = kernel.run(cell)
    assert "attached to job" in again.stdout
    assert "--fresh sends another" in again.stdout
    assert len(jobs(kernel)) == 1
    open_gate(kernel, "go")
    assert "145" in kernel.run("print(y)").stdout
    kernel.run(cell)
    assert len(jobs(kernel)) == 2


def test_other_inputs_options_and_the_option_fresh_send_another(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run(DEFINITIONS)
    cell = f"{gate('go')}y = scaled(data, scale).sum()"
    kernel.run(f"%%{started_backend}\n{cell}")
    changes = ("data[0] = 7", "offset = 2", "scale.by = 4", "Scale.names = {'a'}")
    for change in changes:
        kernel.run(change)
        assert "attached" not in kernel.run(f"%%{started_backend}\n{cell}").stdout, change
    assert "attached" not in kernel.run(f"%%{started_backend} -c 2\n{cell}").stdout
    assert "attached" in kernel.run(f"%%{started_backend} -J named\n{cell}").stdout
    assert "attached" not in kernel.run(f"%%{started_backend} --fresh\n{cell}").stdout
    assert len(jobs(kernel)) == len(changes) + 3
    open_gate(kernel, "go")


def test_after_a_restart_a_cell_attaches_to_the_job_that_it_has_sent_before(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    first = start_kernel(PYTHONHASHSEED="1")
    cell = f"%%{started_backend}\n{gate('go')}y = scaled(data, scale).sum()\nz = Scale(y)"
    first.run(DEFINITIONS)
    first.run(cell)
    first.kill()
    second = start_kernel(PYTHONHASHSEED="2")
    second.run(DEFINITIONS)
    assert "attached to job" in second.run(cell).stdout
    assert len(jobs(second)) == 1
    open_gate(second, "go")
    assert "145 145 True" in second.run("print(y, z.by, type(z) is Scale)").stdout


def test_a_result_is_taken_once_more_where_that_is_asked_for(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    first = start_kernel()
    cell = "import os\nprint('ran')\ny = scaled(data, scale).sum()\npid = os.getpid()"
    first.run(DEFINITIONS)
    first.run(f"%%{started_backend}\n{cell}")
    pid = first.run("print(pid)").stdout.splitlines()[-1]
    assert len(jobs(first)) == 1
    taken = first.run(f"%%{started_backend} --reuse\n{cell}")
    assert "took the result of job" in taken.stdout
    first.kill()
    second = start_kernel(NBSUBMIT_REUSE="1")
    second.run(DEFINITIONS)
    assert "took the result of job" in second.run(f"%%{started_backend}\n{cell}").stdout
    assert second.run("print(y, pid)").stdout == f"145 {pid}\n"
    assert "took" not in second.run(f"%%{started_backend} --fresh\n{cell}").stdout
    assert len(jobs(second)) == 2


def test_a_result_that_failed_is_not_taken(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel(NBSUBMIT_REUSE="1")
    cell = f"%%{started_backend} --as job\nfrom pathlib import Path\nx = Path('there').read_text()"
    kernel.run(cell)
    kernel.run("job.wait(60)")
    (kernel.folder / "there").write_text("text")
    kernel.run(cell)
    assert kernel.run("x").result == "'text'"


def test_an_edited_module_is_another_input(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel(NBSUBMIT_REUSE="1")
    module = kernel.folder / "helper.py"
    module.write_text("def value():\n    return 1\n")
    cell = f"%%{started_backend}\nimport helper\nx = helper.value()"
    kernel.run("import helper")
    kernel.run(cell)
    assert kernel.run("print(x)").stdout.endswith("1\n")
    module.write_text("def value():\n    return 22\n")
    kernel.run(cell)
    assert kernel.run("print(x)").stdout.endswith("22\n")
    assert len(jobs(kernel)) == 2


def test_a_chain_of_jobs_is_taken_once_more_after_a_restart(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    cells = [
        "import numpy as np\nstart = 2",
        f"%%{started_backend}\n{gate('go')}a = np.arange(start)\ndef f(v):\n    return v + start",
        f"%%{started_backend}\nb = f(a)\nc = [a]",
        f"%%{started_backend}\nd = b.sum() + len(c)",
    ]
    first = start_kernel()
    for cell in cells:
        first.run(cell)
    for cell in cells[1:]:
        assert "attached" in first.run(cell).stdout
    open_gate(first, "go")
    assert first.run("print(d)").stdout.endswith("6\n")
    assert len(jobs(first)) == 3
    first.kill()
    second = start_kernel(NBSUBMIT_REUSE="1")
    for cell in cells:
        second.run(cell)
    assert second.run("print(d)").stdout == "6\n"
    assert len(jobs(second)) == 3


def test_a_variable_of_the_environment_that_a_cell_names_is_an_input(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel(NBSUBMIT_REUSE="1", SCALE="2", OTHER="1")
    kernel.run("import os\ndef scale():\n    return int(os.environ['SCALE'])")
    for cell in ("x = os.getenv('SCALE')", "x = scale()", "x = !echo $SCALE"):
        first = kernel.run(f"%%local --wait --quiet\n{cell}")
        assert "took" not in first.stdout
        kernel.run("os.environ['OTHER'] += '1'")
        assert "took" in kernel.run(f"%%local\n{cell}").stdout
        kernel.run("os.environ['SCALE'] += '0'")
        assert "took" not in kernel.run(f"%%local --wait --quiet\n{cell}").stdout


def test_whether_two_names_have_one_object_is_an_input(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel(NBSUBMIT_REUSE="1")
    kernel.run("import numpy as np")
    cases = (
        ("p = [1]; q = p", "p = [1]; q = [1]", "p.append(2); v = len(q)", "2 1"),
        (
            "p = np.ones(3); q = p[:2]",
            "p = np.ones(3); q = np.ones(2)",
            "p += 1; v = q[0]",
            "2.0 1.0",
        ),
    )
    for one, other, cell, shown in cases:
        found = []
        for made in (one, other):
            kernel.run(made)
            kernel.run(f"%%local --wait --quiet\n{cell}")
            found.append(kernel.run("print(v)").stdout.strip())
        assert " ".join(found) == shown


def test_an_edited_module_that_is_not_loaded_here_is_another_input(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel(NBSUBMIT_REUSE="1")
    package = kernel.folder / "tools"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("from tools.deep import K\n")
    # Of another length: what Python has compiled in the same second is told by that alone.
    for number in (1, 22):
        (package / "deep.py").write_text(f"K = {number}\n")
        kernel.run("%%local --wait --quiet\nfrom tools.inner import K\nk = K")
        assert kernel.run("print(k)").stdout == f"{number}\n"
