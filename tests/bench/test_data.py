"""The benchmark of values runs, at a thousandth of its size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nbsubmit.core.handed import Handed
from tests.bench.data import BESIDE, WIDTH
from tests.bench.data_steps import STEPS, Bench
from tests.bench.data_values import VALUES

ROOT = Path(__file__).parents[2]


def test_each_step_is_printed_with_seconds_extra_memory_and_its_ratio_to_the_disk(
    tmp_path: Path,
) -> None:
    options = ["--scale", "0.001", "--rounds", "1", "--folder", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.data", *options, "array", "instances"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    tables = done.stdout.strip().split("\n\n")
    assert [table.partition(":")[0] for table in tables] == ["array", "instances"]
    for table in tables:
        head, *rows = table.splitlines()
        assert head[WIDTH:].split() == ["seconds", "extra", "MB", "/", "disk"]
        assert [row[:WIDTH].strip() for row in rows] == list(BESIDE)
        for row in rows:
            seconds, extra, ratio = map(float, row[WIDTH:].split())
            assert seconds >= 0  # a page is read in less than is printed
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
    payload = bench.capture()
    assert payload.size_bytes > 5_000
    bench.use()
    handed = Handed(payload, bench.home)
    bench.run(bench.value.change)
    assert not handed.is_unchanged("value")
