"""Real kernels with the extension loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.core.errors import FolderError, SubmitError
from nbsubmit.sandbox.sandbox import Sandbox
from tests.journeys.desk import CELL, Desk, write_notebook
from tests.journeys.kernel import Kernel

QUICK = {"NBSUBMIT_POLL_SECONDS": "2", "NBSUBMIT_BEAT_SECONDS": "1"}


def end_jobs(folder: Path) -> None:
    """End the jobs that a test has left running, as one that fails may."""
    with suppress(FolderError):
        for job in nbsubmit.jobs(folder):
            if not job.is_over:
                with suppress(OSError, SubmitError):  # its Slurm is gone, and it with that
                    job.cancel()


@pytest.fixture
def start_kernel(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start kernels in one folder; all are ended with the test."""
    kernels: list[Kernel] = []

    def start(*, loads: bool = True, **environ: str) -> Kernel:
        kernel = Kernel(tmp_path, {**QUICK, **environ})
        kernels.append(kernel)
        if loads:
            kernel.run("%load_ext nbsubmit")
        return kernel

    yield start
    for kernel in kernels:
        kernel.close()
    end_jobs(tmp_path)


@pytest.fixture
def kernel(start_kernel: Callable[..., Kernel], backend_name: str) -> Kernel:
    """A kernel for each backend in turn."""
    return start_kernel()


@pytest.fixture(scope="module")
def swept_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for the tests of a module that sweep it themselves."""
    kernel = Kernel(tmp_path_factory.mktemp("kernel"), QUICK)
    kernel.run("%load_ext nbsubmit")
    yield kernel
    kernel.close()
    end_jobs(kernel.folder)


@pytest.fixture
def swept(swept_kernel: Kernel, backend_name: str, request: pytest.FixtureRequest) -> Kernel:
    """This kernel, for each backend in turn."""
    if backend_name == "slurm":
        slurm = request.getfixturevalue("slurm")
        swept_kernel.run(f"import os; os.environ.update({dict(slurm.environ)!r})")
    return swept_kernel


@pytest.fixture
def magic(backend_name: str) -> str:
    """The first words of a cell for this backend."""
    return {"debug": "%%local --debug", "local": "%%local", "slurm": "%%slurm"}[backend_name]


@pytest.fixture
def slurm_kernel(start_kernel: Callable[..., Kernel], on_slurm: Sandbox) -> Kernel:
    """A kernel on the real Slurm."""
    return start_kernel()


@pytest.fixture
def desk(
    start_kernel: Callable[..., Kernel],
    started_backend: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Desk:
    """A notebook on each backend that starts processes."""
    slurm = request.getfixturevalue("on_slurm") if started_backend == "slurm" else None
    return Desk(start_kernel, tmp_path, slurm)


@pytest.fixture
def notebook(start_kernel: Callable[..., Kernel], tmp_path: Path) -> Desk:
    """A notebook whose jobs are local."""
    return Desk(start_kernel, tmp_path, None)


@pytest.fixture
def sent(notebook: Desk) -> Path:
    """A notebook that has sent a job from its only cell, whose kernel is gone."""
    path = notebook.folder / "work.ipynb"
    write_notebook(path)
    kernel, _ = notebook.kernel()
    kernel.run(CELL)
    kernel.kill()
    return path
