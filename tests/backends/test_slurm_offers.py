"""What TAB offers behind Slurm's options, from a real Slurm, and while it does not answer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.backends.slurm import choices
from nbsubmit.backends.slurm.offers import Offers
from nbsubmit.sandbox.sandbox import Sandbox
from tests.way import PATIENCE, until

Use = Callable[[Sandbox], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    def use(sandbox: Sandbox) -> None:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)

    return use


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file without which scontrol does not answer; each call of it is a line of a file beside."""
    real = shutil.which("scontrol")
    program = tmp_path / "bin" / "scontrol"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\necho call >> {tmp_path}/calls\n"
        f'while [ ! -e {tmp_path}/gate ]; do sleep 0.05; done\nexec {real} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "gate"


def calls(gate: Path) -> int:
    return len(gate.with_name("calls").read_text().split())


@pytest.mark.slurm
def test_partitions_and_resources_are_those_of_the_nodes(slurm: Sandbox, use: Use) -> None:
    use(slurm)
    known = Offers(PATIENCE)
    assert known.of("partition") == ["main", "debug"]
    assert known.of("gres") == ["gpu:1", "gpu:2", "gpu:4"]
    assert known.of("gpus") == known.of("gpus-per-node") == ["1", "2", "4"]
    assert known.of("comment") == []


@pytest.mark.slurm
def test_accounts_and_qos_are_offered_where_account_is_kept(
    slurm: Sandbox, slurm_accounting: Sandbox, use: Use
) -> None:
    use(slurm)
    without = Offers(PATIENCE)
    assert without.of("account") == without.of("qos") == []
    use(slurm_accounting)
    assert without.of("account") == []  # it was asked just now
    known = Offers(PATIENCE)
    told = slurm_accounting.call(
        "sacctmgr", "--noheader", "--parsable2", "show", "assoc", "format=Account"
    )
    assert known.of("account")
    assert {*known.of("account")} <= {*told.split()}
    assert "normal" in known.of("qos")


@pytest.mark.slurm
def test_nobody_waits_for_a_controller_that_hangs(slurm: Sandbox, use: Use, gate: Path) -> None:
    use(slurm)
    known = Offers(0.05)
    assert known.of("partition") == []
    assert known.of("partition") == []
    until(lambda: gate.with_name("calls").exists(), "it was asked")
    assert calls(gate) == 1
    gate.touch()
    until(lambda: known.of("partition") == ["main", "debug"], "what it said at last is offered")
    assert calls(gate) == 1


@pytest.mark.slurm
def test_what_was_said_is_remembered_and_offered_while_it_is_asked_again(
    slurm: Sandbox, use: Use, gate: Path
) -> None:
    use(slurm)
    gate.touch()
    now = [0.0]
    known = Offers(PATIENCE, lambda: now[0])
    assert known.of("partition") == ["main", "debug"]
    now[0] = 599.0
    assert known.of("partition") == ["main", "debug"]
    assert calls(gate) == 1
    gate.unlink()
    now[0] = 600.0
    assert known.of("partition") == ["main", "debug"]
    until(lambda: calls(gate) == 2, "it is asked again")
    gate.touch()


def test_where_there_is_no_slurm_nothing_is_offered_for_a_minute(
    slurm: Sandbox, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    known = Offers(PATIENCE, lambda: now[0])
    use(slurm)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        assert known.of("partition") == []
    now[0] = 59.0
    assert known.of("partition") == []
    now[0] = 60.0
    assert known.of("partition") == ["main", "debug"]


@pytest.mark.parametrize(
    ("resources", "gres", "gpus"),
    [
        (
            ("gpu:a100:4", "gpu:t4:1", "shard:64"),
            ["gpu:a100:1", "gpu:a100:2", "gpu:a100:4", "gpu:t4:1"]
            + [f"shard:{n}" for n in (1, 2, 4, 8, 16)],
            ["1", "2", "4", "a100:1", "a100:2", "a100:4", "t4:1"],
        ),
        (("gpu:6",), ["gpu:1", "gpu:2", "gpu:4", "gpu:6"], ["1", "2", "4", "6"]),
        (("lustre:4G", "craynetwork"), ["lustre:4G", "craynetwork"], []),
        ((), [], []),
    ],
)
def test_of_a_resource_as_many_are_offered_as_there_are(
    resources: tuple[str, ...],
    gres: list[str],
    gpus: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choices, "gres", lambda: resources)
    known = Offers(PATIENCE)
    assert known.of("gres") == gres
    assert known.of("gpus") == gpus
