"""The tutorials: each is run by nbval on the real Slurm, some as local processes too.

``python -m tests.notebooks`` saves them anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbsubmit.sandbox.sandbox import Sandbox
from tests.journeys.conftest import end_jobs
from tests.notebooks import FOLDER, HOME, environ, tutorials

README = (FOLDER.parent / "README.md").read_text()
NAMES = [path.stem for path in tutorials()]
# What differs most between the backends: arrays, dependencies, and what the kernel's end leaves.
LOCAL = ["04_many_jobs", "05_outlive_the_kernel"]
PLACES = (HOME, "/usr/", "/bin/", "/dev/", "/var/spool/slurmd/", "/tmp/ipykernel/")

each = pytest.mark.parametrize("name", NAMES)


def check(name: str, folder: Path, backend: str) -> None:
    """Run a notebook's cells in a folder: none may fail, and marked ones give what was saved."""
    path = folder / f"{name}.ipynb"
    shutil.copyfile(FOLDER / path.name, path)
    options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120", "-q"]
    options += [f"--nbval-sanitize-with={FOLDER / 'sanitize.cfg'}", f"--rootdir={folder}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(path)],
        cwd=folder,
        env={**os.environ, **environ(folder, path), "NBSUBMIT_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    end_jobs(folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.kernel
@pytest.mark.slurm
@each
def test_it_runs_on_slurm(name: str, tmp_path: Path, on_slurm: Sandbox) -> None:
    check(name, tmp_path, "slurm")


@pytest.mark.kernel
@pytest.mark.parametrize("name", LOCAL)
def test_it_runs_on_this_machine(name: str, tmp_path: Path) -> None:
    check(name, tmp_path, "local")


# What was saved


def cells(name: str) -> list[Any]:
    return list(nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells)


def code(name: str) -> list[Any]:
    return [cell for cell in cells(name) if cell.cell_type == "code"]


@each
def test_it_can_fail(name: str) -> None:
    tested = [cell for cell in code(name) if "nbval-check-output" in cell.metadata.get("tags", ())]
    assert len(tested) + sum(cell.source.count("assert ") for cell in code(name)) >= 4
    assert all(cell.outputs for cell in tested), "a cell is compared with nothing"


@each
def test_its_outputs_were_saved_by_one_run(name: str) -> None:
    assert [cell.execution_count for cell in code(name)] == [*range(1, len(code(name)) + 1)]
    for cell in code(name):
        fails = any(output.output_type == "error" for output in cell.outputs)
        assert not fails or "raises-exception" in cell.metadata.get("tags", ()) or job_of(cell)


def job_of(cell: Any) -> bool:
    """Whether the cell shows the record of a job, which may have failed after the cell's end."""
    return any("text/html" in output.get("data", {}) for output in cell.outputs)


@each
def test_its_outputs_tell_nothing_of_a_machine(name: str) -> None:
    outputs = [output for cell in code(name) for output in cell.outputs]
    for output in outputs:
        output.get("data", {}).pop("image/png", None)
    text = json.dumps(outputs)
    paths = set(re.findall(r"(?<![\w.<:/~$}*])/(?:[\w.-]+/)+", text))
    assert [path for path in paths if not path.startswith(PLACES)] == []
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)


# How one finds it


@each
def test_readme_names_it(name: str) -> None:
    assert f"(notebooks/{name}.ipynb)" in README


@each
def test_its_links_lead_somewhere(name: str) -> None:
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    text = "\n".join(cell.source for cell in cells(name) if cell.cell_type == "markdown")
    for target, anchor in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", text):
        assert (FOLDER / target).is_file(), target
        assert not anchor or anchor in anchors, anchor
    following = NAMES[NAMES.index(name) + 1 :]
    assert not following or f"({following[0]}.ipynb)" in text
