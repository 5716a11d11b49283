"""What whoever knows submitit expects, on every backend."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import gc
import itertools
import pickle
import threading
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import nbsubmit
from nbsubmit.client.executor import LocalExecutor
from nbsubmit.core.errors import BackendMissing, NotPicklable, TooLarge
from nbsubmit.core.state import JobState
from nbsubmit.sandbox.sandbox import Sandbox
from tests.library import functions
from tests.library.conftest import Makes
from tests.opened import Opened
from tests.way import PATIENCE, until


def test_a_function_is_called_and_its_value_comes_back(executor: nbsubmit.AutoExecutor) -> None:
    job = executor.submit(functions.add, 5, b=7)
    assert job.result(PATIENCE) == 12
    assert job.results() == [12]
    assert job.exception() is None
    assert job.done()
    assert job.state == "COMPLETED"


def test_functions_that_no_module_has_are_called_too(executor: nbsubmit.AutoExecutor) -> None:
    factor = 3
    assert executor.submit(lambda x: x * factor, 4).result(PATIENCE) == 12
    assert executor.submit(functools.partial(functions.add, 1), b=2).result(PATIENCE) == 3


def test_an_array_has_a_job_for_each_element_in_order(executor: nbsubmit.AutoExecutor) -> None:
    jobs = executor.map_array(functions.add, [1, 2, 3], [10, 20, 30, 40])
    assert [job.result(PATIENCE) for job in jobs] == [11, 22, 33]
    assert jobs.results() == [11, 22, 33]
    assert len({job.job_id for job in jobs}) == 3
    assert all(job.num_tasks == 1 for job in jobs)


def test_functions_without_arguments_make_an_array(executor: nbsubmit.AutoExecutor) -> None:
    jobs = executor.submit_array([functools.partial(functions.add, n, n) for n in range(3)])
    assert [job.result(PATIENCE) for job in jobs] == [0, 2, 4]


def test_one_failure_in_an_array_raises_only_where_it_is_touched(
    executor: nbsubmit.AutoExecutor,
) -> None:
    jobs = executor.map_array(functions.fail_at, range(3), [1] * 3)
    assert jobs[0].result(PATIENCE) == 0
    assert jobs[2].result(PATIENCE) == 2
    with pytest.raises(ValueError, match="not 1"):
        jobs[1].result(PATIENCE)
    assert [job.state for job in jobs.wait()] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert jobs.failed() == [jobs[1]]


def test_an_empty_array_is_a_warning_and_no_job(executor: nbsubmit.AutoExecutor) -> None:
    with pytest.warns(UserWarning, match="empty job array"):
        assert executor.map_array(functions.add, []) == []


def test_a_batch_becomes_one_array(executor: nbsubmit.AutoExecutor) -> None:
    with executor.batch():
        jobs = [executor.submit(functions.add, n, 1) for n in range(3)]
        with pytest.raises(AttributeError, match="inside of batch"):
            jobs[0].job_id  # noqa: B018
    assert [job.result(PATIENCE) for job in jobs] == [1, 2, 3]
    assert len({job.job_id.partition("_")[0] for job in jobs}) == 1


def test_a_batch_in_which_a_job_is_asked_is_sent_in_pieces(executor: nbsubmit.AutoExecutor) -> None:
    with executor.batch(allow_implicit_submissions=True):
        first = executor.submit(functions.add, 1, 1)
        assert first.result(PATIENCE) == 2
        second = executor.submit(functions.add, 2, 2)
    assert second.result(PATIENCE) == 4


def test_what_another_thread_sends_is_not_in_a_batch(executor: nbsubmit.AutoExecutor) -> None:
    sent: list[nbsubmit.Job[int]] = []

    def send() -> None:
        executor.update_parameters(name="other")
        sent.append(executor.submit(functions.add, 5, 5))
        with executor.batch():
            sent.extend(executor.submit(functions.add, n, 7) for n in range(2))

    with executor.batch():
        jobs = [executor.submit(functions.add, n, 1) for n in range(2)]
        thread = threading.Thread(target=send)
        thread.start()
        thread.join(PATIENCE)
        assert [job.result(PATIENCE) for job in sent] == [10, 7, 8]
        jobs.append(executor.submit(functions.add, 2, 1))
    assert [job.result(PATIENCE) for job in jobs] == [1, 2, 3]
    wholes = [len(job.parts) for job in executor.jobs]
    assert wholes == [1, 2, 3]


@pytest.mark.parametrize("sends_early", [False, True])
def test_nothing_of_a_batch_that_fails_is_sent(
    executor: nbsubmit.AutoExecutor, sends_early: bool
) -> None:
    jobs: list[nbsubmit.Job[int]] = []

    def fails() -> None:
        with executor.batch(allow_implicit_submissions=sends_early):
            jobs.append(executor.submit(functions.add, 1, 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert not executor.jobs
    with pytest.raises(AttributeError, match="never sent"):
        jobs[0].job_id  # noqa: B018
    with pytest.warns(RuntimeWarning, match="No submission"), executor.batch():
        pass
    with pytest.raises(RuntimeError, match="batch"), executor.batch(), executor.batch():
        pass


def test_both_streams_are_in_logs_of_the_names_that_submitit_gives_them(
    executor: nbsubmit.AutoExecutor,
) -> None:
    job = executor.submit(functions.talk, "one").wait(PATIENCE)
    assert job.stdout() == "one to out\n"
    assert job.stderr() == "one to err\n"
    if executor.cluster != "debug":
        assert Path(f"logs/{job.job_id}_0_log.out").read_text() == "one to out\n"
        assert Path(f"logs/{job.job_id}_0_log.err").read_text() == "one to err\n"


def test_both_streams_may_go_into_one_log(started_executor: nbsubmit.AutoExecutor) -> None:
    started_executor.update_parameters(stderr_to_stdout=True)
    job = started_executor.submit(functions.talk, "one").wait(PATIENCE)
    assert job.stdout() == "one to out\none to err\n"


@pytest.mark.parametrize("pattern", ["%j", "%A/%t", "of %j"])
def test_a_folder_may_depend_on_the_job(
    make_executor: Makes, started_backend: str, pattern: str
) -> None:
    job = make_executor(started_backend, f"logs/{pattern}").submit(functions.talk, "x")
    job.wait(PATIENCE)
    place = Path("logs") / pattern.replace("%j", job.job_id).replace("%A", job.job_id).replace(
        "%t", "0"
    )
    assert (place / f"{job.job_id}_0_log.out").read_text() == "x to out\n"
    assert job.paths.folder == place.absolute()
    assert not list(Path("logs").glob("*%*"))


def test_several_processes_are_one_job(started_executor: nbsubmit.AutoExecutor) -> None:
    started_executor.update_parameters(tasks_per_node=2)
    job = started_executor.submit(functions.same, "x")
    assert job.num_tasks == 2
    assert job.results(PATIENCE) == ["x", "x"]
    assert job.result() == ["x", "x"]
    assert job.task(1).result() == "x"
    assert job.task_id is None
    assert job.task(1).task_id == 1
    with pytest.raises(ValueError, match="there is no 2"):
        job.task(2)


def test_an_array_of_jobs_of_several_processes(started_executor: nbsubmit.AutoExecutor) -> None:
    started_executor.update_parameters(tasks_per_node=2)
    jobs = started_executor.map_array(functions.same, ["a", "b"])
    assert [job.results(PATIENCE) for job in jobs] == [["a", "a"], ["b", "b"]]
    assert [job.num_tasks for job in jobs] == [2, 2]
    assert jobs[1].state == "COMPLETED"
    assert pickle.loads(pickle.dumps(jobs[1])).results(PATIENCE) == ["b", "b"]


def test_jobs_are_futures_to_concurrent_futures(started_executor: nbsubmit.AutoExecutor) -> None:
    first, second = Path("first"), Path("second")
    jobs = [started_executor.submit(functions.wait_for, str(p.absolute())) for p in (first, second)]
    done, waiting = concurrent.futures.wait(jobs, timeout=0)
    assert (done, waiting) == (set(), set(jobs))
    second.write_text("2")
    ended = concurrent.futures.as_completed(jobs, PATIENCE)
    assert next(ended).result() == "2"
    first.write_text("1")
    assert next(ended).result() == "1"
    done, _ = concurrent.futures.wait(jobs, PATIENCE, concurrent.futures.ALL_COMPLETED)
    assert done == set(jobs)
    assert not jobs[0].cancelled()
    assert not jobs[0].running()


def test_jobs_are_futures_to_asyncio(started_executor: nbsubmit.AutoExecutor) -> None:
    async def ask() -> list[Any]:
        loop, run = asyncio.get_running_loop(), started_executor.submit
        wrapped = [asyncio.wrap_future(job) for job in (run(functions.add, 1), run(len, [2]))]
        # What takes an executor of concurrent.futures calls its submit().
        wrapped.append(loop.run_in_executor(cast("Any", started_executor), functions.add, 5))
        failed = asyncio.wrap_future(run(functions.fail_at, 3, 3))
        with pytest.raises(ValueError, match="not 3"):
            await failed
        return await asyncio.gather(*wrapped)

    assert asyncio.run(ask()) == [1, 1, 5]


def test_what_an_exception_was_raised_from_is_kept(executor: nbsubmit.AutoExecutor) -> None:
    job = executor.submit(functions.raise_from, KeyError("y"))
    error = job.exception(PATIENCE)
    assert isinstance(error, ValueError)
    remote = error.__cause__
    assert remote is not None
    assert "direct cause" in str(remote)
    assert isinstance(remote.__cause__, KeyError)
    assert remote.__cause__.args == ("y",)
    assert not job.names


def test_one_that_cannot_be_brought_back_is_in_the_traceback(
    executor: nbsubmit.AutoExecutor,
) -> None:
    error = executor.submit(functions.raise_from, None).exception(PATIENCE)
    assert isinstance(error, ValueError)
    assert error.__cause__ is not None
    assert error.__cause__.__cause__ is None
    assert "KeyError" in str(error.__cause__)


def test_a_cancelled_job_is_a_cancelled_future(started_executor: nbsubmit.AutoExecutor) -> None:
    job = started_executor.submit(functions.wait_for, "/no/such/file")
    until(lambda: job.running(), "it runs")
    wrapped_too = started_executor.submit(functions.wait_for, "/no/such/file")

    async def give_up() -> None:
        wrapped = asyncio.wrap_future(wrapped_too)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(wrapped, 0.1)

    asyncio.run(give_up())
    job.cancel()
    for each in (job, wrapped_too):
        with pytest.raises(concurrent.futures.CancelledError):
            each.result(PATIENCE)
        assert each.cancelled()


def test_an_executor_is_one_of_concurrent_futures(executor: nbsubmit.AutoExecutor) -> None:
    with executor:
        found = executor.map(functions.add, [1, 2], [3, 4], timeout=PATIENCE)
        job = executor.submit(functions.add, 1)
    assert job.is_over
    assert list(found) == [4, 6]


def test_the_time_for_map_is_for_all_of_it(started_executor: nbsubmit.AutoExecutor) -> None:
    paths = [str(Path(name).absolute()) for name in ("first", "second")]
    began = time.monotonic()
    results = started_executor.map(functions.wait_for, paths, timeout=10)
    Path("first").write_text("1")
    until(lambda: time.monotonic() - began > 10, "the time is over")
    assert next(results) == "1"
    late = time.monotonic()
    with pytest.raises(TimeoutError, match="it goes on"):
        next(results)
    assert time.monotonic() - late < 10
    Path("second").write_text("2")
    assert started_executor.jobs[0].result(PATIENCE) == ["1", "2"]


def test_a_job_can_be_awaited(executor: nbsubmit.AutoExecutor) -> None:
    async def both() -> Any:
        jobs = [executor.submit(functions.add, n, n) for n in (1, 2)]
        proxies = [job.awaitable() for job in jobs]
        await proxies[0].wait()
        return await asyncio.gather(*(proxy.result() for proxy in proxies)), await jobs[0]

    assert asyncio.run(both()) == ([2, 4], 2)


def test_the_results_of_several_processes_come_as_they_are_there(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    started_executor.update_parameters(tasks_per_node=2)
    job = started_executor.submit(functions.same, 4)

    async def collect() -> list[Any]:
        return [await found for found in job.awaitable().results_as_completed()]

    assert asyncio.run(collect()) == [4, 4]


def test_a_callback_is_called_once(started_executor: nbsubmit.AutoExecutor) -> None:
    called: list[Any] = []
    told = threading.Event()
    job = started_executor.submit(functions.add, 1)
    job.add_done_callback(called.append)
    job.add_done_callback(lambda _job: told.set())
    assert told.wait(PATIENCE)
    assert called == [job]


def test_what_a_callback_raises_is_logged_whether_the_job_ends_or_has_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_job: Any) -> None:
        raise ValueError(next(names))

    names = iter(["first", "second"])
    job = nbsubmit.DebugExecutor("logs").submit(functions.add, 1)
    job.add_done_callback(fail)
    job.result()
    job.add_done_callback(fail)
    told = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert told == ["first", "second"]


def test_waiting_ends_in_time_and_the_job_goes_on(started_executor: nbsubmit.AutoExecutor) -> None:
    path = Path("go").absolute()
    job = started_executor.submit(functions.wait_for, str(path))
    with pytest.raises(TimeoutError, match="it goes on"):
        job.result(timeout=0.3)
    path.write_text("now")
    assert job.result(PATIENCE) == "now"


def test_a_pickled_job_is_the_same_job_elsewhere(executor: nbsubmit.AutoExecutor) -> None:
    jobs = executor.map_array(functions.add, [1, 2], [3, 4])
    again = pickle.loads(pickle.dumps(jobs[1]))
    assert again.result(PATIENCE) == 6
    assert again.job_id == jobs[1].job_id
    assert again.submission().args == (2, 4)
    assert again.submission().result() == 6


def test_what_is_shared_by_the_tasks_of_an_array_is_sent_once(
    executor: nbsubmit.AutoExecutor,
) -> None:
    table = {"array": np.arange(200_000.0), "text": "x" * 200_000}
    jobs = executor.map_array(
        lambda n, t: float(t["array"][n]) + len(t["text"]), [1, 2], [table] * 2
    )
    assert [job.result(PATIENCE) for job in jobs] == [200_001.0, 200_002.0]
    files = [path for path in Path("logs/.nbsubmit").rglob("*") if path.is_file()]
    inodes = {path.stat().st_ino: path.stat().st_size for path in files}
    assert sum(inodes.values()) < 2_500_000


def test_instances_of_the_callers_own_classes_keep_their_class(
    executor: nbsubmit.AutoExecutor,
) -> None:
    home: dict[str, Any] = {"__name__": "__main__"}
    exec("class P:\n    def __init__(self, v): self.v = v\n\ndef f(p): return P(p.v + 1)", home)
    jobs = executor.map_array(home["f"], [home["P"](1), home["P"](2)])
    assert [job.result(PATIENCE).v for job in jobs] == [2, 3]
    assert all(type(job.result()).__name__ == "P" for job in jobs)


def test_what_cannot_be_sent_is_named_with_its_place_in_the_call(
    executor: nbsubmit.AutoExecutor,
) -> None:
    lock = threading.Lock()
    with pytest.raises(NotPicklable, match=r"args\[1\]\['lock'\] is a lock"):
        executor.submit(functions.add, 1, {"lock": lock})
    with pytest.raises(NotPicklable, match=r"call 1 of same: args\[0\] is a lock"):
        executor.map_array(functions.same, [1, lock])
    assert not Path("logs/.nbsubmit/jobs").exists()


def test_no_more_is_sent_than_was_allowed(make_executor: Makes, backend_name: str) -> None:
    executor = make_executor(backend_name, **{f"{backend_name}_max_pickle_size_gb": 0.001})
    with pytest.raises(TooLarge, match="the limit is"):
        executor.submit(functions.same, np.zeros(1_000_000))
    with pytest.raises(TooLarge):
        executor.map_array(functions.same, [np.zeros(100_000), np.ones(100_000)])


def test_a_limit_of_less_than_a_megabyte_is_one(make_executor: Makes) -> None:
    executor = make_executor("debug", debug_max_pickle_size_gb=0.0004)
    with pytest.raises(TooLarge, match="the limit is 400 kB"):
        executor.submit(functions.same, np.zeros(100_000))


def test_an_empty_parameter_list_and_wrong_ones_are_told_all_at_once(
    executor: nbsubmit.AutoExecutor,
) -> None:
    with pytest.raises(NameError) as caught:
        executor.update_parameters(no_such=1, slurm_partitoin="x", name="fine")
    text = str(caught.value)
    assert "'no_such'" in text
    assert "'slurm_partitoin'" in text
    assert "timeout_min" in text
    assert "slurm_partition" in text
    with pytest.raises(AssertionError, match="it takes int or float, not str"):
        executor.update_parameters(timeout_min="5")
    with pytest.raises(ValueError, match="did you mean 'setup'"):
        LocalExecutor("logs").update_parameters(setpu=["x"])
    with pytest.raises(RuntimeError, match="inside of batch"), executor.batch():
        executor.update_parameters(name="x")


def test_the_parameters_of_another_executor_are_ignored(make_executor: Makes) -> None:
    executor = make_executor("local", slurm_max_num_timeout=9)
    executor.update_parameters(slurm_partition="gpu", slurm_mem="3GB", timeout_min=7)
    assert executor.parameters == {"timeout_min": 7}
    with pytest.raises(AssertionError, match="executor's name"):
        make_executor("local", partition="x")
    with pytest.raises(TypeError, match="max_num_timeout"):
        make_executor("local", local_partition="x")
    with pytest.raises(ValueError, match="doesn't know any executor named 'chronos'"):
        make_executor("chronos")


def test_setup_lines_run_before_and_teardown_lines_after(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    prefix = started_executor.cluster
    done = Path("done").absolute()
    started_executor.update_parameters(
        **{f"{prefix}_setup": ["export MADE=yes"], f"{prefix}_teardown": [f"touch '{done}'"]}
    )
    job = started_executor.submit(lambda: __import__("os").environ["MADE"])
    assert job.result(PATIENCE) == "yes"
    until(done.exists, "the teardown line has run")


def test_by_a_whole_id_a_job_is_attached_to_without_a_look_into_others() -> None:
    executor = nbsubmit.DebugExecutor("logs")
    job, other = executor.submit(abs, -1), executor.submit(abs, -2)
    opened = Opened(other.folder.path, threading.get_ident())
    assert nbsubmit.attach(job.job_id, "logs").result() == 1
    assert opened.stop() == []


def test_a_running_job_can_be_attached_to_by_its_id(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    path = Path("go").absolute()
    job = started_executor.submit(functions.wait_for, str(path))
    until(job.running, "the job runs")
    again = nbsubmit.attach(job.job_id, "logs/.nbsubmit")
    assert again.state is JobState.RUNNING
    assert not again.done()
    path.write_text("seen")
    assert again.result(PATIENCE) == "seen"
    assert again.job_id == job.job_id


def test_who_looks_for_values_too_early_has_them_later(
    started_executor: nbsubmit.AutoExecutor, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    job = started_executor.submit(functions.wait_for, str(go))
    assert (job.names, job.loaded, job.load_errors) == ({}, {}, {})
    go.write_text("gone")
    assert job.result(PATIENCE) == "gone"


def test_a_scheduler_that_is_not_there_is_an_error_only_if_that_is_asked_for(
    make_executor: Makes, on_slurm: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    job = make_executor("slurm").submit(functions.wait_for, str(go))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("PATH", str(tmp_path))
        with pytest.raises(BackendMissing, match="no Slurm here"):
            job.cancel()
        assert not job.cancel(check=False)
    job.wait(PATIENCE)
    assert job.state is JobState.CANCELLED


def test_a_cancelled_job_says_so(started_executor: nbsubmit.AutoExecutor) -> None:
    job = started_executor.submit(functions.wait_for, "/no/such/file")
    until(job.running, "the job runs")
    job.cancel()
    with pytest.raises(nbsubmit.NbsubmitError, match="CANCELLED"):
        job.result(PATIENCE)
    assert job.cancelled()
    assert job.state == "CANCELLED"


def test_a_job_may_be_cancelled_when_nobody_holds_it(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    job = started_executor.submit(functions.wait_for, "/no/such/file").cancel_at_deletion()
    until(job.running, "the job runs")
    job_id = job.job_id
    del job
    again = nbsubmit.attach(job_id, "logs")
    assert again.wait(PATIENCE).state == "CANCELLED"


def test_so_may_be_the_jobs_of_an_array_and_one_that_is_held_goes_on(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    held = started_executor.submit(functions.wait_for, str(go)).cancel_at_deletion()
    jobs = started_executor.map_array(functions.wait_for, ["/no/such/file"] * 2)
    for job in jobs:
        job.cancel_at_deletion()
    until(lambda: held.running() and all(job.running() for job in jobs), "all run")
    ids = [job.job_id for job in jobs]
    jobs.clear()
    del job

    def are_cancelled() -> bool:
        gc.collect()  # the tasks hold each other, and whoever looks holds them for a moment
        return all(nbsubmit.attach(job_id, "logs").state == "CANCELLED" for job_id in ids)

    until(are_cancelled, "both are cancelled")
    assert held.running()
    go.write_text("went")
    assert held.result(PATIENCE) == "went"


def test_one_of_an_array_can_be_cancelled(started_executor: nbsubmit.AutoExecutor) -> None:
    path = Path("go").absolute()
    jobs = started_executor.map_array(functions.wait_for, [str(path), "/no/such/file"])
    until(lambda: all(job.running() for job in jobs), "both run")
    jobs[1].cancel()
    assert jobs[1].wait(PATIENCE).state == "CANCELLED"
    path.write_text("1")
    assert jobs[0].result(PATIENCE) == "1"


def test_an_array_can_be_limited_to_so_many_at_once(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    started_executor.update_parameters(**{f"{started_executor.cluster}_array_parallelism": 1})
    jobs = started_executor.map_array(_span, [0.2] * 3)
    spans = sorted(job.result(PATIENCE) for job in jobs)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def _span(seconds: float) -> tuple[float, float]:
    started = time.time()
    time.sleep(seconds)
    return started, time.time()


def test_the_state_of_a_job_that_is_found_again_goes_on(
    started_executor: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    job = started_executor.submit(functions.wait_for, str(go))
    again = pickle.loads(pickle.dumps(job))
    until(lambda: again.state == "RUNNING", "it is seen to run")
    go.write_text("went")
    until(lambda: again.state == "COMPLETED", "it is seen to have ended")
    assert pickle.loads(pickle.dumps(job)).state == "COMPLETED"


def test_a_debug_job_has_ended_when_it_is_there(make_executor: Makes) -> None:
    job = make_executor("debug").submit(functions.add, 1)
    assert job.state == "COMPLETED"
    assert job.done()


def _in_child(folder: str) -> int:
    """Send a job and wait for it."""
    executor = nbsubmit.LocalExecutor(folder)
    return executor.submit(functions.add, 20, 1).result(PATIENCE)


def test_a_forked_child_can_wait_although_its_parent_did(make_executor: Makes) -> None:
    import multiprocessing

    executor = make_executor("local")
    go = Path("go").absolute()
    job = executor.submit(functions.wait_for, str(go))
    until(job.running, "the parent's watcher is at work")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_in_child, ("of the child",)).get(PATIENCE) == 21
    go.write_text("went")
    assert job.result(PATIENCE) == "went"
