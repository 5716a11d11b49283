"""What a function knows of the job that it runs in, on each backend."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from nbsubmit import AutoExecutor, JobEnvironment
from nbsubmit.client.job import Job
from nbsubmit.sandbox.sandbox import Sandbox
from tests.way import PATIENCE

NUMBERS = ("num_tasks", "num_nodes", "node", "global_rank", "local_rank")
IDS = ("cluster", "job_id", "raw_job_id", "array_job_id", "array_task_id")


def told(_number: int = 0) -> dict[str, Any]:
    """All that a job can be asked where it runs."""
    here = JobEnvironment()
    found = {name: getattr(here, name) for name in (*IDS, *NUMBERS, "hostname", "hostnames")}
    paths = {"out": str(here.paths.stdout), "folder": str(here.paths.folder)}
    return {
        **found,
        **paths,
        "activated": here.activated(),
        "name": here.name(),
        "text": repr(here),
    }


def sent(job: Job[dict[str, Any]]) -> dict[str, Any]:
    return job.result(PATIENCE)


def test_a_function_knows_its_job_as_whoever_has_sent_it_does(
    tmp_path: Path, backend_name: str
) -> None:
    job = AutoExecutor(tmp_path / "%j", cluster=backend_name).submit(told)
    found = sent(job)
    assert found["job_id"] == found["raw_job_id"] == job.job_id
    assert found["cluster"] == found["name"] == backend_name
    assert (found["array_job_id"], found["array_task_id"]) == (None, None)
    assert [found[name] for name in NUMBERS] == [1, 1, 0, 0, 0]
    assert found["out"] == str(job.paths.stdout)
    assert found["folder"] == str(job.paths.folder) == str(tmp_path / job.job_id)
    assert found["activated"]
    assert job.job_id in found["text"]


def test_each_job_of_an_array_knows_which_it_is(tmp_path: Path, backend_name: str) -> None:
    executor = AutoExecutor(tmp_path, cluster=backend_name)
    jobs = executor.map_array(told, range(2))
    for index, job in enumerate(jobs):
        found = sent(job)
        array, _, number = job.job_id.partition("_")
        assert found["job_id"] == job.job_id
        assert (found["array_job_id"], found["array_task_id"]) == (array, number)
        assert number == str(index)
        assert found["out"] == str(job.paths.stdout)


def test_each_process_of_a_job_knows_its_rank(tmp_path: Path, started_backend: str) -> None:
    executor = AutoExecutor(tmp_path, cluster=started_backend)
    executor.update_parameters(tasks_per_node=2)
    job = executor.submit(told)
    for rank, found in enumerate(job.results(PATIENCE)):
        assert found["job_id"] == job.job_id
        assert [found[name] for name in NUMBERS] == [2, 1, 0, rank, rank]
        assert found["out"] == str(job.task(rank).paths.stdout)


def test_a_process_on_the_second_node_knows_both(tmp_path: Path, on_slurm: Sandbox) -> None:
    executor = AutoExecutor(tmp_path, cluster="slurm")
    executor.update_parameters(nodes=2, tasks_per_node=2)
    job = executor.submit(told)
    first, *_, last = job.results(PATIENCE)
    assert [last[name] for name in NUMBERS] == [4, 2, 1, 3, 1]
    assert [first[name] for name in NUMBERS] == [4, 2, 0, 0, 0]
    assert len(set(last["hostnames"])) == 2


def test_a_local_job_is_alone_on_this_machine(tmp_path: Path) -> None:
    found = sent(AutoExecutor(tmp_path, cluster="local").submit(told))
    assert found["hostnames"] == [found["hostname"]] == [platform.node()]


def test_a_local_job_knows_nothing_of_the_slurm_job_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = {
        "SLURM_JOB_ID": "17", "SLURM_ARRAY_JOB_ID": "16", "SLURM_ARRAY_TASK_ID": "3",
        "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5",
        "SLURM_LOCALID": "1", "SLURM_NODEID": "2", "SLURM_JOB_NUM_NODES": "4",
        "SLURM_JOB_NODELIST": "n[1-4]",
    }  # fmt: skip
    for name, value in around.items():
        monkeypatch.setenv(name, value)
    job = AutoExecutor(tmp_path, cluster="local").submit(told)
    found = sent(job)
    assert found["job_id"] == job.job_id
    assert found["array_job_id"] is None
    assert [found[name] for name in NUMBERS] == [1, 1, 0, 0, 0]
    assert found["hostnames"] == [platform.node()]


def test_outside_of_a_job_there_is_none() -> None:
    assert not JobEnvironment.activated()
    with pytest.raises(RuntimeError, match="not in a job"):
        JobEnvironment()


def test_a_job_whose_folder_is_gone_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSUBMIT_JOB", str(tmp_path / "gone"))
    with pytest.raises(RuntimeError, match="is gone"):
        JobEnvironment()
