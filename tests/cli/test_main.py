"""The command itself: what it costs to start, what its help says, and its exit codes.

Promise 8 of README.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest
from click import Command, Context, Option

from nbsubmit.cli.main import COMMANDS, commands
from tests.cli.conftest import Shell

HEAVY = ("IPython", "ipywidgets", "numpy", "pandas", "nbformat", "nbsubmit.client")
ASK = "import sys; from nbsubmit.cli.main import main\ntry: main()\nfinally: print(*sys.modules)"


def loaded(*words: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, *words], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_that_it_does_not_need() -> None:
    assert not loaded("--help") & set(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_loads_a_notebook_for_its_help(name: str) -> None:
    assert not loaded(name, "--help") & set(HEAVY[:5])


def test_jobs_are_listed_without_a_notebook(shell: Shell) -> None:
    assert not loaded("jobs", "--folder", str(shell.folder)) & set(HEAVY[:5])


@pytest.mark.parametrize("words", ["jobs", "show last", "logs last", "resubmit last", "clean"])
def test_a_folder_that_is_named_and_not_there_is_an_error(shell: Shell, words: str) -> None:
    said = shell.run(*words.split(), "--folder", "nowhere", code=2).stderr
    assert f"there is no folder {shell.folder / 'nowhere'}" in said


def each() -> list[Command]:
    context = Context(commands)
    found = [commands.get_command(context, name) for name in COMMANDS]
    return [command for command in found if command is not None]


def test_each_command_goes_by_its_name_and_says_what_each_option_is_for() -> None:
    assert [command.name for command in each()] == [*COMMANDS]
    for command in each():
        assert command.help
        for parameter in command.params:
            if isinstance(parameter, Option):
                assert parameter.help, f"{command.name} {parameter.opts}"


def test_the_list_of_commands_fits_a_narrow_terminal(shell: Shell) -> None:
    told = shell.run("--help").stdout
    assert max(map(len, told.splitlines())) <= 80
    for name in COMMANDS:
        assert f"\n  {name}" in told


def test_its_version_is_that_of_the_package(shell: Shell) -> None:
    assert shell.run("--version").stdout.split()[-1] == version("nbsubmit")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["jobs", "--nonesuch"], 2, "nonesuch"),
        (["show"], 2, "Missing argument 'ID'"),
        (["nonesuch"], 2, "nonesuch"),
        (["job"], 2, "No such command 'job'. Did you mean jobs?"),
        (["show", "nonesuch"], 1, "UnknownJob: no job by the id"),
        (["resubmit"], 2, "OptionError: which one?"),
        (["clean", "--older", "long"], 2, "OptionError: --older: 'long' is not an age"),
        (["completion", "nosh"], 2, "nosh"),
    ],
)
def test_what_goes_wrong_is_one_block_of_text_and_a_code(
    shell: Shell, words: list[str], code: int, said: str
) -> None:
    done = shell.run(*words, code=code)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_file_of_configuration_that_is_wrong_is_no_wrong_line(shell: Shell) -> None:
    (shell.folder / ".nbsubmit.toml").write_text("wait = 7\n")
    assert "ConfigError" in shell.run("config", code=1).stderr
