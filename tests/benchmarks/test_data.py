"""The benchmark of values runs, at a thousandth of its size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.data import BESIDE
from tests.benchmarks.data_steps import STEPS, Bench
from tests.benchmarks.data_values import VALUES

ROOT = Path(__file__).parents[2]


def test_each_step_is_printed_with_seconds_extra_memory_and_its_ratio_to_the_disk(
    tmp_path: Path,
) -> None:
    options = ["--scale", "0.001", "--rounds", "1", "--folder", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.data", *options, "array", "instances"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    _, *tables = (
        done.stdout.split("\n\n")
        if done.stdout.startswith("\n\n")
        else ["", *done.stdout.strip().split("\n\n")]
    )
    assert [table.partition(":")[0] for table in tables] == ["array", "instances"]
    for table in tables:
        head, *rows = table.splitlines()
        assert head.split()[-4:] == ["seconds", "extra", "MB", "/"] or head.endswith("/ disk")
        assert [row[:34].strip() for row in rows] == list(BESIDE)
        for row in rows:
            seconds, extra, ratio = map(float, row[34:].split())
            assert seconds > 0
            assert extra >= 0
            assert ratio > 0
    assert list(tmp_path.iterdir()) == []


def test_every_step_stands_beside_one_of_the_disk() -> None:
    assert STEPS.keys() == BESIDE.keys()
    assert set(BESIDE.values()) == {step for step in STEPS if step.startswith("raw")}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_made_used_and_changed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    bench = Bench(tmp_path, VALUES[name], 0.002)
    bench.make()
    sent = bench.capture()
    bench.use()
    bench.run(bench.value.change)
    assert sent.size_bytes > 5000
    assert bench.capture().placed.contents != sent.placed.contents or name in ("lists", "instances")
