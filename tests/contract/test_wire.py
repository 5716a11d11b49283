"""What a browser is told of jobs: the examples that TypeScript reads are what Python sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nbsubmit
from nbsubmit.client import messages, wire
from nbsubmit.client.meters import Meters
from nbsubmit.sandbox.sandbox import Sandbox
from tests.contract.wire import ROWS, WIRE, assert_row
from tests.way import Way, named, until

GOES_ON = """
import time
print("epoch: 12%|##    | 12/100 [00:05<00:35, 2.50it/s, loss=0.5]", flush=True)
time.sleep(600)
"""


@pytest.fixture
def local(make_way: Callable[..., Way]) -> Way:
    return make_way("local")


@pytest.mark.parametrize("name", ROWS)
def test_an_example_is_a_row(name: str) -> None:
    assert_row(ROWS[name])


def test_every_row_of_a_message_is_one() -> None:
    told = [
        WIRE["rest"]["jobs"],
        WIRE["events"]["changed"],
        WIRE["comm"]["to front"]["snapshot"],
        WIRE["comm"]["to front"]["event"],
    ]
    for message in told:
        assert message["wire"] == WIRE["wire"] == messages.WIRE
        for row in message["rows"]:
            assert_row(row)


def test_a_job_that_runs_is_told_with_its_progress(local: Way) -> None:
    job = local.send(GOES_ON, options=named("train"))
    # The backend may say that it runs before its folder is looked at.
    until(lambda: wire.row(job)["started"], "its start")
    told = until(lambda: wire.row(job)["progress"], "its bar")
    assert told == {"done": 12.0, "total": 100.0, "text": "epoch loss=0.5"}
    row = wire.row(job)
    assert_row(row)
    assert (row["name"], row["state"], row["live"]) == ("train", "RUNNING", True)
    assert row["started"] <= time.time()
    assert row["ended"] is None
    assert row["store"] == str(local.store)
    assert "cancel" in row["can"]
    assert "clean" not in row["can"]


def test_a_job_that_has_ended_is_told_with_when(local: Way) -> None:
    for source, state in (("a = 1", "COMPLETED"), ("1/0", "FAILED")):
        row = wire.row(local.run(source))
        assert_row(row)
        assert (row["state"], row["live"]) == (state, False)
        assert row["sent"] <= row["started"] <= row["ended"] <= time.time()
        assert "clean" in row["can"]
        assert "cancel" not in row["can"]
    assert "ZeroDivisionError" in row["reason"]


def test_an_array_is_told_with_its_tasks(local: Way, tmp_path: Path) -> None:
    executor = nbsubmit.LocalExecutor(tmp_path / "calls")
    jobs = executor.map_array(_fail_at_two, [1, 2, 3])
    for job in jobs:
        job.wait(60)
    whole = jobs[0].whole
    assert whole is not None
    row = wire.row(whole)
    assert_row(row)
    assert row["tasks"] == {"COMPLETED": 2, "FAILED": 1}
    assert (row["state"], row["notebook"], row["cell"]) == ("FAILED", None, None)
    assert "attach" not in row["can"]


def test_a_job_that_waits_on_slurm_is_told(make_way: Callable[..., Way], on_slurm: Sandbox) -> None:
    job = make_way("slurm").send("a = 1", begin="now+1hour")
    row = until(lambda: wire.row(job) if job.handle else None, "its id")
    assert_row(row)
    assert (row["state"], row["handle"]) == ("PENDING", job.handle)
    assert (row["started"], row["seconds"], row["progress"]) == (None, 0.0, None)


def test_a_notebook_is_named_as_the_server_names_it(local: Way, tmp_path: Path) -> None:
    notebook = tmp_path / "deep" / "work.ipynb"
    job = local.run("a = 1")
    spec = {**job.spec, "origin": {"notebook": str(notebook), "cell": "abc"}}
    job.spec = spec
    row = wire.row(job, tmp_path)
    assert_row(row)
    assert (row["notebook"], row["path"]) == (str(notebook), "deep/work.ipynb")
    assert row["cell"] == "abc"
    assert wire.row(job, tmp_path / "deep" / "other")["path"] is None
    assert wire.row(job)["path"] is None


def test_what_cannot_be_in_json_is_not_told(local: Way) -> None:
    endless = "9" * 310 + "it [00:05, 2.50it/s]"
    job = local.send(f"import time; print({endless!r}, flush=True); time.sleep(600)")
    until(lambda: Meters(job).progress(), "its bar")
    job.spec = {**job.spec, "created": float("inf")}
    row = wire.row(job)
    assert_row(row)
    assert (row["sent"], row["progress"]) == (0.0, None)


def _fail_at_two(number: int) -> int:
    if number == 2:
        raise ValueError("two")
    return number
