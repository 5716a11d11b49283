"""What README tells the reader to do is what is tested."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Command, Context, Group

from nbsubmit.backends.queue.forks import SWITCH
from nbsubmit.backends.queue.machine import GPUS_VARIABLE, SLOTS_VARIABLE
from nbsubmit.backends.queue.place import VARIABLE
from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.cli.main import COMMANDS, commands
from nbsubmit.client import configured
from nbsubmit.core import config_files
from nbsubmit.core.options import Grammar
from nbsubmit.core.settings import NAMES
from tests.cli.test_jobs import KEYS, MORE_KEYS
from tests.journeys.kernel import Kernel

OF_THE_QUEUE = (GPUS_VARIABLE, SLOTS_VARIABLE, SWITCH, VARIABLE)
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_its_second_command_is_what_ci_runs() -> None:
    first, second = (text.strip() for kind, text in BLOCKS if kind == "sh")
    assert first.endswith("nbsubmit demo")
    assert f"exec {second}\n" in (ROOT / ".ci" / "run").read_text()
    assert (ROOT / second.split()[1]).is_file()


def test_its_python_runs(tmp_path: Path) -> None:
    for kind, text in BLOCKS:
        if kind == "python":
            subprocess.run([sys.executable, "-c", text], cwd=tmp_path, check=True)


GIVEN = """
from types import SimpleNamespace
class Model:
    def fit(self, X, y): self.mean = sum(y) / len(y)
    def score(self, X, y): return self.mean
model, X_train, y_train, X_test, y_test = Model(), [1], [2.0], [1], [2.0]
def train(x): return 2
"""


@pytest.mark.kernel
@pytest.mark.slurm
def test_its_cells_run_on_a_real_slurm(slurm_kernel: Kernel) -> None:
    cells = [text for kind, text in BLOCKS if kind == "ipython"]
    assert sum(cell.startswith("%%slurm") for cell in cells) >= 3
    slurm_kernel.run(GIVEN)
    for cell in cells:
        slurm_kernel.run(cell)
    slurm_kernel.run("assert training.wait(60).state == 'COMPLETED', training.status")
    assert slurm_kernel.run("print(score)").stdout  # of the last that binds it
    assert slurm_kernel.run("sweep.wait(60); print(sweep.value or len(sweep.tasks))").stdout
    listed = slurm_kernel.run("%jobs list --all").stdout
    ended = re.findall(r"slurm +\d+ +COMPLETED", listed)
    assert len(ended) == len([cell for cell in cells if cell.startswith("%%")])


def test_each_block_is_of_a_kind_that_is_tried_or_is_no_code() -> None:
    tried = {"sh", "python", "ipython", "toml"}
    assert {kind for kind, _ in BLOCKS} == tried | {"text"}
    told = [text for kind, text in BLOCKS if kind == "text"]
    beginnings = ("ok      partition", "                      kernel ", "@software{nbsubmit,")
    assert len(told) == len(beginnings)
    for text, beginning in zip(told, beginnings, strict=True):
        assert text.startswith(beginning)


def test_its_options_are_those_that_there_are() -> None:
    grammar = Grammar("%%slurm", OPTIONS, OWNED)
    of_commands = set(options_of(commands, Context(commands))) | {"--failed"}
    # What a tool of somebody else's takes.
    of_others = {"--ServerApp", "--map-by"}
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - of_commands - of_others
    assert mentioned - set(grammar.flags) == set()


def options_of(command: Command, context: Context) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts
    if isinstance(command, Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from options_of(found, Context(found, parent=context))


LINKS = re.findall(r"\]\(([^)\s]+)\)", README)


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_its_links_lead_somewhere(link: str) -> None:
    assert "://" not in link, "whoever has a clone has to find it there"
    path, _, anchor = link.partition("#")
    assert not path or (ROOT / path).exists()
    if anchor and not path:
        titles = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}


def test_each_promise_has_tests() -> None:
    rows = re.findall(r"^\| (\d) \| \*\*.*?\*\* .*? \| (.*) \|$", README, re.MULTILINE)
    assert [number for number, _ in rows] == [str(number) for number in range(1, 9)]
    for number, tests in rows:
        linked = re.findall(r"\]\((tests/[^)]+)\)", tests)
        assert linked
        for place in linked:
            files = [ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py")
            texts = [file.read_text() for file in files]
            assert any("def test_" in text for text in texts), place
            named = re.compile(rf"^Promise (?:\d and )?{number}\b", re.MULTILINE)
            assert any(named.search(text) for text in texts), f"{place}: promise {number}?"


def test_what_programs_are_told_goes_by_the_keys_that_it_names() -> None:
    listed = re.findall(r"^\| `(jobs|show)`.* \| ((?:`\w+` ?)+)\|$", README, re.MULTILINE)
    named = {command: set(re.findall(r"`(\w+)`", keys)) for command, keys in listed}
    assert named == {"jobs": KEYS, "show": MORE_KEYS}


def test_its_commands_are_those_that_there_are() -> None:
    table = README.partition("### From a shell")[2].partition("| exit code")[0]
    first_cells = re.findall(r"^\| (`.*?) \|(?! does)", table, re.MULTILINE)
    named = {name for cell in first_cells for name in re.findall(r"`([a-z]+)", cell)}
    assert named >= set(COMMANDS)


def test_its_settings_are_those_that_there_are() -> None:
    mentioned = set(re.findall(r"`NBSUBMIT_(\w+)`", README))
    of_the_queue = {variable.removeprefix("NBSUBMIT_") for variable in OF_THE_QUEUE}
    assert mentioned == {name.upper() for name in NAMES} | of_the_queue | {"SITE_CONFIG"}


def test_its_configuration_file_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "me")
    text = next(text for kind, text in BLOCKS if kind == "toml" and "[defaults]" in text)
    (tmp_path / ".nbsubmit.toml").write_text(text)
    found = config_files.load(tmp_path)
    configured.check(found)
    assert found.settings.folder == "/scratch/me/jobs"
    assert [*found.profiles] == ["big"]
