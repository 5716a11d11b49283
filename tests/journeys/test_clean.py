"""Jobs that are no longer needed are removed from a notebook and a shell, and no others."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from tests.journeys.kernel import Kernel
from tests.way import until

pytestmark = pytest.mark.kernel

WAITS = (
    "import time\nfrom pathlib import Path\nwhile not Path('go').exists():\n    time.sleep(0.1)\n"
)
MEBIBYTE = 1 << 20


def ids(kernel: Kernel) -> list[str]:
    return re.findall(r"^\d{6}-\d{6}-\w{4}", kernel.run("%jobs").stdout, re.MULTILINE)


def sent(kernel: Kernel, cell: str, magic: str = "%%local", options: str = "") -> str:
    """The id of the job of a cell."""
    kernel.run(f"{magic} --as job {options}\n{cell}")
    return kernel.run("print(job.id)").stdout.strip()


def ended(kernel: Kernel, cell: str, magic: str = "%%local", options: str = "") -> str:
    job = sent(kernel, cell, magic, options)
    kernel.run("_ = job.wait(60)")
    return job


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``nbsubmit clean`` there."""
    return subprocess.run(
        [sys.executable, "-m", "nbsubmit", "clean", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_without_an_option_it_tells_what_there_is_and_removes_nothing(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    assert kernel.run("%jobs clean").stdout == "no jobs of this notebook\n"
    ended(kernel, "x = 1")
    ended(kernel, "1 / 0")
    shown = kernel.run("%jobs clean").stdout
    assert "2 jobs of this notebook (1 COMPLETED, 1 FAILED)" in shown
    rows = {tuple(line.split())[3:] for line in shown.splitlines() if "--" in line}
    assert ("FAILED", "1", "job", "frees") in {row[:4] for row in rows}
    assert re.search(r"%jobs clean --older 30d +0 jobs  frees nothing", shown)
    assert re.search(r"%jobs clean --keep 0 +2 jobs  frees [\d.]+ kB", shown)
    assert len(ids(kernel)) == 2


def test_jobs_go_by_state_number_and_id_and_values_stay(kernel: Kernel, magic: str) -> None:
    kernel.run("import numpy as np")
    first = ended(kernel, "data = np.arange(300_000)", magic)
    second = ended(kernel, "1 / 0", magic)
    third = ended(kernel, "y = 2", magic)
    until(lambda: "stays" not in kernel.run("%jobs clean --keep 0 --dry-run").stdout, "all is over")
    shown = kernel.run("%jobs clean --state failed --dry-run").stdout
    assert second in shown
    assert "would remove 1 job and free" in shown
    assert ids(kernel) == [first, second, third]
    assert "removed 1 job, freed" in kernel.run("%jobs clean --state failed").stdout
    assert ids(kernel) == [first, third]
    assert "freed 2.41 MB" in kernel.run("%jobs clean --keep 1").stdout
    assert ids(kernel) == [third]
    assert list((kernel.folder / ".nbsubmit" / "blobs").glob("[0-9a-f]*")) == []
    kernel.run(f"%jobs clean {third[-4:]}")
    assert ids(kernel) == []
    assert kernel.run("print(data.sum() + y)").stdout == "44999850002\n"
    ended(kernel, "total = data.sum()", magic)
    assert kernel.run("print(total)").stdout == "44999850000\n"


def test_a_live_job_cannot_be_removed(kernel: Kernel, backend_name: str, magic: str) -> None:
    if backend_name == "debug":
        job = ended(kernel, "x = 1", magic)  # a cell of this process has ended
        assert "removed 1 job" in kernel.run(f"%jobs clean {job}").stdout
        return
    job = sent(kernel, f"print('here', flush=True)\n{WAITS}x = 1", magic)
    for line in (f"%jobs clean {job}", "%jobs clean --keep 0"):
        assert "nothing was removed" in kernel.run(line).stdout
    assert re.search(rf"job {job} stays: it is \w+", kernel.run(f"%jobs clean {job}").stdout)
    stays = f"job {job} stays: it is RUNNING"
    until(lambda: stays in kernel.run(f"%jobs clean {job}").stdout, "it runs")
    done = command(kernel.folder, "--keep", "0", "--yes", job)
    assert stays in done.stdout
    kernel.run("open('go', 'w').close()\n_ = job.wait(60)")
    assert kernel.run("print(x)").stdout == "1\n"


def test_the_script_around_a_cell_has_to_have_ended_too(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    kernel = start_kernel()
    kernel.run(
        "import nbsubmit\n"
        "kind = {'local': nbsubmit.LocalExecutor, 'slurm': nbsubmit.SlurmExecutor}\n"
        f"executor = kind['{started_backend}']('.')\n"
    )
    kernel.run(
        "executor.update_parameters(teardown=['while [ ! -e go ]; do sleep 0.1; done'])\n"
        "job = executor.submit(abs, -3)\nprint(job.result(60))"
    )
    job = kernel.run("print(job.id)").stdout.strip()
    assert "its script has not ended yet" in kernel.run(f"%jobs clean --all {job}").stdout
    kernel.run("open('go', 'w').close()")
    until(lambda: "removed 1" in kernel.run(f"%jobs clean --all {job}").stdout, "it has ended")


def test_what_another_kernel_has_open_stays_until_that_has_ended(
    start_kernel: Callable[..., Kernel],
) -> None:
    first, second = start_kernel(), start_kernel()
    job = ended(first, "x = 1")
    why = f"job {job} stays: a notebook or a script has it open"
    assert why in second.run("%jobs clean --all --keep 0").stdout
    assert why in command(first.folder, "--keep", "0", "--yes").stdout
    first.kill()
    second.run(f"%jobs attach {job}")
    assert why in command(second.folder, "--keep", "0", "--yes").stdout
    assert second.run("print(x)").stdout == "1\n"
    second.kill()
    assert "removed 1 job" in command(second.folder, "--keep", "0", "--yes").stdout


def test_what_one_kernel_has_attached_stays_with_what_it_shares(
    start_kernel: Callable[..., Kernel],
) -> None:
    first, second = start_kernel(), start_kernel()
    first.run("import numpy as np\ndata = np.arange(300_000)")
    one, two = (ended(first, f"x = data.sum() + {n}") for n in range(2))
    first.kill()
    second.run(f"%jobs attach {one}")
    done = command(second.folder, "--keep", "0", "--yes", "--json")
    told = json.loads(done.stdout)
    assert [job["id"] for job in told["jobs"]] == [two]
    assert told["bytes"] < MEBIBYTE < told["jobs"][0]["bytes"]
    assert told["stays"] == {one: "a notebook or a script has it open"}
    blobs = second.folder / ".nbsubmit" / "blobs"
    assert len(list(blobs.glob("[0-9a-f]*"))) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--older abc", "--older: 'abc' is not an age; write 30d"),
        ("--older 30", "--older: '30' is not an age; write 30d"),
        ("--keep few", "--keep: 'few' is not a number of jobs"),
        ("--state LATE", "a job does not end as 'LATE'; it may be COMPLETED, FAILED"),
        ("--state RUNNING", "a job does not end as 'RUNNING'"),
        ("nonesuch", "no job by the id 'nonesuch'"),
        ("abcd_7", "abcd_7 is a task; only a whole job can be removed"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_notebook_and_a_shell(
    swept_kernel: Kernel, words: str, message: str
) -> None:
    assert message in swept_kernel.try_(f"%jobs clean {words}").traceback
    done = command(swept_kernel.folder, *words.split(), "--yes")
    assert done.returncode == (1 if "no job" in message else 2)
    assert message in done.stderr


def test_an_unknown_option_names_those_that_there_are(swept_kernel: Kernel) -> None:
    shown = swept_kernel.try_("%jobs clean --everything").traceback
    assert "what is '--everything'? There are --older, --keep, --state" in shown
    assert "--older needs a value" in swept_kernel.try_("%jobs clean --older").traceback


def test_a_shell_asks_before_it_removes_anything(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    job = ended(kernel, "x = 1")
    kernel.kill()
    folder = kernel.folder
    assert "1 job in the store (1 COMPLETED)" in command(folder).stdout
    assert "nbsubmit clean --keep 0" in command(folder).stdout
    assert "would remove 1 job" in command(folder, "--keep", "0", "--dry-run").stdout
    assert "add --yes" in command(folder, "--keep", "0").stderr
    assert "--json does not ask" in command(folder, "--keep", "0", "--json").stderr
    asked = [sys.executable, "-m", "nbsubmit", "clean", "--keep", "0"]
    for answer, is_there in (("n", True), ("y", False)):
        child = pexpect.spawn(asked[0], asked[1:], cwd=str(folder), encoding="utf-8", timeout=30)
        child.expect(r"Remove them\? \[y/N\]")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert (folder / ".nbsubmit" / "jobs" / job).exists() == is_there


def test_a_list_may_show_how_much_room_each_job_takes(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("import numpy as np")
    ended(kernel, "data = np.arange(300_000)")
    room = r"COMPLETED  .*\b2\.4\d MB"  # its memory, tens of MB, may end with the same digits
    assert not re.search(room, kernel.run("%jobs list --all").stdout)
    assert re.search(room, kernel.run("%jobs list --sizes --all").stdout)
    listed = subprocess.run(
        [sys.executable, "-m", "nbsubmit", "jobs", "--sizes"],
        cwd=kernel.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.search(room, listed.stdout)


def test_a_disk_that_will_be_full_soon_is_told_once(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("import numpy as np, shutil, collections")
    ended(kernel, "data = np.arange(300_000)")
    assert "warning" not in kernel.run("%%local --no-panel\n1").stdout
    kernel.run(
        "Usage = collections.namedtuple('Usage', 'total used free')\n"
        "shutil.disk_usage = lambda path: Usage(200_000_000_000, 0, 1_500_000_000)"
    )
    shown = kernel.run("%%local --no-panel\n2").stdout
    assert re.search(r"warning: the disk of \S+ has 1.5 GB free, 0.8 % of it; %jobs clean", shown)
    assert "that have ended: up to 2.4" in shown
    assert "warning" not in kernel.run("%%local --no-panel\n3").stdout


def test_a_job_of_another_notebook_that_is_shown_here_is_not_this_ones_to_clean(
    start_kernel: Callable[..., Kernel],
) -> None:
    other = start_kernel(JPY_SESSION_NAME="other.ipynb")
    theirs = ended(other, "x = 1")
    other.kill()
    kernel = start_kernel(JPY_SESSION_NAME="mine.ipynb")
    mine = ended(kernel, "y = 1")
    kernel.run(f"%jobs attach {theirs}")
    shown = kernel.run("%jobs clean").stdout
    assert "1 job of this notebook" in shown
    kernel.run("%jobs clean --keep 0")
    left = kernel.run("%jobs list --all").stdout
    assert theirs in left
    assert mine not in left


def test_what_a_failed_job_was_to_start_after_stays_while_it_does(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel()
    kernel.run(f"%%local --as first\n{WAITS}x = 1")
    failed = sent(kernel, "y = x\n1 / 0")
    first = kernel.run("print(first.id)").stdout.strip()
    (kernel.folder / "go").touch()
    kernel.run("_ = job.wait(60)")
    until(lambda: "stays" not in kernel.run(f"%jobs clean {failed} --dry-run").stdout, "all over")
    assert f"job {failed} needs it" in kernel.run("%jobs clean --state completed --dry-run").stdout
    kernel.run("%jobs clean --state completed")
    assert first in kernel.run("%jobs").stdout
    kernel.run("%jobs clean --keep 0")
    assert ids(kernel) == []
