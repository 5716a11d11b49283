"""The node has another Python, another cloudpickle, another nbsubmit, or none: real ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cloudpickle
import pytest

from nbsubmit.core.folder import FORMAT
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from tests.cluster.faults.site import TELL, Site
from tests.modules import REPOSITORY, other_python, what_a_worker_imports

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(200), pytest.mark.once]
S = JobState
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
OLD = "2.2.1"


def first_on_the_path(place: Path) -> dict[str, str]:
    """Variables with which a job finds packages in this place before all others."""
    kept = os.environ.get("PYTHONPATH", str(REPOSITORY))
    return {"PYTHONPATH": os.pathsep.join([str(place), kept])}


def test_another_python_says_so(site: Site, tmp_path: Path) -> None:
    packages = what_a_worker_imports(tmp_path / "packages")
    python = f"{other_python(tmp_path / 'python')} -s"
    options = CellOptions(python=python, env={"PYTHONPATH": str(packages)})
    since = time.time()
    job = site.measure("another Python on the node", site.send("y = 1", options=options), since)
    assert job.state is S.FAILED
    words = rf"the notebook runs Python {HERE} and this job Python 3\.\d+ .*--python COMMAND"
    assert re.search(words, job.status.reason)


def test_another_nbsubmit_says_so(site: Site, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "nbsubmit", tmp_path / "nbsubmit")
    file = tmp_path / "nbsubmit" / "core" / "folder.py"
    text = file.read_text()
    assert text.count(f"\nFORMAT = {FORMAT}\n") == 1
    file.write_text(text.replace(f"\nFORMAT = {FORMAT}\n", "\nFORMAT = 1\n"))
    options = CellOptions(env=first_on_the_path(tmp_path))
    since = time.time()
    job = site.measure("another nbsubmit on the node", site.send("y = 1", options=options), since)
    # It could not read what was sent, and this one cannot read how it says that.
    assert job.state is S.LOST
    words = rf"another nbsubmit, in format 1, and this one reads {FORMAT}.*--python COMMAND"
    assert re.search(words, job.status.reason)


@pytest.fixture
def old_cloudpickle(tmp_path: Path) -> Path:
    """A folder with a cloudpickle that cannot read what today's writes."""
    place = tmp_path / "old"
    install = ["install", "--quiet", "--no-deps", "--target", str(place), f"cloudpickle=={OLD}"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *install], capture_output=True, timeout=120, check=False
    )
    if done.returncode:
        pytest.fail(f"cloudpickle {OLD} is not here and cannot be fetched")
    return place


def test_another_cloudpickle_that_could_not_read_what_was_sent_says_so(
    site: Site, old_cloudpickle: Path
) -> None:
    options = CellOptions(env=first_on_the_path(old_cloudpickle))
    since = time.time()
    job = site.send("y = double(21)", {"double": of_a_notebook()}, options=options)
    site.measure("another cloudpickle on the node", job, since)
    assert job.state is S.FAILED
    words = (
        rf"double needs cloudpickle {cloudpickle.__version__}, .* there is cloudpickle {OLD} "
        rf".*--python COMMAND"
    )
    assert re.search(words, job.status.reason)


def of_a_notebook() -> object:
    """Return a function that only a pickler by value can send."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec("def double(x): return 2 * x", namespace)
    return namespace["double"]


def test_a_node_whose_other_cloudpickle_cannot_read_it_says_so(site: Site) -> None:
    job = site.send(f"{TELL}y = large", {"large": list(range(10_000))}, hold=None)
    payload = json.loads(job.folder.payload_file.read_text())
    job.folder.write_json(job.folder.payload_file, {**payload, "cloudpickle": "0.1"})
    stream = job.folder.payload_stream
    stream.write_bytes(stream.read_bytes()[:1000])
    since = time.time()
    site.call("scontrol", "release", job.handle)
    site.measure("another cloudpickle on the node, and a stream that cannot be read", job, since)
    assert job.state is S.FAILED
    assert re.search(
        r"the notebook has cloudpickle 0\.1 and this job .*--python COMMAND", job.status.reason
    )


def test_a_node_without_nbsubmit_says_so(site: Site) -> None:
    options = CellOptions(python="/usr/bin/python3 -I")
    job = site.send("y = 1", options=options)
    since = time.time()
    site.measure("the Python of the job has no nbsubmit", job, since)
    assert job.state is S.FAILED
    assert "No module named" in job.status.reason
    assert "--python" in job.status.advice
