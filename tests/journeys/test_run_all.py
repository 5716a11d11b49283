"""A notebook of cells that depend on each other, run from its first cell to its last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.inputs import Input
from nbsubmit.core.result import Result
from nbsubmit.core.store import JobStore
from tests.journeys.conftest import QUICK
from tests.way import until

pytestmark = pytest.mark.kernel

# Two jobs that read what the first brings are in the middle; each waits until the other runs.
MEETING = """import time
from pathlib import Path
Path('{me}').touch()
while not Path('{other}').exists():
    time.sleep(0.05)
"""
LEFT, RIGHT = (MEETING.format(me=m, other=o) for m, o in (("left", "right"), ("right", "left")))


def cells(magic: str) -> list[str]:
    return [
        "%load_ext nbsubmit",
        "import numpy as np\nscale = 3",
        "def total(values):\n    return int(np.sum(values)) * scale",
        f"{magic} -J source\ndata = np.arange(number)",
        f"{magic} -J left\n{LEFT}left = total(data)",
        f"{magic} -J right\n{RIGHT}right = [total(data), len(data)]",
        "note = 'an ordinary cell'",
        f"{magic} -J alone\nalone = scale ** 2",
        f"{magic} -J join\nright.append(left)\nboth = left + right[0]",
        "checked = both == 2 * left",
        f"{magic} -J last\nanswer = (both, right, alone, checked)",
        "print('answer', answer)",
    ]


@pytest.fixture
def magic(started_backend: str) -> str:
    return f"%%{started_backend}"


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the kernels of a test have in their environment."""
    variables = {**QUICK, "NBSUBMIT_REUSE": "1", "IPYTHONDIR": str(tmp_path / "ipython")}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def run_all(folder: Path, sources: list[str], *, fails: bool = False) -> Any:
    """Run a notebook as `jupyter execute` does, and return it with its outputs."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    if fails:
        with pytest.raises(CellExecutionError):
            client.execute()
    else:
        client.execute()
    return notebook


def text(notebook: Any, number: int) -> str:
    return json.dumps([dict(output) for output in notebook.cells[number].outputs])


def jobs(folder: Path) -> dict[str, JobFolder]:
    found = JobStore(folder / ".nbsubmit").folders()
    return {str(job.spec["name"]): job for job in found}


def times(job: JobFolder) -> tuple[float, float]:
    data = job.read_json(job.result_file)
    assert data is not None
    result = Result.from_json(data)
    return result.started, result.ended


@pytest.mark.usefixtures("environ")
def test_a_diamond_of_jobs_runs_side_by_side_in_order_and_only_once(
    tmp_path: Path, magic: str
) -> None:
    sources = cells(magic)
    sources[1] += "\nnumber = 10"
    first = run_all(tmp_path, sources)
    assert "answer (270, [135, 10, 135], 9, True)" in text(first, 11)
    found = jobs(tmp_path)
    names = {job.id: name for name, job in found.items()}
    graph = {
        name: sorted(names[Path(Input.from_json(one).folder).name] for one in job.spec["after"])
        for name, job in found.items()
    }
    # `both` had been waited for by the ordinary cell before the last, and went as a value.
    assert graph == {
        "source": [],
        "left": ["source"],
        "right": ["source"],
        "alone": [],
        "join": ["left", "right"],
        "last": [],
    }
    left, right = times(found["left"]), times(found["right"])
    assert left[0] < right[1]
    assert right[0] < left[1]
    second = run_all(tmp_path, sources)
    assert "answer (270, [135, 10, 135], 9, True)" in text(second, 11)
    assert jobs(tmp_path).keys() == found.keys()
    assert len(JobStore(tmp_path / ".nbsubmit").folders()) == 6


@pytest.mark.usefixtures("environ")
def test_one_input_that_fails_ends_the_run_and_names_itself(tmp_path: Path, magic: str) -> None:
    sources = cells(magic)
    sources[1] += "\nnumber = 'many'"
    notebook = run_all(tmp_path, sources, fails=True)
    told = text(notebook, 9)
    assert "InputFailed" in told
    found = jobs(tmp_path)
    assert found["source"].id[-4:] in told
    assert not notebook.cells[10].outputs
    assert "last" not in found
    alone = found["alone"]  # it runs on, whatever has become of the others
    until(alone.result_file.exists, "the job that needs none of it ends")
    result = alone.read_json(alone.result_file)
    assert result is not None
    assert Result.from_json(result).error is None
