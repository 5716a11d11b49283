"""A user's script for submitit: calls, arrays, batches, several tasks, logs, errors."""

import asyncio
import logging
import sys
import time
from pathlib import Path

import submitit


def power(base, exponent=2):
    return base**exponent


def divide(number, by):
    print("dividing", number)
    print("by", by, file=sys.stderr)
    return number / by


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, value):
        environment = submitit.JobEnvironment()
        return self.factor * value, environment.job_id, environment.global_rank


def main(cluster):
    executor = submitit.AutoExecutor(folder="log_test", cluster=cluster)
    executor.update_parameters(
        name="basics", timeout_min=4, mem_gb=1, cpus_per_task=1, slurm_partition="main",
        slurm_comment="a try", slurm_additional_parameters={"nice": 1},
    )
    job = executor.submit(power, 3)
    assert job.result() == 9
    assert job.state in ("COMPLETED", "FINISHED", "DONE")
    assert job.done() and job.exception() is None

    jobs = executor.map_array(power, range(4), [1, 2, 3, 4])
    assert [job.result() for job in jobs] == [0, 1, 8, 81]

    with executor.batch():
        jobs = [executor.submit(power, number, exponent=3) for number in range(3)]
    assert [job.results()[0] for job in jobs] == [0, 1, 8]

    job = executor.submit(divide, 4, 2)
    job.wait()
    assert job.stdout() == "dividing 4\n"
    assert "by 2" in job.stderr()
    assert job.paths.stdout.exists()
    assert Path("log_test", f"{job.job_id}_0_log.out").exists()

    job = executor.submit(divide, 1, 0)
    try:
        job.result()
    except submitit.core.utils.FailedJobError as error:
        assert "ZeroDivisionError" in repr(type(error)) or "division" in str(error)
    else:
        raise AssertionError("it fails")
    assert isinstance(job.exception(), submitit.core.utils.FailedJobError)

    executor.update_parameters(nodes=1, tasks_per_node=2)
    job = executor.submit(Scaled(10), 4)
    assert sorted(job.results()) == [(40, job.job_id, 0), (40, job.job_id, 1)]
    assert job.task(1).result()[2] == 1

    async def first_done():
        executor.update_parameters(tasks_per_node=1)
        jobs = [executor.submit(power, number) for number in (2, 3)]
        found = [await each for each in asyncio.as_completed([j.awaitable().result() for j in jobs])]
        return sorted(found)

    assert asyncio.run(first_done()) == [4, 9]

    jobs = executor.map_array(power, [5, 6])
    left, deadline = list(jobs), time.time() + 60
    while left and time.time() < deadline:
        left = [job for job in left if not job.done()]
        time.sleep(0.05)
    assert [job.result() for job in submitit.helpers.as_completed(jobs)] in ([25, 36], [36, 25])

    function = submitit.helpers.CommandFunction([sys.executable, "-c", "print('from a command')"])
    assert executor.submit(function).result() == "from a command"
    logging.getLogger("basics").info("done")
    print("all of it is as it should be")


if __name__ == "__main__":
    main(sys.argv[1])
