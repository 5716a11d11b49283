"""``%jobs doctor`` looks from the kernel that sends the jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.sandbox.sandbox import Sandbox
from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel


def test_it_looks_with_the_kernels_python_store_and_configuration(
    start_kernel: Callable[..., Kernel], on_slurm: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / ".nbsubmit.toml").write_text('[defaults]\npartition = "debug"')
    kernel = start_kernel()
    kernel.run("%config NbSubmit.folder = 'elsewhere'")
    told = kernel.run("%jobs doctor").stdout
    assert "problem" not in told.splitlines()[-1]
    told = " ".join(told.split())  # a long path is put on a line of its own
    assert f"ok store: {tmp_path / 'elsewhere'}, on" in told
    assert "partition: debug, which jobs ask for," in told
    assert "store there: n1 reads and writes it" in told


def test_options_of_the_tiny_job_follow_and_it_may_be_left_out(
    start_kernel: Callable[..., Kernel], on_slurm: Sandbox
) -> None:
    kernel = start_kernel()
    told = kernel.run("%jobs doctor --partition none-such --no-job").stdout
    assert "jobs ask for none-such, and there is none by that name" in told
    assert "a tiny job" not in told
    assert told.endswith("\n1 problem\n")
    assert "there is no option --partion" in kernel.try_("%jobs doctor --partion x").traceback
