"""A shell's view of jobs: the command, run as a program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest

from nbsubmit.sandbox.sandbox import Sandbox
from tests.way import Way

COMMAND = (sys.executable, "-m", "nbsubmit")
QUICK = {"NBSUBMIT_POLL_SECONDS": "2", "NBSUBMIT_BEAT_SECONDS": "1"}


@dataclass(frozen=True)
class Shell:
    """A shell in the folder of a store."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, **QUICK, "NBSUBMIT_FOLDER": str(self.folder / "store")}

    def run(self, *words: str, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the command, which has to end with this code."""
        done = subprocess.run(
            [*COMMAND, *words], cwd=self.folder, env={**self.environ, **more},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{words}: {done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str) -> Any:
        """Run the command and return what its JSON says."""
        return json.loads(self.run(*words, "--json").stdout)

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Start the command; what it prints can be read."""
        return subprocess.Popen(
            [*COMMAND, *words], cwd=self.folder, env=self.environ, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_interrupts, **more,
        )  # fmt: skip

    def at_terminal(self, *words: str, size: tuple[int, int] = (30, 160)) -> pexpect.spawn[str]:
        """Start the command in a terminal."""
        # Where these are set, as they may be by pytest, the terminal's own size does not count.
        environ = {k: v for k, v in self.environ.items() if k not in ("COLUMNS", "LINES")}
        return pexpect.spawn(
            COMMAND[0], [*COMMAND[1:], *words], cwd=str(self.folder), encoding="utf-8",
            env={**environ, "TERM": "xterm"}, dimensions=size, timeout=60,
            preexec_fn=heed_interrupts,
        )  # fmt: skip


def code_of(child: pexpect.spawn[str]) -> int | None:
    """Read what a command in a terminal prints until it ends, and return its exit code."""
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus


def heed_interrupts() -> None:
    """Heed them as at a prompt; whatever a script runs in the background is started deaf."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def local(make_way: Callable[..., Way]) -> Way:
    """Sends cells as local processes."""
    return make_way("local")


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """What a cell of `HOLDS` waits for; it is opened in the end."""
    path = tmp_path / "gate"
    yield path
    path.touch()


HOLDS = """\
import time
from pathlib import Path

print("begun", flush=True)
while not Path(gate).exists():
    time.sleep(0.05)
print("goes on", flush=True)
"""


@pytest.fixture
def slurm_way(on_slurm: Sandbox, make_way: Callable[..., Way]) -> Way:
    """Sends cells to the real Slurm."""
    return make_way("slurm")
