"""README's first command: the main job, on real data, on this machine and on a real Slurm."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbsubmit.sandbox.sandbox import Sandbox


def demo(folder: Path, *options: str) -> str:
    """Run the demo and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "nbsubmit", "demo", "--folder", str(folder), *options],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "IPYTHONDIR": str(folder.parent / "ipython")},
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def check(folder: Path, said: str) -> None:
    """The model, the score and the figure are back, and it was said what was sent."""
    assert "sends X_train 690 kB" in said
    assert "brings model, score" in said
    assert "200 trees: 9" in said
    assert "True RandomForestClassifier" in said
    assert "image/png" in said
    assert "ZeroDivisionError" in said
    prose = [line for line in said.splitlines() if line.startswith(("A model", "What stands"))]
    assert len(prose) == 2
    assert max(map(len, prose)) <= 90
    leads_to = re.findall(r"\]\((\w+\.ipynb)\)", (folder / "01_first_job.ipynb").read_text())
    assert leads_to
    assert all((folder / name).exists() for name in leads_to)
    notebook = json.loads((folder / "01_first_job.ipynb").read_text())
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.kernel
def test_the_demo_runs_on_this_machine(tmp_path: Path) -> None:
    check(tmp_path / "demo", demo(tmp_path / "demo"))


@pytest.mark.kernel
@pytest.mark.slurm
def test_the_demo_runs_on_slurm(tmp_path: Path, on_slurm: Sandbox) -> None:
    said = demo(tmp_path / "demo", "--slurm")
    assert "running on the Slurm cluster here" in said
    assert "Slurm job" in said
    check(tmp_path / "demo", said)
