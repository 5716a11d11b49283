"""Programs that run notebooks: with ``NBSUBMIT_WAIT`` the saved notebook holds the results."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.journeys.conftest import QUICK, end_jobs
from tests.journeys.test_cell_to_result import plain

pytestmark = pytest.mark.kernel

WORD = {"local": "%%local", "slurm": "%%slurm"}
CELLS = [
    "%load_ext nbsubmit\ndata = [1, 2, 3]",
    "{magic}\n"
    "import matplotlib.pyplot as plt\n"
    "print('on the node')\n"
    "fig, ax = plt.subplots()\n"
    "_ = ax.plot(data)\n"
    "plt.show()\n"
    "total = sum(data)\n"
    "total * 7",
    "print('here', total)",
    "{magic} --no-wait\nlater = 1",
]
BROKEN = [
    "%load_ext nbsubmit\ndata = []",
    "{magic}\nprint('so far')\nratio = 1 / len(data)",
    "print('never here')",
]
PROGRAMS = {
    "jupyter execute": ["-m", "jupyter", "execute", "--output=out", "in.ipynb"],
    "nbconvert": [
        "-m", "nbconvert", "--execute", "--to=notebook", "--output=out.ipynb", "in.ipynb"
    ],
    "papermill": ["-m", "papermill", "--kernel=python3", "in.ipynb", "out.ipynb"],
}  # fmt: skip


def write(folder: Path, cells: list[str], magic: str) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.format(magic=magic)) for cell in cells],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    nbformat.write(notebook, folder / "in.ipynb")


def run(folder: Path, program: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **QUICK, "IPYTHONDIR": str(folder / "ipython"), **environ}
    command = [sys.executable, *PROGRAMS[program]]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=240)


def outputs(folder: Path) -> list[list[nbformat.NotebookNode]]:
    """The outputs of each cell that was sent, in the notebook that was saved."""
    cells = nbformat.read(folder / "out.ipynb", as_version=4).cells
    return [cell.outputs for cell in cells if cell.cell_type == "code"]


def text(found: list[nbformat.NotebookNode], name: str = "stdout") -> str:
    return "".join(one.text for one in found if one.output_type == "stream" and one.name == name)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_saved_notebook_holds_a_cells_own_outputs(
    program: str, started_backend: str, tmp_path: Path
) -> None:
    write(tmp_path, CELLS, WORD[started_backend])
    ran = run(tmp_path, program, NBSUBMIT_WAIT="1")
    assert ran.returncode == 0, ran.stderr
    _, sent, read, not_waited = outputs(tmp_path)
    assert "on the node\n" in text(sent)
    assert text(sent, "stderr") == ""
    assert [one.data["text/plain"] for one in sent if one.output_type == "execute_result"] == ["42"]
    assert sum("image/png" in one.get("data", {}) for one in sent) == 1
    assert text(read) == "here 6\n"
    assert any("Job" in one.get("data", {}).get("text/plain", "") for one in not_waited)
    end_jobs(tmp_path)


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_error_stops_the_run_with_the_cells_own_lines(
    program: str, started_backend: str, tmp_path: Path
) -> None:
    write(tmp_path, BROKEN, WORD[started_backend])
    ran = run(tmp_path, program, NBSUBMIT_WAIT="headless")
    assert ran.returncode != 0
    told = plain(ran.stderr)
    assert "ZeroDivisionError: division by zero" in told
    assert "----> 3 ratio = 1 / len(data)" in told
    assert "never here" not in ran.stdout
    if program == "papermill":  # the others save nothing then
        sent, never = outputs(tmp_path)[-2:]
        assert "so far\n" in text(sent)
        assert [one.ename for one in sent if one.output_type == "error"] == ["ZeroDivisionError"]
        assert never == []


def test_without_the_setting_no_cell_waits_and_that_is_said_once(tmp_path: Path) -> None:
    write(tmp_path, [*CELLS[:2], CELLS[3], "{magic}\nmore = 1"], "%%local")
    ran = run(tmp_path, "jupyter execute")
    assert ran.returncode == 0, ran.stderr
    _, first, silent, second = map(text, outputs(tmp_path))
    assert "on the node" not in first
    assert "NBSUBMIT_WAIT=1" in first
    assert "NBSUBMIT_WAIT" not in silent + second
    end_jobs(tmp_path)


def test_jobs_are_attached_as_text_where_there_is_no_front_end(tmp_path: Path) -> None:
    notebook = {"NBSUBMIT_NOTEBOOK": str(tmp_path / "in.ipynb")}
    write(
        tmp_path, [*CELLS[:2], "import nbsubmit\n_ = nbsubmit.jobs()[0].wait()"], "%%local --quiet"
    )
    assert run(tmp_path, "jupyter execute", **notebook).returncode == 0
    write(tmp_path, ["%load_ext nbsubmit", "%jobs attach --all", "print(total)"], "")
    ran = run(tmp_path, "jupyter execute", **notebook)
    assert ran.returncode == 0, ran.stderr
    said, attached, values = outputs(tmp_path)
    assert "%jobs attach --all brings" in text(said)
    assert "on the node\n" in text(attached)
    assert sum("image/png" in one.get("data", {}) for one in attached) == 1
    assert text(values) == "6\n"
