"""All that failed is sent again at once, each with its own options, from a notebook or a shell."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel

NEVER_ENDS = """import time, pathlib
print("up", flush=True)
while not pathlib.Path("end").exists():
    time.sleep(0.05)
"""
FAILS = "import os\nif not os.path.exists('mended'):\n    raise ValueError('not yet')\n"


def run(kernel: Kernel, magic: str, name: str, body: str, options: str = "") -> str:
    """Send a cell, wait for its end, and return the job's id."""
    kernel.run(f"{magic} -J {name} --as {name} {options}\n{body}")
    kernel.run(f"_ = {name}.wait(60)")
    return kernel.run(f"print({name}.id)").stdout.strip()


def cancel_running(kernel: Kernel, name: str) -> None:
    """Cancel a job that prints when it is up, once it is, and see that it ends so."""
    until(lambda: "up" in kernel.run(f"print({name}.stdout())").stdout, "it runs")
    kernel.run(f"{name}.cancel()\n_ = {name}.wait(60)")
    assert kernel.run(f"print({name}.state)").stdout == "CANCELLED\n"


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbsubmit", "resubmit", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def mend(kernel: Kernel) -> None:
    (kernel.folder / "mended").touch()


def specs(kernel: Kernel) -> dict[str, str]:
    """The line of the latest job of each name."""
    told = kernel.run(
        "import nbsubmit\nfor j in nbsubmit.jobs():\n    print(j.name, j.spec['line'], sep='|')"
    )
    return dict(line.split("|") for line in told.stdout.splitlines())


def test_all_that_failed_is_sent_again_with_its_own_options_and_more(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel, magic = start_kernel(), f"%%{started_backend}"
    one = run(kernel, magic, "one", f"{FAILS}x = 1", "-c 1")
    run(kernel, magic, "fine", "y = 1")
    two = run(kernel, magic, "two", f"{FAILS}z = n", "--mem 100M --map n=range(3)")
    mend(kernel)
    shown = kernel.run("%jobs resubmit --failed -t 5m").stdout
    assert re.search(rf"job {one} one FAILED was sent again as job \d", shown)
    assert re.search(rf"job {two} two FAILED \(3 of its tasks\) was sent again as job \d", shown)
    assert len(shown.splitlines()) == 2
    until(lambda: kernel.try_("print(x, list(z))").stdout == "1 [0, 1, 2]\n", "all is here")
    lines = specs(kernel)
    assert {"-c", "1", "-t", "5m"} <= set(lines["one"].split())
    assert {"--mem", "100M", "-t", "5m"} <= set(lines["two"].split())
    assert "-t" not in lines["fine"]
    assert "there is nothing to send" in kernel.run("%jobs resubmit --failed").stdout


def test_what_fails_again_is_sent_again_and_what_was_cancelled_is_not(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    first = run(kernel, "%%local", "one", f"{FAILS}x = 1")
    kernel.run(f"%%local --as two\n{NEVER_ENDS}")
    cancel_running(kernel, "two")
    shown = kernel.run("%jobs resubmit --failed").stdout
    assert shown.count("was sent again as") == 1
    again = shown.split()[-1]
    kernel.run(f"import nbsubmit\n_ = nbsubmit.attach('{again}').wait(60)")
    mend(kernel)
    shown = kernel.run("%jobs resubmit --failed").stdout
    assert f"job {again} one FAILED was sent again" in shown
    assert first not in shown
    until(lambda: kernel.try_("print(x)").stdout == "1\n", "x is here")


def test_tasks_that_were_sent_again_already_are_not_sent_twice(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    cell = FAILS.replace("if not", "if i and not") + "x = i"
    job = run(kernel, "%%local", "one", cell, "--map i=range(4)")
    assert kernel.run("print(len(one.failed))").stdout == "3\n"
    kernel.run(f"%jobs resubmit {job}_2")
    kernel.run("import nbsubmit\n_ = nbsubmit.jobs()[-1].wait(60)")
    mend(kernel)
    shown = kernel.run("%jobs resubmit --failed").stdout
    assert f"job {job} one FAILED (2 of its tasks) was sent again" in shown
    assert "one FAILED (1 of its tasks) was sent again" in shown
    until(lambda: kernel.try_("print(list(x))").stdout == "[0, 1, 2, 3]\n", "all is here")


def test_a_wrong_option_sends_nothing(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    run(kernel, "%%local", "one", FAILS)
    for option, words in (("--nonsense", "--nonsense"), ("--in x", "--in has no meaning there")):
        assert words in kernel.try_(f"%jobs resubmit --failed {option}").traceback
    assert len(kernel.run("%jobs").stdout.splitlines()) == 1


def test_a_shell_sends_cells_again_and_a_notebook_attaches_to_them(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel, magic = start_kernel(), f"%%{started_backend}"
    kernel.run("import numpy as np\nn = 20\ndata = np.arange(300_000)")
    job = run(kernel, magic, "one", f"{FAILS}m = n + int(data[1])")
    array = run(kernel, magic, "two", f"{FAILS}k = i", "--map i=range(2)")
    kernel.kill()
    (kernel.folder / "mended").touch()
    done = command(kernel.folder, "--failed", "-t", "5m")
    assert re.search(rf"job {job} FAILED was sent again as job \d", done.stdout)
    assert f"job {array} FAILED (2 of its tasks) was sent again" in done.stdout
    assert "nothing to send" in command(kernel.folder, "--failed").stdout
    new = [line.split()[-1] for line in done.stdout.splitlines()]
    second = start_kernel()
    for each in new:
        second.run(f"import nbsubmit\n_ = nbsubmit.attach('{each}').wait(60)")
        second.run(f"%jobs attach {each}")
    assert second.run("print(m, list(k))").stdout == "21 [0, 1]\n"
    assert "-t 5m" in specs(second)["one"]
    done = command(kernel.folder, job, "-J", "third")
    assert "sent again" in done.stdout
    assert "third" in specs(second)
    assert "no meaning there" in command(kernel.folder, job, "--wait").stderr
    assert "which one?" in command(kernel.folder, "-t", "5m").stderr


def test_a_shell_sends_calls_again_too(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("import nbsubmit\njob = nbsubmit.LocalExecutor('.').submit(int, 'x')")
    kernel.run("_ = job.exception(60)")
    job = kernel.run("print(job.id)").stdout.strip()
    shown = kernel.run("%jobs resubmit --failed").stdout
    assert "there is nothing to send" in shown  # it is no cell of the notebook's
    done = command(kernel.folder, "--failed", "--mem", "8G")
    assert "has parameters instead of options" in done.stderr
    assert f"job {job} FAILED was sent again" in command(kernel.folder, "--failed").stdout


def test_a_script_sends_a_cell_again(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    job = run(kernel, "%%local", "one", f"{FAILS}x = 5\nx")
    mend(kernel)
    shown = kernel.run(
        f"import nbsubmit\nagain = nbsubmit.attach('{job}').resubmit(options='-J other -t 5m')\n"
        "print(again.result(60), again.name, again.limits.seconds)"
    )
    assert shown.stdout == "5 other 300\n"
    wrong = kernel.try_(f"nbsubmit.attach('{job}').resubmit(mem_gb=8)")
    assert "which has no parameter 'mem_gb'" in wrong.traceback


def test_what_was_not_run_for_an_input_that_failed_is_sent_again_after_it(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel, magic = start_kernel(), f"%%{started_backend}"
    gate = "import time\nwhile not os.path.exists('go'):\n    time.sleep(0.05)\n"
    fails = FAILS.replace("\n", f"\n{gate}", 1)
    kernel.run(f"{magic} -J one --as one\n{fails}x = 20")
    kernel.run(f"{magic} -J two --as two\ny = 2 * x")
    kernel.run(f"{magic} -J three --as three\nz = y + 2")
    (kernel.folder / "go").touch()
    kernel.run("_ = one.wait(60), two.wait(60), three.wait(60)")
    first, second = kernel.run("print(one.id, two.id)").stdout.split()
    ran = kernel.try_(f"%jobs resubmit {second}")
    assert f"job {second} was not sent: its input, job {first}, is FAILED" in ran.traceback
    assert f"Send job {first} again first" in ran.traceback
    mend(kernel)
    shown = kernel.run("%jobs resubmit --failed").stdout.splitlines()
    assert [line.split()[2] for line in shown] == ["one", "two", "three"]
    assert all("was sent again as job" in line for line in shown)
    until(lambda: kernel.try_("print(x, y, z)").stdout.endswith("20 40 42\n"), "all is here")
    assert "there is nothing to send" in kernel.run("%jobs resubmit --failed").stdout


def test_a_cell_is_sent_again_after_the_mended_cell_that_it_reads(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel(JPY_SESSION_NAME="analysis.ipynb")
    wait = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.05)\n"
    kernel.run_as("first", f"%%local --as one\n{wait}x = 1 / 0")
    kernel.run_as("second", "%%local --as two\ny = 2 * x")
    (kernel.folder / "go").touch()
    kernel.run("_ = one.wait(60), two.wait(60)")
    second = kernel.run("print(two.id)").stdout.strip()
    kernel.run_as("first", "%%local\nx = 10")
    kernel.run(f"%jobs resubmit {second}")
    until(lambda: kernel.try_("print(x, y)").stdout.endswith("10 20\n"), "both are here")


def test_what_follows_a_job_that_was_cancelled_is_not_sent_again(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run(f"%%local --as one\n{NEVER_ENDS}x = 1")
    kernel.run("%%local --as two\ny = x")
    cancel_running(kernel, "one")
    kernel.run("_ = two.wait(60)")
    assert "not run" in kernel.run("print(two.status)").stdout
    assert "there is nothing to send" in kernel.run("%jobs resubmit --failed").stdout


def test_it_is_said_what_newer_value_a_job_that_is_sent_again_will_replace(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run("same = 1")
    job = run(kernel, "%%local", "one", f"{FAILS}x = same\nsame = 2")
    kernel.run("x = 'mine'")
    mend(kernel)
    shown = kernel.run(f"%jobs resubmit {job}").stdout
    assert re.search(r"^x: what is there now will be replaced by job \d", shown)
    until(lambda: kernel.try_("print(x, same)").stdout == "1 2\n", "it is here")


def test_what_cannot_be_sent_again_is_not_told_to_be_nothing(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    job = run(kernel, "%%local", "one", f"{FAILS}x = 1")
    (kernel.folder / ".nbsubmit" / "jobs" / job / "payload.json").unlink()
    shown = kernel.run("%jobs resubmit --failed").stdout
    assert f"job {job} one FAILED was not sent" in shown
    assert "nothing to send" not in shown
