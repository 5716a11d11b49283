"""What README tells the reader to do is what is tested."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from nbsubmit.backends.queue.machine import GPUS_VARIABLE, SLOTS_VARIABLE
from nbsubmit.backends.queue.place import VARIABLE
from nbsubmit.backends.slurm.options import OPTIONS, OWNED
from nbsubmit.core.options import Grammar
from nbsubmit.core.settings import Settings

OF_THE_QUEUE = (GPUS_VARIABLE, SLOTS_VARIABLE, VARIABLE)
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


def test_its_options_are_those_that_there_are() -> None:
    grammar = Grammar("%%slurm", OPTIONS, OWNED)
    of_commands = {"--slurm", "--lab", "--all", "--failed"}
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - of_commands
    assert mentioned - set(grammar.flags) == set()


def test_its_settings_are_those_that_there_are() -> None:
    mentioned = set(re.findall(r"`NBSUBMIT_(\w+)`", README))
    of_the_queue = {variable.removeprefix("NBSUBMIT_") for variable in OF_THE_QUEUE}
    assert mentioned == {name.upper() for name in vars(Settings())} | of_the_queue
