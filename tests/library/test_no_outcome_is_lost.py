"""Where submitit is wrong, we are right: its faults by their numbers, on real jobs.

Promise 5 of README.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import nbsubmit
from nbsubmit.backends import registry
from nbsubmit.client.executor import SlurmExecutor
from nbsubmit.core.errors import BackendMissing, OptionError, Refused
from tests.library import functions
from tests.library.conftest import Makes
from tests.way import PATIENCE, until

ROOT = Path(__file__).parents[2]
# A failed job is known within seconds: no poll is waited for.
SOON = 20.0


def test_r1_a_value_that_cannot_be_brought_back_is_named(
    executor: nbsubmit.AutoExecutor,
) -> None:
    job = executor.submit(functions.a_lock)
    with pytest.raises(nbsubmit.FailedJobError, match=r"value\['lock'\] is a lock"):
        job.result(SOON)
    assert job.state == "FAILED"


@pytest.mark.parametrize("size", [0, 3, 20])
def test_a_value_that_came_back_and_cannot_be_read_is_an_error_and_not_none(
    make_executor: Makes, size: int
) -> None:
    executor = make_executor("debug")
    jobs = [executor.submit(sorted, "cab"), *executor.map_array(sorted, ["cab", "b"])]
    for job in jobs[:2]:
        job.wait(PATIENCE)
        job.folder.result_stream.write_bytes(job.folder.result_stream.read_bytes()[:size])
        words = "the function's value is not here: .*result.pkl"
        with pytest.raises(nbsubmit.UncompletedJobError, match=words):
            job.result()
        assert re.search(words, str(job.exception()))
        assert re.search(words, str(asyncio.run(_exception_of(job))))
    assert jobs[2].result() == ["b"]


async def _exception_of(job: Any) -> BaseException | None:
    return (await asyncio.gather(job, return_exceptions=True))[0]


@pytest.mark.parametrize("how", ["exit", "exit 3", "interrupt"])
def test_r3_an_exit_of_the_function_is_an_outcome(
    executor: nbsubmit.AutoExecutor, how: str
) -> None:
    job = executor.submit(functions.end, how)
    error = job.exception(SOON)
    # Not the very exception: it would end the script that asks for the result.
    assert isinstance(error, nbsubmit.FailedJobError)
    assert isinstance(error.__cause__, (SystemExit, KeyboardInterrupt))
    assert job.state == "FAILED"


@pytest.mark.parametrize(("how", "words"), [("kill", "SIGKILL"), ("abort", "SIGABRT")])
def test_r4_without_accounting_a_job_that_was_killed_is_known_within_seconds(
    started_executor: nbsubmit.AutoExecutor, how: str, words: str
) -> None:
    job = started_executor.submit(functions.end, how)
    with pytest.raises(nbsubmit.UncompletedJobError, match=words):
        job.result(SOON)


def test_r4_so_is_one_of_an_array(started_executor: nbsubmit.AutoExecutor) -> None:
    jobs = started_executor.map_array(functions.end, ["kill", "fine"])
    assert jobs[1].result(SOON) is None
    with pytest.raises(nbsubmit.UncompletedJobError, match="SIGKILL"):
        jobs[0].result(SOON)


def test_r8_the_original_exception_is_raised_and_is_a_failed_jobs_too(
    executor: nbsubmit.AutoExecutor,
) -> None:
    job = executor.submit(functions.fail_at, 1, 1)
    with pytest.raises(ValueError, match="not 1") as caught:
        job.result(PATIENCE)
    assert isinstance(caught.value, nbsubmit.FailedJobError)
    assert type(caught.value).__name__ == "ValueError"
    assert "fail_at" in str(caught.value.__cause__)
    assert caught.value.job_id == job.id


def test_r9_a_local_job_has_no_limit_that_nobody_asked_for(make_executor: Makes) -> None:
    job = make_executor("local").submit(functions.add, 1)
    assert job.result(PATIENCE) == 1
    assert job.limits.seconds is None


def test_r12_the_class_of_an_executor_is_kept_and_its_limit_holds_for_arrays(
    make_executor: Makes, quick_watcher: None
) -> None:
    class Mine(nbsubmit.LocalExecutor):
        """With parameters of its own."""

        def _asked(self, given: Any) -> Any:
            return super()._asked({**given, "setup": ["export MINE=1"]})

    jobs = Mine("mine").map_array(lambda _n: os.environ["MINE"], range(2))
    assert [job.result(PATIENCE) for job in jobs] == ["1", "1"]


@pytest.mark.slurm
def test_r14_a_job_that_sbatch_refuses_is_an_error_at_once_and_says_why(
    make_executor: Makes, on_slurm: object
) -> None:
    executor = make_executor("slurm")
    executor.update_parameters(slurm_partition="no_such")
    with pytest.raises(Refused, match=r"[Pp]artition") as caught:
        executor.map_array(functions.add, [1, 2])
    assert isinstance(caught.value, nbsubmit.FailedSubmissionError)


NESTED = """
import nbsubmit
from tests.library import functions

def outer(n):
    executor = nbsubmit.AutoExecutor("inner", cluster={cluster!r})
    jobs = executor.map_array(functions.add, [n, n + 1], [1, 1])
    environment = nbsubmit.JobEnvironment()
    return [job.result(60) for job in jobs], environment.job_id
"""


def test_r18_jobs_can_be_sent_from_inside_an_array(started_executor: nbsubmit.AutoExecutor) -> None:
    home: dict[str, Any] = {"__name__": "__main__"}
    exec(NESTED.format(cluster=started_executor.cluster), home)
    jobs = started_executor.map_array(home["outer"], [10, 20])
    found = [job.result(PATIENCE) for job in jobs]
    assert [results for results, _ in found] == [[11, 12], [21, 22]]
    assert [job_id for _, job_id in found] == [job.job_id for job in jobs]


def test_r20_a_local_job_with_setup_lines_can_be_cancelled(make_executor: Makes) -> None:
    executor = make_executor("local")
    executor.update_parameters(local_setup=["true"])
    job = executor.submit(functions.wait_for, "/no/such/file")
    until(job.running, "it runs")
    job.cancel()
    assert job.wait(SOON).state == "CANCELLED"


def test_r22_a_local_job_that_asks_for_no_gpu_sees_those_that_are_visible(
    make_executor: Makes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    job = make_executor("local").submit(os.environ.get, "CUDA_VISIBLE_DEVICES")
    assert job.result(PATIENCE) == "3,5"


def test_r24_a_debug_job_runs_once_in_an_environment_of_its_own_and_asks_nobody(
    make_executor: Makes,
) -> None:
    log = Path("runs").absolute()

    def once() -> None:
        with log.open("a") as file:
            file.write(nbsubmit.JobEnvironment().cluster)
        raise ValueError("once")

    job = make_executor("debug").submit(once)
    assert isinstance(job.exception(), ValueError)
    assert isinstance(job.exception(), ValueError)
    assert log.read_text() == "debug"


def test_r26_slurm_is_not_chosen_where_no_controller_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "slurm.conf"
    conf.write_text("ClusterName=none\nSlurmctldHost=localhost\nSlurmctldPort=1\n")
    monkeypatch.setenv("SLURM_CONF", str(conf))
    monkeypatch.setattr("nbsubmit.backends.slurm.commands.TIMEOUT_SECONDS", 5.0)
    assert nbsubmit.AutoExecutor.which() == "local"
    with pytest.raises(RuntimeError, match="controller does not answer") as caught:
        SlurmExecutor(tmp_path)
    assert isinstance(caught.value, BackendMissing)


def directives(**parameters: Any) -> list[str]:
    """The options in the script for these parameters."""
    from nbsubmit.client import parameters as table
    from nbsubmit.core.folder import JobFolder
    from nbsubmit.core.submit import launch_of

    asked = table.of_slurm(parameters, None)
    script = registry.get("slurm").script(launch_of(JobFolder(Path("/x/jobs/id")), asked.options))
    return [line.removeprefix("#SBATCH --") for line in script.splitlines() if "#SBATCH" in line]


def test_r27_nothing_is_sent_that_nobody_asked_for() -> None:
    found = {line.partition("=")[0] for line in directives(exclusive=False)}
    assert found == {"job-name", "comment", "output", "error", "open-mode", "signal"}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"time": 90}, "time=0-01:30:00"),
        ({"time": "1-00:00:00"}, "time=1-00:00:00"),
        ({"mem": "3GB"}, "mem=3072M"),
        ({"exclusive": True}, "exclusive"),
        ({"exclusive": "user"}, "exclusive=user"),
        ({"num_gpus": 2}, "gpus-per-node=2"),
        ({"signal_delay_s": 30}, "signal=B:USR2@30"),
        ({"wckey": "mine"}, "wckey=mine"),
        ({"comment": "my own words"}, "comment='nbsubmit:id my own words'"),
        ({"additional_parameters": {"hint": "nomultithread"}}, "hint=nomultithread"),
        ({"additional_parameters": {"time": 5}, "time": 90}, "time=0-00:05:00"),
        ({"additional_parameters": {"no_requeue": True}}, "no-requeue"),
        ({"mail_type": "END", "mail_user": "a@b"}, "mail-user=a@b"),
    ],
)
def test_every_parameter_of_sbatch_arrives(given: dict[str, Any], line: str) -> None:
    assert line in directives(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"time": "soon"},
        {"mem": "much"},
        {"nodes": 0},
        {"comment": "a\ntouch /tmp/x"},
        {"job_name": "a\nb"},
        {"additional_parameters": {"account": "a\nb"}},
        {"setup": "module load x"},
        {"use_srun": False, "ntasks_per_node": 2},
    ],
)
def test_a_value_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        directives(**given)


def test_r29_nothing_is_configured_and_nothing_is_said_when_it_is_imported() -> None:
    code = "import logging, nbsubmit; nbsubmit.AutoExecutor; print(logging.root.handlers)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert logging.getLogger("nbsubmit").handlers == []


def test_p2_a_short_job_is_not_waited_for_longer_than_it_takes(make_executor: Makes) -> None:
    executor = make_executor("debug")
    started = time.monotonic()
    jobs = [executor.submit(functions.add, n) for n in range(20)]
    assert [job.result() for job in jobs] == list(range(20))
    assert time.monotonic() - started < 20  # submitit sleeps for at least this long


def test_p9_what_the_tasks_share_costs_its_size_once(make_executor: Makes) -> None:
    import numpy as np

    table = np.random.default_rng(0).random(1_000_000)
    executor = make_executor("debug")
    jobs = executor.map_array(lambda a, n: float(a[n]), [table] * 20, range(20))
    assert [job.result() for job in jobs] == list(table[:20])
    files = {p.stat().st_ino: p.stat().st_size for p in Path("logs").rglob("*") if p.is_file()}
    assert sum(files.values()) < 1.2 * table.nbytes


def test_the_kind_of_a_job_can_be_asked_for_and_the_job_found_by_it(
    executor: nbsubmit.AutoExecutor,
) -> None:
    job = executor.submit(functions.add, 2)
    kinds: Any = {
        "slurm": nbsubmit.SlurmJob,
        "local": nbsubmit.LocalJob,
        "debug": nbsubmit.DebugJob,
    }
    kind = kinds.pop(executor.cluster)
    assert isinstance(job, kind)
    assert not any(isinstance(job, other) for other in kinds.values())
    again = kind(folder="logs", job_id=job.job_id)
    assert again.result(PATIENCE) == 2
