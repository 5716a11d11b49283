"""There is no room for what a job has made, or its writing is cut short.

Promise 5 of README.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nbsubmit.core.errors import FolderError
from nbsubmit.core.state import JobState
from tests.cluster.faults.site import PATIENCE, TELL, Site
from tests.way import until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200)]
S = JobState
MIB = 1 << 20


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A store on a disk of 80 MiB, of which a cell may be sent to 64 and more have to be free."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, timeout=60).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    yield place / "store"
    subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=60)


def test_a_result_that_does_not_fit_is_told_and_the_rest_of_the_report_is_there(
    site: Site, small: Path
) -> None:
    job = site.send(f"{TELL}x = 1\nlarge = bytes(range(256)) * (100 << 12)", store=small)
    site.measure("the result is larger than the disk", job)
    assert job.state is S.FAILED
    assert re.search(r"could not be written to .*: No space left on device", job.status.reason)
    assert "%jobs clean" in job.status.advice
    assert job.stdout().startswith("printed before")
    result = job.found.result
    assert result is not None
    assert set(result.unsent) == {"x", "large"}
    left = {file.name for file in job.folder.path.iterdir()}
    assert not {name for name in left if name.startswith(".result")}
    assert "result.bin" not in left


@pytest.mark.once
def test_what_is_small_comes_back_from_a_disk_that_is_full(site: Site, small: Path) -> None:
    cell = (
        f"{TELL}x = 1\n"
        f"try:\n    with open({str(small.parent / 'fill')!r}, 'wb', 0) as file:\n"
        "        while True: file.write(bytes(1 << 16))\n"
        "except OSError: pass\n"
    )
    job = site.send(cell, store=small)
    site.measure("the disk is full to the last byte; what is small comes back", job)
    assert job.state is S.COMPLETED
    assert job.names == {"x": 1}
    assert job.stdout().startswith("printed before")


def run(*command: str) -> bool:
    """Run a program, and tell whether it did what it was asked to."""
    done = subprocess.run(command, check=False, timeout=60, capture_output=True)
    return done.returncode == 0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A store in a home with a quota of 80 MiB, on a disk of which that is a part.

    It is btrfs's, for the quotas of other file systems spare root, who these tests run as where a
    disk can be mounted.
    """
    disk, place = tmp_path / "disk", tmp_path / "mounted"
    place.mkdir()
    with disk.open("wb") as file:
        file.truncate(512 * MIB)
    if (
        os.geteuid() != 0
        or shutil.which("mkfs.btrfs") is None
        or not run("mkfs.btrfs", "--quiet", str(disk))
        or not run("mount", "-o", "loop", str(disk), str(place))
    ):
        pytest.skip("a disk with quotas can be mounted by root alone, where there are loop devices")
    try:
        home = place / "home"
        assert run("btrfs", "quota", "enable", str(place))
        assert run("btrfs", "subvolume", "create", str(home))
        assert run("btrfs", "qgroup", "limit", "80M", str(home))
        home.chmod(0o700)
        yield home / "store"
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=60)


@pytest.mark.once
def test_a_home_that_is_over_quota_is_told(site: Site, home: Path) -> None:
    job = site.send(f"{TELL}x = 1\nlarge = os.urandom(100 << 20)", store=home)
    site.measure("the home is over quota", job)
    assert job.state is S.FAILED
    assert re.search(r"could not be written to .*: Disk quota exceeded", job.status.reason)
    assert "%jobs clean" in job.status.advice
    assert job.stdout().startswith("printed before")
    result = job.found.result
    assert result is not None
    assert set(result.unsent) == {"x", "large"}


@pytest.mark.once
def test_a_cell_is_not_sent_to_a_full_disk(site: Site, small: Path) -> None:
    site.send("y = 1", store=small).wait(PATIENCE)
    with (small.parent / "fill").open("wb", 0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    with pytest.raises(FolderError, match=r"has .* free; .*%jobs clean"):
        site.send("y = 1", store=small)


def test_a_worker_that_is_killed_while_it_writes_its_result_leaves_none(site: Site) -> None:
    large = "large = [os.urandom(1 << 20) for _ in range(200)]"
    cell = f"{TELL}print(os.getpid(), flush=True)\n{large}"
    job = site.send(cell, memory=1000)
    site.begun(job)
    pid = int(until(lambda: job.stdout().split()[3:], "it says who it is")[0])
    while not any(job.folder.path.glob(".result*")) and not job.is_over:
        assert not job.folder.result_file.exists()
        time.sleep(0.001)
    with suppress(ProcessLookupError):
        os.kill(pid, 9)
    site.measure("killed while it writes its result", job, time.time())
    assert job.state is S.FAILED
    assert job.status.reason.startswith("the worker was killed by SIGKILL")
    assert not job.folder.result_file.exists()
    assert job.names == {}
    assert not any(job.folder.path.glob(".result*"))  # it might be as large as what is not lost
