"""What a form is offered for a cell's line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.backends.slurm import choices as slurm
from nbsubmit.backends.slurm.choices import Nodes, associations, nodes_of
from nbsubmit.client.configured import grammar_of
from nbsubmit.sandbox.sandbox import Sandbox
from nbsubmit.server.choices import Cluster
from tests.contract.wire import WIRE, assert_like
from tests.server.conftest import Server

EXAMPLE = WIRE["rest"]["choices"]


async def test_a_cluster_has_partitions_and_resources(server: Server, on_slurm: Sandbox) -> None:
    told = await server.ask("choices")
    assert_like(told, EXAMPLE)
    partitions = {each["name"]: each for each in told["partitions"]}
    assert set(partitions) == {"main", "debug"}
    main = partitions["main"]
    assert (main["default"], main["up"], main["cpus"], main["memory"]) == (True, True, 8, 16384)
    assert main["gres"] == told["gres"]
    assert main["gres"][0].startswith("gpu:")
    assert (told["accounts"], told["qos"], told["remarks"]) == ([], [], [])


async def test_a_cluster_that_keeps_account_has_accounts_and_qos(
    server: Server, slurm_accounting: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in slurm_accounting.environ.items():
        monkeypatch.setenv(name, value)
    told = await server.ask("choices")
    assert_like(told, EXAMPLE)
    assert told["accounts"]
    assert "normal" in told["qos"]
    assert told["remarks"] == []


async def test_where_there_is_no_slurm_that_is_remarked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    told = await server.ask("choices")
    assert_like(told, EXAMPLE)
    assert told["partitions"] == []
    assert "no Slurm here" in told["remarks"][0]
    assert len(told["options"]) > 50


async def test_a_controller_that_does_not_answer_is_remarked(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    hangs = programs / "scontrol"
    hangs.write_text("#!/bin/sh\nexec sleep 600\n")
    hangs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "_SECONDS", 0.5)
    told = await server.ask("choices")
    assert told["partitions"] == []
    assert told["remarks"] == ["Slurm is not asked: scontrol: no answer within 0.5 s"]


def test_a_cluster_is_asked_seldom(on_slurm: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    cluster = Cluster(lambda: now[0])
    first = cluster.choices()
    assert first.partitions
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", "/nowhere")
    now[0] = 599.0
    assert cluster.choices() is first
    now[0] = 600.0
    assert cluster.choices().trouble
    monkeypatch.setenv("PATH", path)
    now[0] = 659.0
    assert cluster.choices().trouble
    now[0] = 660.0
    assert cluster.choices() == first


async def test_profiles_are_those_of_the_notebooks_project(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for folder, name in ((server.root, "usual"), (server.root / "deep", "big")):
        folder.mkdir(exist_ok=True)
        (folder / ".nbsubmit.toml").write_text(
            f"[profiles.{name}]\nmem = '64G'\ncpus-per-task = 8\nexclusive = true\n"
            "env = {A = '1'}\nbegin = 2030-01-01\n"
        )
    told = await server.ask("choices")
    assert [each["name"] for each in told["profiles"]] == ["usual"]
    told = await server.ask("choices", path="deep/work.ipynb")
    assert_like(told, EXAMPLE)
    (big,) = told["profiles"]
    assert big["name"] == "big"
    assert big["options"] == {
        "mem": "64G",
        "cpus-per-task": 8,
        "exclusive": True,
        "env": {"A": "1"},
        "begin": "2030-01-01",
    }
    (server.root / ".nbsubmit.toml").write_text("[profiles.usual]\nmem = \n")
    told = await server.ask("choices")
    assert told["profiles"] == []
    assert "is not TOML" in " ".join(told["remarks"])


def test_each_option_is_described_as_the_grammar_takes_it() -> None:
    grammar = grammar_of("%%slurm")
    told = {each.long: each for each in grammar.described}
    assert {f"--{name}" for name in told} | {f"-{e.short}" for e in told.values() if e.short} == {
        *grammar.flags
    }
    for name, each in told.items():
        needs = {"none": False, "one": True, "optional": None}[each.takes]
        assert grammar.needs_value(name) is needs
        assert bool(each.metavar) is (each.takes != "none")
    kinds = {name: told[name].kind for name in ("mem", "time", "nodes", "wait", "gres", "begin")}
    assert kinds == {
        "mem": "size", "time": "time", "nodes": "number", "wait": "flag", "gres": "text",
        "begin": "text",
    }  # fmt: skip
    assert told["array"].help.count("%4") == 1


def test_the_examples_of_options_are_as_the_grammar_has_them(server: Server) -> None:
    from nbsubmit.server.choices import choices

    told = {each["name"]: each for each in choices(_Nothing(), None)["options"]}
    for example in EXAMPLE["options"]:
        assert told[example["name"]] == example


class _Nothing(Cluster):
    def choices(self) -> Any:
        return slurm.Choices()


def test_the_largest_of_a_partitions_nodes_are_told() -> None:
    text = (
        "big|64+|257000+|gpu:a100:4(S:0-1),shard:8\nbig|32|515000|gpu:a100:4\nsmall|8|1000|(null)\n"
    )
    assert nodes_of(text) == {
        "big": Nodes(64, 515000, ("gpu:a100:4", "shard:8")),
        "small": Nodes(8, 1000),
    }
    assert nodes_of("") == nodes_of("nonsense\n") == {}


def test_accounts_and_qos_are_told_once() -> None:
    assert associations("physics|long,normal\nart|normal\n|x\nbroken\n") == (
        ("physics", "art"),
        ("long", "normal", "x"),
    )
