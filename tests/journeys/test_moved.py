"""By what a notebook and its cells are known again; one that was moved, one that was copied.

Promise 4 of README.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.journeys.desk import CELL, Desk, write_notebook
from tests.journeys.kernel import Kernel, Ran

pytestmark = pytest.mark.kernel


def kernel_of(notebook: Desk, path: Path) -> tuple[Kernel, Ran]:
    notebook.environ["JPY_SESSION_NAME"] = str(path)
    return notebook.kernel()


def test_a_renamed_notebook_keeps_its_jobs(notebook: Desk, sent: Path) -> None:
    path = sent.rename(sent.parent / "renamed.ipynb")
    kernel, said = kernel_of(notebook, path)
    assert "had what a job of this notebook brought" in said.stdout
    assert f"(sent from {sent})" in said.stdout
    assert said.stdout.count("\n") == 1
    kernel.run("%jobs attach --all")
    assert kernel.run("print(total)").stdout == "328350\n"
    assert "COMPLETED" in kernel.run("%jobs").stdout


def test_a_copied_notebook_leaves_the_jobs_to_the_first(notebook: Desk, sent: Path) -> None:
    path = Path(shutil.copy(sent, sent.parent / "copy.ipynb"))
    kernel, said = kernel_of(notebook, path)
    assert said.stdout == (
        f"nbsubmit: this seems to be a copy of {sent}, whose job stays its own; %jobs list --all\n"
    )
    assert "no job of this notebook" in kernel.try_("%jobs attach --all").traceback
    assert "no jobs of this notebook" in kernel.run("%jobs").stdout
    job = kernel.run("%jobs list --all").stdout.split()[0]
    kernel.run(f"%jobs attach {job}")
    assert kernel.run("print(total)").stdout == "328350\n"
    _, said = kernel_of(notebook, sent)  # and the first one has it still
    assert "had what a job of this notebook brought" in said.stdout


def test_cells_are_known_again_by_their_ids(notebook: Desk) -> None:
    path = notebook.folder / "work.ipynb"
    write_notebook(path)
    cell = nbformat.read(path, as_version=4).cells[0].id
    kernel, _ = notebook.kernel()
    kernel.run_as(cell, "%%local --wait --quiet\nx = 1")
    spec = json.loads(next(notebook.folder.glob(".nbsubmit/jobs/*/job.json")).read_text())
    assert spec["origin"]["notebook"] == str(path)
    assert spec["origin"]["cell"] == cell
    assert spec["origin"]["lines"] == ["%%local --wait --quiet", "x = 1"]
    assert spec["origin"]["execution"] == 2
    file = kernel.run("from ipykernel import get_connection_file\nprint(get_connection_file())")
    assert spec["origin"]["kernel"] in file.stdout
    kernel.kill()
    _, said = kernel_of(notebook, path.rename(path.parent / "renamed.ipynb"))
    assert f"(sent from {path})" in said.stdout


def test_vs_code_names_the_notebook_in_a_variable(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    name = f"__vsc_ipynb_file__ = {str(tmp_path / 'code.ipynb')!r}"
    kernel = start_kernel()
    kernel.run(f"{name}\nx = 1")
    kernel.run("%%local --wait --quiet\ny = x")
    kernel.kill()
    fresh = start_kernel(loads=False)
    fresh.run(name)
    assert "%jobs attach --all" in fresh.run("%load_ext nbsubmit").stdout


def test_a_program_that_runs_another_notebook_from_this_one_is_not_this_one(
    notebook: Desk, sent: Path
) -> None:
    cells = ["%load_ext nbsubmit\nnothing = 1", "%jobs list"]
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    variables = {**os.environ, "JPY_SESSION_NAME": str(sent)}
    client = NotebookClient(other, resources={"metadata": {"path": str(notebook.folder)}})
    client.execute(env=variables)
    first, second = (cell.outputs for cell in other.cells)
    assert first == []
    assert "no jobs of this notebook" in second[0].text


def test_another_notebook_in_the_place_of_one_that_is_gone_takes_no_job(
    notebook: Desk, sent: Path
) -> None:
    sent.unlink()
    path = sent.parent / "other.ipynb"
    write_notebook(path, "%%local\nsomething = 'else'")
    kernel, said = kernel_of(notebook, path)
    assert said.stdout == ""
    assert "no jobs of this notebook" in kernel.run("%jobs").stdout


def test_a_folder_that_was_moved_with_its_store_keeps_its_jobs(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write_notebook(old / "work.ipynb")
    with contextlib.closing(Kernel(old, {"JPY_SESSION_NAME": str(old / "work.ipynb")})) as kernel:
        kernel.run("%load_ext nbsubmit")
        kernel.run(CELL)
    old.rename(new)
    write_notebook(new / "work.ipynb", "1 + 1  # all was written anew")
    with contextlib.closing(Kernel(new, {"JPY_SESSION_NAME": str(new / "work.ipynb")})) as kernel:
        said = kernel.run("%load_ext nbsubmit").stdout
        assert f"(sent from {old / 'work.ipynb'})" in said
        kernel.run("%jobs attach --all")
        assert kernel.run("print(total)").stdout == "328350\n"


def test_the_setting_names_the_notebook_where_no_front_end_does(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel(NBSUBMIT_NOTEBOOK="named.ipynb")
    kernel.run("%%local --wait --quiet\nx = 1")
    kernel.kill()
    fresh = start_kernel(loads=False, NBSUBMIT_NOTEBOOK="named.ipynb")
    assert "%jobs attach --all" in fresh.run("%load_ext nbsubmit").stdout
    fresh.run("%jobs attach --all")
    assert fresh.run("print(x)").stdout == "1\n"
