"""Cells that end in ways in which much could be lost: what there was comes back all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.kernel import Kernel
from tests.journeys.test_dependent_cells import gate, open_gate
from tests.way import until

pytestmark = pytest.mark.kernel


def test_a_child_that_comes_to_the_end_of_the_cell_ends_and_the_job_goes_on(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    ways = {"pass": 0, "raise ValueError('of the child')": 1, "raise SystemExit(3)": 3}
    for ends, code in ways.items():
        kernel.run(
            f"%%{started_backend} --wait --as job\nimport os\nchild = os.fork()\n"
            f"if child == 0:\n    {ends}\nelse:\n    _, status = os.waitpid(child, 0)\n"
            "    code = os.waitstatus_to_exitcode(status)"
        )
        assert kernel.run("print(code, job.state)").stdout == f"{code} COMPLETED\n"
    kernel.run("import nbsubmit")
    told = kernel.run("print(*[job.stderr() for job in nbsubmit.jobs()])").stdout
    assert "ValueError: of the child" in told


def test_a_cell_that_has_opened_all_files_that_it_may_is_told_of(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    ran = kernel.try_(
        "%%local --wait\nx = 5\nopened = []\nwhile True:\n    opened.append(open('/dev/null'))"
    )
    assert "[Errno 24] Too many open files: '/dev/null'" in ran.traceback
    assert kernel.run("print(x)").stdout == "5\n"


def test_a_value_whose_code_panics_takes_no_other_along(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    panics = (
        "class Panic(BaseException):\n    pass\nclass Hot:\n    def __reduce__(self):\n"
        "        raise Panic('boo')"
    )
    kernel.run(f"%%local --as job\n{panics}\nhot, y = Hot(), 6")
    kernel.run("job.wait()")
    assert kernel.run("print(y, job.state)").stdout == "6 COMPLETED\n"
    assert "hot stays on the node" in kernel.run("%jobs show job").stdout
    kernel.run(panics)
    kernel.run("hot = Hot()")
    ran = kernel.try_("%%local\nhot")
    assert "hot is of type __main__.Hot, which cannot be pickled" in ran.traceback
    assert "Nothing was submitted" in ran.traceback


def test_a_job_that_was_given_up_for_lost_and_succeeds_brings_what_it_made(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run(f"%%local --as job\n{gate('go')}x = 5")
    kernel.run(
        "from nbsubmit.core.state import JobState, Status\n"
        "job.update(job.found, Status(JobState.LOST, 'nobody knows it'))"
    )
    assert "x did not come from job" in kernel.try_("print(x)").traceback
    open_gate(kernel, "go")
    until(lambda: any(kernel.folder.glob(".nbsubmit/jobs/*/result.json")), "it ends all the same")
    assert kernel.run("print(x, job.state)").stdout == "5 COMPLETED\n"


def test_the_log_of_a_job_that_was_killed_holds_what_it_printed_and_no_line_of_ours(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run(
        f"%%{started_backend} --quiet --as job\nimport os, signal, sys\n"
        "print('so far', flush=True)\nprint('so good', file=sys.stderr, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert "killed by SIGKILL" in kernel.run("print(job.wait().status)").stdout
    assert kernel.run("print([job.stdout(), job.stderr()])").stdout == (
        "['so far\\n', 'so good\\n']\n"
    )
