"""The processes of a job meet over torch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbsubmit import AutoExecutor
from nbsubmit.helpers import TorchDistributedEnvironment, environment_variables
from tests.way import PATIENCE

VARIABLES = (
    "MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE",
    "CUDA_VISIBLE_DEVICES",
)  # fmt: skip


def exported(visible: str | None = None, **options: bool) -> dict[str, str | None]:
    given = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    if visible is None:
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    with environment_variables(**given):
        TorchDistributedEnvironment().export(**options)
        return {name: os.environ.get(name) for name in VARIABLES}


def sum_of_ranks() -> tuple[int, int]:
    import torch
    import torch.distributed as dist

    here = TorchDistributedEnvironment().export(set_cuda_visible_devices=False)
    dist.init_process_group("gloo")
    total = torch.tensor([here.rank + 1])
    dist.all_reduce(total)
    dist.destroy_process_group()
    return here.rank, int(total)


def of_two(tmp_path: Path, cluster: str) -> AutoExecutor:
    executor = AutoExecutor(tmp_path, cluster=cluster)
    executor.update_parameters(tasks_per_node=2)
    return executor


def test_the_processes_of_a_job_compute_together(tmp_path: Path, started_backend: str) -> None:
    job = of_two(tmp_path, started_backend).submit(sum_of_ranks)
    assert job.results(PATIENCE) == [(0, 3), (1, 3)]


def test_each_process_is_told_its_place_and_the_same_meeting_place(
    tmp_path: Path, started_backend: str
) -> None:
    first, second = of_two(tmp_path, started_backend).submit(exported).results(PATIENCE)
    for rank, found in enumerate((first, second)):
        assert (found["RANK"], found["LOCAL_RANK"]) == (str(rank), str(rank))
        assert (found["WORLD_SIZE"], found["LOCAL_WORLD_SIZE"]) == ("2", "2")
        assert found["CUDA_VISIBLE_DEVICES"] == str(rank)
    assert first["MASTER_ADDR"] == second["MASTER_ADDR"]
    assert first["MASTER_PORT"] == second["MASTER_PORT"]
    assert 20000 <= int(first["MASTER_PORT"] or 0) <= 60000


def test_two_jobs_meet_in_different_places(tmp_path: Path) -> None:
    executor = AutoExecutor(tmp_path, cluster="local")
    jobs = executor.map_array(exported, [None, None])
    first, second = (job.result(PATIENCE)["MASTER_PORT"] for job in jobs)
    assert first != second


GPUS = {"2,3": ["2", "3"], "7": ["7", "7"], "": ["", ""], None: ["0", "1"]}


@pytest.mark.parametrize("visible", GPUS)
def test_each_process_sees_one_of_the_gpus_that_the_job_was_given(
    tmp_path: Path, visible: str | None
) -> None:
    job = of_two(tmp_path, "local").submit(exported, visible)
    assert [found["CUDA_VISIBLE_DEVICES"] for found in job.results(PATIENCE)] == GPUS[visible]


def test_the_gpus_are_left_alone_if_that_is_asked_for(tmp_path: Path) -> None:
    executor = AutoExecutor(tmp_path, cluster="local")
    job = executor.submit(exported, "2,3", set_cuda_visible_devices=False)
    assert job.result(PATIENCE)["CUDA_VISIBLE_DEVICES"] == "2,3"


def with_a_rank(overwrite: bool = False) -> dict[str, str | None]:
    with environment_variables(RANK=5, WORLD_SIZE=9):
        return exported(overwrite=overwrite)


def test_what_is_set_already_is_an_error_unless_it_may_be_changed(tmp_path: Path) -> None:
    executor = AutoExecutor(tmp_path, cluster="local")
    refused, changed = executor.submit(with_a_rank), executor.submit(with_a_rank, overwrite=True)
    error = refused.exception(PATIENCE)
    assert isinstance(error, RuntimeError)
    assert "RANK, WORLD_SIZE is set already" in str(error)
    assert changed.result(PATIENCE)["RANK"] == "0"


def test_outside_of_a_job_there_is_nobody_to_meet() -> None:
    with pytest.raises(RuntimeError, match="not in a job"):
        TorchDistributedEnvironment()
