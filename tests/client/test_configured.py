"""What configuration files say reaches cells, executors and the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

import nbsubmit
from nbsubmit.cli.main import commands
from nbsubmit.client import cells, configured
from nbsubmit.client.configured import grammar_of
from nbsubmit.core import config_files
from nbsubmit.core.errors import ConfigError
from nbsubmit.core.spec import CellOptions
from nbsubmit.sandbox.sandbox import Sandbox

GRAMMAR = grammar_of("%%slurm")
TEXT = """
poll_seconds = 25
[defaults]
partition = "debug"
mem = "100M"
setup = "export SETUP=1"
[profiles.small]
mem-per-cpu = "50M"
env = {SIZE = "small"}
[profiles.quick]
time = "5m"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project's file, which the process is in."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / ".nbsubmit.toml"
    file.write_text(TEXT)
    return file


def read(line: str, backend: str = "slurm") -> CellOptions:
    before = configured.layers(GRAMMAR.parse(line), config_files.load(), GRAMMAR, backend)
    return GRAMMAR.parse(line, before)


def test_a_line_is_read_over_the_defaults_and_its_profiles(project: Path) -> None:
    assert read("").resources.memory_mib == 100
    found = read("--profile small,quick -t 7m")
    assert found.resources.extra == {"partition": "debug", "mem-per-cpu": "50M"}
    assert found.resources.memory_mib is None
    assert found.resources.time_seconds == 7 * 60
    assert (found.setup, dict(found.env)) == (("export SETUP=1",), {"SIZE": "small"})


def test_jobs_of_this_machine_have_a_profile_and_no_defaults(project: Path) -> None:
    assert read("--profile small", "local").resources.extra == {"mem-per-cpu": "50M"}
    assert read("--profile small", "local").setup == ()
    assert read("--no-defaults").resources.demands == []


def test_a_setting_names_the_profile_of_lines_that_name_none(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSUBMIT_PROFILE", "quick")
    assert read("").resources.time_seconds == 5 * 60
    assert read("--profile none").resources.time_seconds is None
    assert read("--profile small").resources.time_seconds is None


def test_a_setting_that_names_no_profile_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSUBMIT_PROFILE", "quik")
    with pytest.raises(ConfigError, match=r"the setting `profile`: there is no profile 'quik'"):
        read("")


def test_an_unknown_profile_is_told_with_those_that_there_are(project: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no profile 'smal'. Did you mean small?"):
        read("--profile smal")


def test_who_means_sbatchs_own_option_is_told_that_it_gives_way(project: Path) -> None:
    with pytest.raises(ConfigError, match=r"records profiles in HDF5, gives way.*srun --profile"):
        read("--profile Task")


def test_a_mistake_in_any_profile_is_found(project: Path) -> None:
    configured.check(config_files.load())
    project.write_text(f'{TEXT}\n[profiles.wrong]\nmem = "much"')
    with pytest.raises(ConfigError, match=r"nbsubmit.toml, line 14: argument --mem: 'much' is not"):
        configured.check(config_files.load())


def test_an_executor_asks_over_what_is_configured(project: Path, on_slurm: Sandbox) -> None:
    executor = nbsubmit.AutoExecutor("logs", "slurm", profile="small")
    executor.update_parameters(name="mine", slurm_setup=["export MORE=1"])
    options = executor.asked().options
    assert options.resources.extra == {"partition": "debug", "mem-per-cpu": "50M"}
    assert options.resources.memory_mib is None
    assert options.setup == ("export SETUP=1", "export MORE=1")
    executor.update_parameters(mem_gb=1)
    assert executor.asked().options.resources.memory_mib == 1024
    assert executor.asked().options.resources.extra == {"partition": "debug"}


def test_a_call_that_is_sent_again_has_its_profile(project: Path, on_slurm: Sandbox) -> None:
    executor = nbsubmit.AutoExecutor("logs", "slurm", profile="small")
    job = executor.submit(os.getenv, "SIZE")
    assert job.result(60) == "small"
    assert job.resubmit().result(60) == "small"
    script = job.folder.script_file.read_text()
    assert "#SBATCH --partition=debug\n" in script


def test_an_executor_of_this_machine_has_a_profile_and_no_defaults(project: Path) -> None:
    executor = nbsubmit.LocalExecutor("logs", profile="small")
    assert executor.asked().options.setup == ()
    assert executor.submit(os.getenv, "SIZE").result(60) == "small"
    with pytest.raises(ConfigError, match="no profile 'large'"):
        nbsubmit.LocalExecutor("logs", profile="large").asked()


def test_options_are_added_to_those_that_a_job_had_and_not_to_what_is_configured_now(
    project: Path,
) -> None:
    job: Any = SimpleNamespace(whole=None, spec={"words": [["--mem=1G"], ["-c", "2"]]})
    more = ["--profile", "quick"]
    options, all_words = cells.options_again(job, more, GRAMMAR, config_files.load())
    assert options.resources.memory_mib == 1024
    assert options.resources.cpus == 2
    assert options.resources.time_seconds == 5 * 60
    assert options.resources.extra == {}
    assert all_words == [["--mem=1G"], ["-c", "2"], ["--time=5m"], more]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["config", *arguments], catch_exceptions=True)


def test_the_command_shows_each_value_and_where_it_was_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSUBMIT_WAIT", "1")
    lines = [line.split(maxsplit=2) for line in run().output.splitlines()]
    assert ["poll_seconds", "25", f"{project}, line 2"] in lines
    assert ["wait", "always", "NBSUBMIT_WAIT"] in lines
    assert ["pending", "wait", "built-in"] in lines
    assert ["partition", "debug", f"{project}, line 4"] in lines
    assert ["profile", "small"] in lines
    assert ["env", "SIZE=small", f"{project}, line 9"] in lines
    assert ["project", str(project), "read"] in lines


def test_the_command_tells_the_same_as_json(project: Path) -> None:
    found = json.loads(run("--json").output)
    assert found["settings"]["poll_seconds"] == {"value": 25.0, "where": f"{project}, line 2"}
    assert found["profiles"]["quick"]["time"]["value"] == "5m"


def test_the_command_says_why_a_file_is_not_used(project: Path) -> None:
    project.chmod(0o666)
    output = run().output
    assert "not used: others may write to it (mode 666)" in output
    assert "partition" not in output


def test_the_command_refuses_a_wrong_file(project: Path) -> None:
    project.write_text("[defaults]\nnodse = 2")
    done = run()
    assert isinstance(done.exception, ConfigError)
    assert "line 2: there is no option 'nodse'. Did you mean nodes?" in str(done.exception)


def test_the_command_does_nothing_to_the_terminal_that_shows_it(project: Path) -> None:
    project.write_text('folder = "/scratch/\\u001b]0;owned\\u0007ada\\nb"')
    output = run().output
    assert "/scratch/ada\\nb" in output
    assert "\x1b" not in output
