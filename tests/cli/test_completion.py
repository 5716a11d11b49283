"""TAB in real shells: commands, options, ids, states and profiles."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

import pexpect
import pytest

from nbsubmit.sandbox.sandbox import Sandbox
from tests.cli.conftest import Shell
from tests.way import Way


def offered(shell: Shell, *words: str) -> list[str]:
    """What is offered for the last word, by the way that the shells ask."""
    told = shell.run(
        _NBSUBMIT_COMPLETE="bash_complete",
        COMP_WORDS="\n".join(("nbsubmit", *words)),
        COMP_CWORD=str(len(words)),
    ).stdout
    return [line.partition(",")[2] for line in told.splitlines() if line]


def test_every_command_is_offered(shell: Shell) -> None:
    assert offered(shell, "c") == ["cancel", "clean", "config", "completion"]
    assert {"jobs", "show", "logs", "resubmit", "doctor", "demo", "sandbox"} < {*offered(shell, "")}


def test_its_help_has_a_line_to_copy_for_each_shell(shell: Shell) -> None:
    told = shell.run("completion", "--help").stdout
    begun = re.findall(r"^  (\w+)   .*nbsubmit completion \1", told, re.MULTILINE)
    assert begun == ["bash", "zsh", "fish"]


def test_options_and_their_values_are_offered(shell: Shell) -> None:
    assert {"--follow", "--live", "--state", "--json"} < {*offered(shell, "jobs", "--")}
    assert offered(shell, "jobs", "--state", "COM") == ["COMPLETED"]
    assert "FAILED,TIMEOUT" in offered(shell, "jobs", "--state", "FAILED,T")
    assert "RUNNING" not in offered(shell, "clean", "--state", "")
    assert "--partition" in offered(shell, "resubmit", "k7q2", "--part")
    assert "--gpus-per-node" in offered(shell, "doctor", "--gpus")


def test_ids_are_offered_from_both_ends_and_profiles_by_name(shell: Shell, local: Way) -> None:
    first, second = local.run("x = 1"), local.run("1 / 0")
    for command in ("show", "logs", "cancel", "resubmit", "clean"):
        assert {*offered(shell, command, "")} == {first.id, second.id}
    assert offered(shell, "show", first.id[:-1]) == [first.id]
    assert offered(shell, "show", f"{first.id[-4:-1]}") in ([first.id[-4:]], [])
    (shell.folder / ".nbsubmit.toml").write_text("[profiles.big]\nmem = '8G'\n")
    assert offered(shell, "resubmit", first.id, "--profile", "b") == ["big"]


@pytest.mark.slurm
def test_the_clusters_own_values_are_offered(
    shell: Shell, slurm_accounting: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in slurm_accounting.environ.items():
        monkeypatch.setenv(name, value)
    assert offered(shell, "resubmit", "k7q2", "--partition", "ma") == ["main"]
    assert offered(shell, "resubmit", "k7q2", "-p", "main,") == ["main,debug"]
    assert offered(shell, "doctor", "--qos", "nor") == ["normal"]
    assert offered(shell, "doctor", "--gpus", "") == ["1", "2", "4"]
    assert offered(shell, "doctor", "--wait", "") == []


def test_where_nothing_can_be_found_out_nothing_is_said(shell: Shell) -> None:
    (shell.folder / "store").mkdir(mode=0o777)
    (shell.folder / "store").chmod(0o777)
    (shell.folder / ".nbsubmit.toml").write_text("[profiles")
    assert offered(shell, "show", "") == []
    assert offered(shell, "resubmit", "k7q2", "--profile", "") == []


SETUP = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "--interactive"],
}
LOAD = {
    "bash": 'eval "$(nbsubmit completion bash)"',
    "zsh": 'autoload -Uz compinit && compinit -u; eval "$(nbsubmit completion zsh)"',
    "fish": "nbsubmit completion fish | source",
}


@pytest.mark.parametrize("kind", SETUP)
def test_a_real_shell_completes_a_command_and_a_state(
    shell: Shell, kind: str, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "nbsubmit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nbsubmit "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = f"{program.parent}:{shell.environ['PATH']}"
    child = pexpect.spawn(
        kind, SETUP[kind], cwd=str(tmp_path), encoding="utf-8", timeout=30, dimensions=(40, 200),
        env={**shell.environ, "PATH": path, "HOME": str(tmp_path), "TERM": "dumb"},
    )  # fmt: skip
    child.sendline(f"{LOAD[kind]}; echo rea''dy")
    child.expect("ready")
    child.send("echo nbsubmit; nbsubmit jobs --state TIMEO\t")
    child.expect("TIMEOUT")
    child.sendline("")
    child.expect(re.escape("no such jobs here"))
    child.close(force=True)
