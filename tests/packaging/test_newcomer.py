"""A newcomer's walk: README's first command, the first notebook in a browser, the second command.

All of it in a fresh copy of the repository. Of the second command one test is run, as the whole of
it is what runs this one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from tests.browser.lab import Notebook, browse, load, serve
from tests.packaging.conftest import ROOT, Environment, new_environment, plain_environ, run

pytestmark = pytest.mark.timeout(1800)

FIRST, SECOND = re.findall(r"^```sh\n(.*?)\n```", (ROOT / "README.md").read_text(), re.M | re.S)
NOTEBOOK = "01_first_job.ipynb"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's files as they are now, and nothing that has been made from them."""
    place = tmp_path_factory.mktemp("newcomer") / "nbsubmit"
    list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(list_files, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    subprocess.run(["git", "init", "--quiet"], cwd=place, check=True)
    return place


@pytest.fixture(scope="module")
def alone(clone: Path) -> dict[str, str]:
    """Variables that keep what runs from all that is this machine's user's."""
    return {
        "NBSUBMIT_QUEUE": str(clone.parent / "queue"),
        "IPYTHONDIR": str(clone.parent / "ipython"),
        "XDG_CONFIG_HOME": str(clone.parent / "config"),
    }


@pytest.fixture(scope="module")
def first(clone: Path, alone: dict[str, str]) -> str:
    """What the first command said."""
    return run("bash", "-euc", FIRST, cwd=clone, **alone)


def test_the_first_command_trains_a_model_in_a_job_and_tells_how(first: str, clone: Path) -> None:
    assert "sends X_train" in first
    assert re.search(r"< job \w{4} .*COMPLETED", first)
    assert "the executed notebook is" in first
    executed = nbformat.read(clone / "nbsubmit-demo" / NOTEBOOK, as_version=4)
    check(executed)


def check(notebook: nbformat.NotebookNode) -> None:
    """Each cell has been run, and none has failed but those that are to show how that looks."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    failed = [cell for cell in cells if "error" in {o.output_type for o in cell.outputs}]
    tags = [cell.metadata.get("tags", ()) for cell in failed]
    assert all("raises-exception" in each for each in tags)


@pytest.fixture
def page() -> Iterator[Page]:
    with browse() as page:
        yield page


def test_the_first_notebook_runs_in_a_browser(
    first: str, clone: Path, page: Page, tmp_path: Path
) -> None:
    assert first
    environment = Environment(clone / ".venv")
    environment.install("--editable", f"{clone}[lab]")
    quick = {"NBSUBMIT_BACKEND": "local", "NBSUBMIT_BEAT_SECONDS": "1", "PYTHONPATH": ""}
    python = str(environment.path / "bin" / "python")
    with serve(tmp_path / "lab", quick, python=python) as lab:
        path = lab.notebooks / NOTEBOOK
        shutil.copy(clone / "notebooks" / NOTEBOOK, path)
        load(page, lab)
        notebook = Notebook(page, lab, path)
        cells = nbformat.read(path, as_version=4).cells
        notebook.run(*[number for number, cell in enumerate(cells) if cell.cell_type == "code"])
        notebook.save()
        notebook.close()
        check(nbformat.read(path, as_version=4))


def test_the_second_command_runs_a_test(clone: Path, alone: dict[str, str]) -> None:
    """It installs what is missing: here that is the package itself, the rest is seen from here."""
    environment = new_environment(clone.parent / "env")
    place = sysconfig.get_path("purelib", vars={"base": str(environment.path)})
    Path(place, "here.pth").write_text(sysconfig.get_path("purelib"))
    path = f"{environment.path / 'bin'}:{plain_environ()['PATH']}"
    said = run(
        *SECOND.split(), "tests/core/test_units.py", "-k", "duration", cwd=clone,
        VIRTUAL_ENV=str(environment.path), PATH=path, **alone,
    )  # fmt: skip
    assert re.search(r"\d+ passed", said)
    assert not re.search(r"\d+ failed", said)
