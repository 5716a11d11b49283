"""Type checkers know what a job's function returns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def check(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_is_said_of_jobs_holds() -> None:
    done = check(Path(__file__).with_name("typed.py"))
    assert done.returncode == 0, done.stdout


def test_what_does_not_hold_would_be_found(tmp_path: Path) -> None:
    text = Path(__file__).with_name("typed.py").read_text()
    wrong = tmp_path / "wrong.py"
    wrong.write_text(text.replace("assert_type(await job, float)", "assert_type(await job, str)"))
    done = check(wrong)
    assert 'Expression is of type "float", not "str"' in done.stdout
