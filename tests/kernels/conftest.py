"""A kernel of each supported release of ipykernel, for all tests of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.conftest import QUICK, end_jobs
from tests.kernels.front import Front, panel_job

RELEASES = ("6.29.5", "6.31.0", "7.3.0", "7.4.0")

# Says something often and ends when the gate is opened.
_JOB = """{magic}
import os, time
import nbsubmit
ticks = 0
while not os.path.exists({gate!r}):
    ticks += 1
    print("tick", ticks)
    time.sleep(0.1)
{end}
"""


@dataclass
class Launched:
    """A job that runs until its gate is opened.

    Attributes
    ----------
    cell : str
        The message that has sent its cell.
    id : str
        The job's.
    gate : Path
        A file: with it the job ends.
    """

    cell: str
    id: str
    gate: Path

    def let_end(self) -> None:
        """Let it come to its end."""
        self.gate.touch()


@pytest.fixture(scope="package", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """Each release in turn."""
    return str(request.param)


@pytest.fixture(scope="package")
def shared_front(release: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """One kernel of the release, whose other packages are the ones that are installed here."""
    packages = tmp_path_factory.mktemp("packages")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    subprocess.run(
        [*install, "--disable-pip-version-check", "--target", packages, f"ipykernel=={release}"],
        check=True,
    )
    path = os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH")]))
    front = Front(tmp_path_factory.mktemp("kernel"), {**QUICK, "PYTHONPATH": path})
    front.run("%load_ext nbsubmit\nimport asyncio, os, time\nimport ipykernel")
    yield front
    front.close()
    end_jobs(front.folder)


@pytest.fixture
def front(shared_front: Front) -> Iterator[Front]:
    """The kernel, idle before and after the test."""
    shared_front.told.clear()
    yield shared_front
    shared_front.run("pass")


@pytest.fixture
def launch(front: Front, tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    """Send a cell whose job runs until it is let end; it is let so with the test at the latest."""
    gate = tmp_path / "job may end"

    def send(magic: str = "%%local --as job", end: str = "made = 'by the job'") -> Launched:
        cell = front.start(_JOB.format(magic=magic, gate=str(gate), end=end))
        job = front.wait_for(lambda: panel_job(front.of_cell(cell)), "the job's panel")
        return Launched(cell, job, gate)

    yield send
    gate.touch()
