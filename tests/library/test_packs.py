"""Many short tasks of an array in few allocations of a real Slurm."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

import nbsubmit
from nbsubmit.client.array import Array
from nbsubmit.client.parameters import WrongValue
from nbsubmit.core.errors import UncompletedJobError
from nbsubmit.core.state import JobState
from tests.library import functions
from tests.library.conftest import Makes
from tests.sandbox_fixture import slurm
from tests.way import until

__all__ = ["slurm"]

PATIENCE = 60.0
TURN = "waits for its turn in its pack"


@pytest.fixture
def packed(make_executor: Makes, on_slurm: Any) -> nbsubmit.AutoExecutor:
    """Sends arrays to Slurm, three calls in an allocation."""
    executor = make_executor("slurm")
    executor.update_parameters(pack=3)
    return executor


def elements(jobs: Array[Any]) -> set[str]:
    """What Slurm has of an array, by its ids."""
    array = jobs[0].handle.partition("_")[0]
    command = ["squeue", "--noheader", "--array", "--states=all", "--format=%i", f"--jobs={array}"]
    return set(subprocess.check_output(command, text=True).split())


def number_and_end(number: int, how: str = "") -> tuple[int, int, int]:
    """Return the number, this process, and the one that it was forked from; or end somehow."""
    if how:
        os.kill(os.getpid(), getattr(signal, how))
    print(f"this is {number}")
    return number, os.getpid(), os.getppid()


@pytest.mark.slurm
def test_results_are_in_order_and_slurm_has_one_job_for_each_pack(
    packed: nbsubmit.AutoExecutor,
) -> None:
    jobs = packed.map_array(number_and_end, range(7))
    found = jobs.results(PATIENCE)
    assert [number for number, _, _ in found] == list(range(7))
    assert len({pid for _, pid, _ in found}) == 7
    assert len({parent for _, _, parent in found}) == 3
    array = jobs[0].handle.partition("_")[0]
    assert elements(jobs) == {f"{array}_0", f"{array}_1", f"{array}_2"}
    assert [job.handle for job in jobs] == [f"{array}_{number // 3}" for number in range(7)]
    assert [job.stdout() for job in jobs] == [f"this is {number}\n" for number in range(7)]
    assert [job.job_id for job in jobs] == [job.id for job in jobs]
    assert nbsubmit.attach(jobs[4].job_id, "logs").result()[0] == 4
    links = sorted(path.name for path in Path("logs").glob("*_log.out"))
    assert links == sorted(f"{job.id}_0_log.out" for job in jobs)


@pytest.mark.slurm
def test_a_call_that_dies_fails_alone(packed: nbsubmit.AutoExecutor) -> None:
    jobs = packed.map_array(number_and_end, range(6), ["", "SIGSEGV", "", "", "SIGKILL", ""])
    jobs.wait(PATIENCE)
    assert [job.state for job in jobs] == ["COMPLETED", "FAILED", "COMPLETED"] * 2
    assert "killed by SIGSEGV" in jobs[1].status.reason
    assert "killed by SIGKILL" in jobs[4].status.reason
    with pytest.raises(UncompletedJobError, match="SIGSEGV"):
        jobs[1].result()
    again = jobs.rerun_failed()
    assert [job.id for job in again if job not in jobs] == [again[1].id, again[4].id]
    again.wait(PATIENCE)
    assert again[4].state is JobState.FAILED


@pytest.mark.slurm
def test_each_says_whether_it_runs_or_waits_and_one_can_be_cancelled(
    packed: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    jobs = packed.map_array(functions.wait_for, [str(go), "/no/such/file", str(go)] * 2)
    until(lambda: [job.state for job in jobs] == ["RUNNING", "PENDING", "PENDING"] * 2, "states")
    until(lambda: {job.status.reason for job in jobs if not job.running()} == {TURN}, "why")
    jobs[1].cancel()
    assert jobs[1].wait(PATIENCE).state is JobState.CANCELLED
    assert jobs[0].running()
    go.write_text("went")
    until(jobs[4].running, "the second of the other pack runs")
    jobs[4].cancel()
    assert jobs[4].wait(PATIENCE).state is JobState.CANCELLED
    jobs.wait(PATIENCE)
    assert [job.state for job in jobs] == ["COMPLETED", "CANCELLED", "COMPLETED"] * 2
    assert [jobs[n].result() for n in (0, 2, 3, 5)] == ["went"] * 4


@pytest.mark.slurm
def test_all_are_cancelled_together(packed: nbsubmit.AutoExecutor) -> None:
    jobs = packed.map_array(functions.wait_for, ["/no/such/file"] * 7)
    until(jobs[0].running, "one runs")
    jobs.cancel()
    jobs.wait(PATIENCE)
    assert {job.state for job in jobs} == {JobState.CANCELLED}
    assert {job.status.reason for job in jobs} == {"cancelled from this notebook"}


@pytest.mark.slurm
def test_of_a_pack_that_somebody_ends_the_rest_is_told_so(packed: nbsubmit.AutoExecutor) -> None:
    go = Path("go").absolute()
    go.write_text("went")
    jobs = packed.map_array(functions.wait_for, [str(go), "/no/such/file", str(go)])
    until(jobs[1].running, "the second runs")
    subprocess.run(["scancel", jobs[1].handle], check=True)
    jobs.wait(PATIENCE)
    assert [job.state for job in jobs] == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert jobs[0].result() == "went"


@pytest.mark.slurm
def test_of_a_pack_that_cannot_begin_each_task_shows_what_its_script_said(
    packed: nbsubmit.AutoExecutor,
) -> None:
    packed.update_parameters(slurm_setup=["echo loads", "echo is told >&2", "no_such_program"])
    jobs = packed.map_array(number_and_end, range(4))
    jobs.wait(PATIENCE)
    assert {job.state for job in jobs} == {JobState.FAILED}
    for job in jobs:
        assert job.stdout() == "loads\n"
        assert job.stderr().startswith("is told\n")
        with pytest.raises(UncompletedJobError, match="\nis told\n"):
            job.result()


@pytest.mark.slurm
def test_a_job_starts_after_one_of_a_pack_when_the_pack_has_ended(
    packed: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    jobs = packed.map_array(number_and_end, range(3), ["", "", "SIGKILL"])
    after_one = packed.submit(functions.same, jobs[1])
    after_all = packed.submit(functions.same, jobs[0].whole)
    assert after_one.result(PATIENCE)[0] == 1
    assert after_all.wait(PATIENCE).state is JobState.CANCELLED
    go.touch()


@pytest.mark.slurm
def test_packs_are_as_many_at_once_as_may_be(packed: nbsubmit.AutoExecutor) -> None:
    packed.update_parameters(slurm_array_parallelism=1)
    jobs = packed.map_array(number_and_end, range(5))
    assert [number for number, _, _ in jobs.results(PATIENCE)] == list(range(5))
    script = jobs[0].folder.script_file.read_text()
    assert "--array=0-1%1" in script


@pytest.mark.parametrize("cluster", ["local", "debug"])
def test_where_nothing_is_gained_it_is_without_effect(make_executor: Makes, cluster: str) -> None:
    executor = make_executor(cluster)
    executor.update_parameters(pack=3)
    jobs = executor.map_array(functions.add, range(5), range(5))
    assert jobs.results(PATIENCE) == [0, 2, 4, 6, 8]
    assert not (jobs[0].folder.whole / "packs").exists()


@pytest.mark.parametrize("pack", [0, -1, 2.5, "3", True])
def test_what_is_no_number_of_calls_is_refused(make_executor: Makes, pack: Any) -> None:
    executor = make_executor("local")
    with pytest.raises(WrongValue, match="pack="):
        executor.update_parameters(pack=pack)


def test_several_processes_of_a_call_cannot_be_packed(make_executor: Makes) -> None:
    executor = make_executor("local")
    with pytest.raises(WrongValue, match=r"pack=3 runs .* and 2 processes are asked for"):
        executor.update_parameters(pack=3, tasks_per_node=2)


def test_one_that_is_no_array_is_sent_as_ever(make_executor: Makes) -> None:
    executor = make_executor("debug")
    executor.update_parameters(pack=3)
    assert executor.submit(functions.add, 1, 2).result() == 3
