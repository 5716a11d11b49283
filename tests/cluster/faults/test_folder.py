"""Something happens to a job's folder, its node does not see it, or has the wrong time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.client.jobs import attach
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from tests.cluster.faults.site import PATIENCE, TELL, WAITS, Site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]
S = JobState


def test_a_folder_that_is_deleted_under_a_running_job_ends_it(site: Site) -> None:
    job = site.running()
    since = time.time()
    while job.folder.path.exists():  # the job may write a file while the others are removed
        shutil.rmtree(job.folder.path, ignore_errors=True)
    site.measure("its folder is deleted while it runs", job, since)
    assert (job.state, job.status.reason) == (S.LOST, f"its folder {job.folder.path} was deleted")
    assert f"it may run on as slurm job {job.handle}" in job.status.advice
    site.call("scancel", job.handle)


@pytest.mark.once
def test_files_of_others_in_the_folder_are_in_nobodys_way(site: Site, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = site.running(names={"gate": str(gate)})
    (job.folder.path / ".nfs000000000001").write_bytes(b"\0" * 100)
    (job.folder.path / ".result.json.12ab").write_text("{")
    (job.folder.path / "Thumbs.db").mkdir()
    (job.folder.path / "beat.part").write_text("x")
    gate.touch()
    assert job.wait(PATIENCE).names == {"x": 1, "y": 2}


CUT: dict[str, Callable[[JobFolder], Path]] = {
    "payload.json": lambda folder: folder.payload_file,
    "payload.pkl": lambda folder: folder.payload_stream,
    "job.json": lambda folder: folder.spec_file,
}


@pytest.mark.once
@pytest.mark.parametrize("name", CUT)
def test_what_was_sent_and_is_cut_short_fails_and_says_which_file(site: Site, name: str) -> None:
    job = site.send(f"{TELL}y = large", {"large": list(range(10_000))}, hold=None)
    file = CUT[name](job.folder)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    since = time.time()
    site.call("scontrol", "release", job.handle)
    site.measure(f"{name} is cut short before it starts", job, since)
    assert job.state in (S.FAILED, S.LOST)
    told = f"{job.exception()}\n{job.status.reason}"
    assert name in told, told


@pytest.mark.once
def test_a_result_that_is_cut_short_is_told_and_hangs_nobody(site: Site) -> None:
    job = site.send("y = list(range(10_000))").wait(PATIENCE)
    file = job.folder.result_stream
    file.write_bytes(file.read_bytes()[:100])
    again = attach(job.id, site.store, watcher=site.watcher)
    assert again.state is S.COMPLETED
    assert "y" not in again.names
    assert "y" in again.load_errors
    file = job.folder.result_file
    file.write_text(file.read_text()[:100])
    with_half = attach(job.id, site.store, watcher=site.watcher)
    assert (with_half.state, "result.json is not what" in with_half.status.reason) == (S.LOST, True)


@pytest.mark.once
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_node_whose_clock_is_wrong_is_believed_all_the_same(
    site: Site, tmp_path: Path, hours: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\n"
        f"skew, clock, touch = {3600 * hours}, time.time, os.utime\n"
        "time.time = lambda: clock() + skew\n"
        "os.utime = lambda file, times=None: touch(file, times or (time.time(), time.time()))\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    options = CellOptions(env={"PYTHONPATH": path})
    gate = tmp_path / "gate"
    good = site.running(names={"gate": str(gate)}, options=options)
    killed = site.running(
        "import time; print(time.time(), flush=True)\n" + WAITS,
        {"gate": str(gate)},
        options=options,
    )
    assert abs(float(good.stdout().split()[2]) - time.time() - 3600 * hours) < 600
    assert good.elapsed_seconds < 3600 + 600
    pid = (killed.folder.read_json(killed.folder.started_file) or {})["pid"]
    since = time.time()
    os.kill(pid, 9)
    site.measure(
        f"killed on a node whose clock is {abs(hours)} h {'behind' if hours < 0 else 'ahead'}",
        killed,
        since,
    )
    assert killed.state is S.FAILED
    assert 0 <= killed.elapsed_seconds < 600
    gate.touch()
    assert good.wait(PATIENCE).names == {"x": 1, "y": 2}
    assert 0 <= good.elapsed_seconds < 600


SENDS_FROM_A_DISK_OF_ITS_OWN = """
import os, subprocess, sys
from pathlib import Path
from tests.cluster.faults.site import SETTINGS
from nbsubmit.backends import registry
from nbsubmit.core.watch import Watcher
from tests.way import Way

store = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(store.parent)], check=True)
job = Way(registry.get("slurm"), store, Watcher(SETTINGS), SETTINGS).run("y = 1")
print(job.status.state, job.status.reason, job.status.advice, sep="\\n")
"""


def test_a_folder_that_the_node_does_not_see_is_told(site: Site, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a disk of one's own can be mounted by root alone")
    (tmp_path / "mine").mkdir()
    since = time.time()
    script = [sys.executable, "-c", SENDS_FROM_A_DISK_OF_ITS_OWN, str(tmp_path / "mine" / "store")]
    done = subprocess.run(
        ["unshare", "--mount", *script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    state, reason, advice = done.stdout.strip().splitlines()
    site.note("its node does not see its folder", f"{state} ({reason})", time.time() - since)
    assert state == "FAILED"
    assert reason.startswith("it ended and left nothing in its folder, as where its node does not")
    assert "NBSUBMIT_FOLDER" in advice
