"""Jobs whose files another nbsubmit has written, looked at by this one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.core.folder import FORMAT
from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel


def test_a_job_of_another_nbsubmit_is_told_and_hides_no_other(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    kernel = start_kernel()
    kernel.run("%%local --as old --wait --no-panel\nx = 1")
    kernel.run("%%local --wait --no-panel\ny = 2")
    folder = Path(kernel.run("print(old.folder.path)").stdout.strip())
    for name in ("payload.json", "result.json"):
        file = tmp_path / folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | {"format": FORMAT - 1}))
    other = start_kernel()
    listed = other.run("%jobs list --all").stdout
    assert f"the job's result was written by another nbsubmit, in format {FORMAT - 1}" in (listed)
    assert "COMPLETED" in listed
    shown = other.run(f"%jobs show {folder.name}").stdout
    assert f"what was sent was written by another nbsubmit, in format {FORMAT - 1}" in shown
