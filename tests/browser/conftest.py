"""One JupyterLab and one page of a browser for all tests here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.browser.lab import PATIENCE_MS, Lab, Notebook, browse, load, plain, serve

# Where the pictures go; pytest's own folder if not said.
PICTURES = "PICTURES_FOLDER"
expect.set_options(timeout=PATIENCE_MS / 2)


# For one module, no longer: while it lives, its event loop is in every other test's way.
@pytest.fixture(scope="module")
def strict_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A real Slurm that ends jobs that use more memory than they asked for."""
    strict = {"JobAcctGatherParams": "OverMemoryKill", "JobAcctGatherFrequency": "task=1"}
    config = SandboxConfig(tmp_path_factory.mktemp("slurm"), extra_conf=strict)
    with up(config, owner=os.getpid()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, strict_slurm: Sandbox) -> Iterator[Lab]:
    """A JupyterLab whose kernels find the real Slurm."""
    quick = {"NBSUBMIT_POLL_SECONDS": "2", "NBSUBMIT_BEAT_SECONDS": "1"}
    with serve(tmp_path_factory.mktemp("lab"), {**strict_slurm.environ, **quick}) as lab:
        yield lab


@pytest.fixture(scope="module")
def shared_page(lab: Lab) -> Iterator[Page]:
    """A page with the Lab on it."""
    with browse() as page:
        load(page, lab)
        yield page


@pytest.fixture
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pictures."""
    return Path(os.environ.get(PICTURES) or tmp_path_factory.getbasetemp() / "pictures")


@pytest.fixture
def open_notebook(
    lab: Lab, shared_page: Page, pictures: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    """Open a new notebook of these cells, the extension loaded by its first one."""
    opened: list[Notebook] = []
    name = plain(request.node.name)

    def open_(*cells: str) -> Notebook:
        path = lab.write(f"{name}/{name}-{len(opened)}.ipynb", ["%load_ext nbsubmit", *cells])
        notebook = Notebook(shared_page, lab, path)
        opened.append(notebook)
        notebook.run(0)
        return notebook

    yield open_
    for notebook in opened:
        notebook.screenshot(pictures / f"{name}-end.png")
        notebook.close()
