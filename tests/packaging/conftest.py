"""The project as others get it: built, and installed in environments of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 900
# Nothing of the environment that runs the tests is to be found by the other.
_OURS = ("PYTHON", "VIRTUAL_ENV", "NBSUBMIT_", "JUPYTER", "IPYTHON", "COVERAGE")


def plain_environ(**more: str) -> dict[str, str]:
    """The variables of this process without those that lead to its own packages."""
    return {k: v for k, v in os.environ.items() if not k.startswith(_OURS)} | more


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """Run a program to its end, which has to be a good one, and return what it said."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=plain_environ(**more), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-5000:]}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    path: Path

    def run(self, program: str, *words: str | Path, **more: str) -> str:
        """Run one of its programs in its folder."""
        return run(self.path / "bin" / program, *words, cwd=self.path, **more)

    def install(self, *words: str | Path) -> None:
        self.run("python", "-m", "pip", "install", "--quiet", *words)


def new_environment(path: Path) -> Environment:
    run(sys.executable, "-m", "venv", path, cwd=path.parent)
    return Environment(path)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """An environment with the wheel and what that asks for."""
    environment = new_environment(tmp_path_factory.mktemp("clean") / "env")
    environment.install(wheel)
    return environment


@pytest.fixture(scope="session")
def lowest(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """One with the lowest release of each dependency that the project says it takes."""
    environment = new_environment(tmp_path_factory.mktemp("lowest") / "env")
    environment.install(wheel, *[f"{name}=={version}" for name, version in lower_bounds().items()])
    return environment


def lower_bounds() -> dict[str, str]:
    """The lowest release of each dependency that holds for this Python."""
    text = (ROOT / "pyproject.toml").read_text()
    listed = text.partition("\ndependencies = [\n")[2].partition("\n]\n")[0]
    found = {}
    for line in listed.splitlines():
        name, version, marker = re.match(r'\s*"([\w-]+)>=([\d.]+)[^;"]*(.*)",', line).groups()  # type: ignore[union-attr]
        below = re.search(r"python_version < '3\.(\d+)'", marker)
        if below is None or sys.version_info[:2] < (3, int(below[1])):
            found[name] = version
    return found


CELL = """\
%load_ext nbsubmit
import numbers
x = [20, 1]
def total(values):
    return sum(values)

cell = "y = total(x) * 2\\nx.append(y)\\nprint('there')"
get_ipython().run_cell_magic("local", "--wait --quiet", cell)
assert (y, x) == (42, [20, 1, 42]), (y, x)
job = get_ipython().run_cell_magic("local", "--quiet", "1 / 0")
job.wait(60)
assert isinstance(job.exception(), ZeroDivisionError)
%jobs
print("all is well")
"""


@pytest.fixture
def terminal_session(tmp_path: Path) -> Callable[[Environment], str]:
    """Run some cells in a terminal's IPython of an environment, and return what it showed."""

    def session(environment: Environment) -> str:
        script = tmp_path / "cells.ipy"
        script.write_text(CELL)
        return run(
            environment.path / "bin" / "python", "-m", "IPython", "--no-banner",
            "--colors=NoColor", script, cwd=tmp_path,
            IPYTHONDIR=str(tmp_path / "ipython"), NBSUBMIT_QUEUE=str(tmp_path / "queue"),
        )  # fmt: skip

    return session
