"""What the tests of the backends begin with: a launch, and programs that say what they are told."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.core.spec import Launch, Resources


@pytest.fixture
def make_launch(tmp_path: Path) -> Callable[..., Launch]:
    """A launch of a job whose folder is somewhere below the test's own."""

    def make(folder: Path | None = None, **what: Any) -> Launch:
        path = folder or tmp_path / "240102-030405-bcdf"
        launch = Launch(
            id="240102-030405-bcdf",
            folder=path,
            command=("/usr/bin/python3", "-m", "nbsubmit.worker", str(path)),
            resources=Resources(),
            working_directory=tmp_path,
            log_out=path / "log.out",
            log_err=path / "log.err",
            exit_file=path / "exit",
        )
        return replace(launch, **what)

    return make


@pytest.fixture
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH on which nothing of Slurm's is; programs can be put there."""
    place = tmp_path / "bin"
    place.mkdir()
    for program in ("sh", "cat", "sleep", "env", "printf"):
        found = next(p for p in (Path("/bin"), Path("/usr/bin")) if (p / program).exists())
        (place / program).symlink_to(found / program)
    monkeypatch.setenv("PATH", str(place))
    return place


@pytest.fixture
def program(only_path: Path) -> Callable[[str, str], Path]:
    """Put a small shell script on the PATH; its calls are noted beside it."""

    def put(name: str, body: str) -> Path:
        file = only_path / name
        calls = only_path / f"{name}.calls"
        file.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {calls}\n{body}\n')
        file.chmod(0o755)
        calls.touch()
        return calls

    return put


@pytest.fixture
def environ_of_a_job(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment as a job has it that runs the notebook."""
    for name in list(os.environ):
        if name.startswith("SLURM"):
            monkeypatch.delenv(name)
    inherited = {
        "SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "4", "SLURMD_NODENAME": "n1",
        "SBATCH_PARTITION": "gpu", "SRUN_CPUS_PER_TASK": "4", "SALLOC_ACCOUNT": "a",
        "SQUEUE_FORMAT": "%i", "SACCT_FORMAT": "jobid", "SCANCEL_BATCH": "1",
        "PMI_RANK": "0", "PMIX_RANK": "0", "PMI2_FD": "7", "_SLURM_SPANK_OPTION_x": "1",
        "SPANK_X": "1", "OMPI_COMM_WORLD_RANK": "3",
    }  # fmt: skip
    for name, value in inherited.items():
        monkeypatch.setenv(name, value)
    return inherited
