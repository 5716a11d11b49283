"""Real private Slurms for tests, started when first asked for, gone with the test process.

Another conftest takes them over with
``from tests.sandbox_fixture import slurm, slurm_accounting``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running Slurm without accounting: two nodes of 8 CPUs and 4 pretend GPUs."""
    config = SandboxConfig(tmp_path_factory.mktemp("slurm"))
    with up(config, owner=os.getpid()) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def slurm_accounting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The same with accounting, so that ``sacct`` answers."""
    config = SandboxConfig(tmp_path_factory.mktemp("slurm_accounting"), accounting=True)
    with up(config, owner=os.getpid()) as sandbox:
        yield sandbox
