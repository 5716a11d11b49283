"""What the tests of the worker begin with: a cell, a stage to run it on, a place for its output."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsubmit.core.folder import JobFolder


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    """A job's folder, made and empty."""
    made = JobFolder(tmp_path / "240102-030405-bcdf")
    made.create()
    return made


@pytest.fixture
def logs(folder: JobFolder) -> Iterator[tuple[int, int]]:
    """Descriptors of the job's two logs."""
    flags = os.O_WRONLY | os.O_APPEND
    out, err = os.open(folder.log_out, flags), os.open(folder.log_err, flags)
    yield out, err
    os.close(out)
    os.close(err)
