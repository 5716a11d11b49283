"""Scripts that were written for submitit run as they are: only the module is another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted(Path(__file__).with_name("scripts").glob("*.py"))
ROOT = Path(__file__).parents[2]
# What a user writes as `import nbsubmit as submitit`, for scripts that say `import submitit`.
RUN = (
    "import runpy, sys, nbsubmit\n"
    "sys.modules['submitit'] = nbsubmit\n"
    "sys.argv = sys.argv[1:]\n"
    "runpy.run_path(sys.argv[0], run_name='__main__')\n"
)


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_a_script_for_submitit_runs_as_it_is(
    script: Path, started_backend: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(script), started_backend],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("all of it is as it should be\n")
