"""An array of more jobs than the cluster takes of a user at once is sent bit by bit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import nbsubmit
from nbsubmit.core.errors import InputFailed, TooMany
from nbsubmit.core.job import Job
from nbsubmit.core.settings import Settings
from nbsubmit.core.watch import Watcher
from nbsubmit.sandbox.config import SandboxConfig
from nbsubmit.sandbox.sandbox import Sandbox, up
from tests.journeys.kernel import Kernel
from tests.library import functions
from tests.library.conftest import Makes
from tests.way import until

pytestmark = pytest.mark.slurm
ROOT = Path(__file__).parents[2]
MOST = 10
PATIENCE = 180.0
WORDS = f"not sent yet: the cluster takes at most {MOST} of your jobs at once"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A Slurm that takes ten jobs of a user at once, and no array index above 24."""
    conf = {"AccountingStorageEnforce": "associations,limits,qos", "MaxArraySize": "26"}
    folder = tmp_path_factory.mktemp("limited")
    config = SandboxConfig(folder, cpus=16, accounting=True, extra_conf=conf)
    with up(config, owner=os.getpid()) as sandbox:
        account(sandbox, "add", "account", "lab")
        user = subprocess.check_output(["id", "-un"], text=True).strip()
        account(sandbox, "add", "user", user, "account=lab", "defaultaccount=lab")
        set_limit(sandbox, MOST)
        until(lambda: has_limit(sandbox), "the controller knows the limit")
        yield sandbox


def account(sandbox: Sandbox, *words: str) -> None:
    command = ["sacctmgr", "--immediate", *words]
    subprocess.run(command, env={**os.environ, **sandbox.environ}, check=True, timeout=60)


def set_limit(sandbox: Sandbox, most: int) -> None:
    account(sandbox, "modify", "qos", "normal", "set", f"MaxSubmitJobsPerUser={most}")


def has_limit(sandbox: Sandbox) -> bool:
    command = ["sbatch", "--hold", "--parsable", f"--array=0-{MOST}", "--wrap=true"]
    environ = {**os.environ, **sandbox.environ}
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    if answer.returncode:
        return "QOSMaxSubmitJobPerUserLimit" in answer.stderr
    subprocess.run(["scancel", answer.stdout.strip()], env=environ, check=True, timeout=60)
    return False


@pytest.fixture
def executor(
    make_executor: Makes, limited: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[nbsubmit.AutoExecutor]:
    """An executor on it, with nothing else in the queue before and after."""
    for name, value in limited.environ.items():
        monkeypatch.setenv(name, value)
    yield make_executor("slurm")
    subprocess.run(["scancel", "--me"], check=True, timeout=60)
    until(lambda: not in_queue(), "the queue is empty")


def in_queue() -> list[str]:
    command = ["squeue", "--me", "--noheader", "--array", "--format=%i"]
    return subprocess.check_output(command, text=True, timeout=60).split()


def test_all_tasks_run_and_their_results_are_in_order(
    executor: nbsubmit.AutoExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    go = Path("go").absolute()
    jobs = executor.map_array(functions.wait_for, [str(go)] * 40)
    (told,) = caplog.messages
    assert told.startswith(f"30 of the 40 tasks of job {whole_of(jobs).id} are {WORDS}. They are")
    assert len(in_queue()) == MOST
    assert [job.job_id != "" for job in jobs] == [True] * MOST + [False] * 30
    until(lambda: jobs[39].status.reason == WORDS, "a task says that it is not sent yet")
    assert jobs[39].state == "PENDING"
    whole = whole_of(jobs)
    until(lambda: whole.status.reason.endswith(f"; 30 of them {WORDS}"), "the array says so")
    go.write_text("went")
    assert jobs.results(PATIENCE) == ["went"] * 40
    assert all(job.job_id for job in jobs)
    assert len({job.job_id for job in jobs}) == 40
    assert not whole.folder.sending_file.exists()
    assert not whole.folder.launch_file.exists()


def whole_of(jobs: Sequence[nbsubmit.Job[Any]]) -> Job:
    whole = jobs[0].whole
    assert whole is not None
    return whole


def sent(whole: Job) -> int:
    """How many tasks the cluster has been given, as the job's folder says."""
    return sum(count for _, count, _ in parts(whole))


def parts(whole: Job) -> list[tuple[int, int, str]]:
    """The first of them, how many there are, and their array's id."""
    return [tuple(part) for part in json.loads(whole.folder.handle_file.read_bytes())["parts"]]


def in_two_steps(count: int) -> tuple[Path, Path, list[str]]:
    """Files for which the first tasks wait, and the others; and for which each does."""
    first, second = Path("first").absolute(), Path("second").absolute()
    return first, second, [str(first)] * MOST + [str(second)] * (count - MOST)


CLIENT = """
import nbsubmit
from tests.library import functions
executor = nbsubmit.AutoExecutor("logs", cluster="slurm")
jobs = executor.map_array(functions.mark_when, {waits!r}, range({count}), [{place!r}] * {count})
print(jobs[0].whole.id, flush=True)
jobs.results()
"""


def client_of(waits: list[str], place: Path) -> subprocess.Popen[str]:
    """A script that sends an array, and waits for it."""
    code = CLIENT.format(waits=waits, count=len(waits), place=str(place))
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


def test_another_process_goes_on_where_a_client_was_killed(
    executor: nbsubmit.AutoExecutor, tmp_path: Path
) -> None:
    count = 26
    first, second, waits = in_two_steps(count)
    place = tmp_path / "marks"
    place.mkdir()
    with client_of(waits, place) as client:
        assert client.stdout is not None
        job_id = client.stdout.readline().strip()
        first.touch()
        (seen,) = nbsubmit.jobs("logs")
        until(lambda: sent(seen) == 2 * MOST, "more of them are sent", PATIENCE)
        client.kill()
    (seen,) = nbsubmit.jobs("logs")
    assert seen.status.reason.endswith(f"; 6 of them {WORDS}")
    assert "nbsubmit.attach(id), goes on" in seen.status.advice
    second.touch()
    looks = Watcher(Settings(poll_seconds=2.0), sends=False)
    (looked,) = nbsubmit.jobs("logs", watcher=looks)
    looks.add(looked)
    until(lambda: sum(task.is_over for task in looked.parts) == 2 * MOST, "their ends", PATIENCE)
    assert sent(looked) == 2 * MOST
    looks.leave([looked])
    job = nbsubmit.attach(job_id, "logs")
    assert job.result(PATIENCE) == list(range(count))
    assert sorted(int(mark.name.split()[0]) for mark in place.iterdir()) == list(range(count))


def test_a_job_that_waits_for_what_nobody_sends_ends_and_says_so(
    executor: nbsubmit.AutoExecutor, make_executor: Makes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbsubmit.core.awaited._LONGEST_SILENCE", 1.0)
    first, _, waits = in_two_steps(14)
    with client_of(waits, Path.cwd()) as client:
        assert client.stdout is not None
        job_id = client.stdout.readline().strip()
        client.kill()
    first.touch()
    (deserted,) = nbsubmit.jobs("logs")
    # Its worker runs in this process, where what is long is made short.
    waiting = make_executor("debug").submit(functions.add, 1, after=[deserted])
    with pytest.raises(InputFailed) as failed:
        waiting.result(PATIENCE)
    assert f"not run: its input, job {job_id}_10, is PENDING ({WORDS})" in str(failed.value)
    assert "nobody sends it, for who did has ended" in str(failed.value)
    assert f"%jobs attach {job_id}" in str(failed.value)
    assert waiting.state == "CANCELLED"
    assert sent(deserted) == MOST


def test_nothing_more_is_sent_of_a_cancelled_array(executor: nbsubmit.AutoExecutor) -> None:
    first, _, waits = in_two_steps(40)
    jobs = executor.map_array(functions.wait_for, waits)
    whole = whole_of(jobs)
    first.write_text("went")
    until(lambda: sent(whole) == 2 * MOST, "more of them are sent", PATIENCE)
    jobs.cancel()
    assert whole.wait(PATIENCE).state == "CANCELLED"
    assert [job.state for job in jobs] == ["COMPLETED"] * MOST + ["CANCELLED"] * 30
    until(lambda: not in_queue(), "the queue is empty")
    assert sent(whole) == 2 * MOST
    assert [job.job_id for job in jobs[2 * MOST :]] == [""] * 20


def test_a_limit_that_is_raised_is_found_out(
    executor: nbsubmit.AutoExecutor, limited: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbsubmit.core.rest._LONGEST_PAUSE", 1.0)
    go = Path("go").absolute()
    jobs = executor.map_array(functions.wait_for, [str(go)] * 40)
    assert len(in_queue()) == MOST
    set_limit(limited, 2 * MOST)
    try:
        words = WORDS.replace(str(MOST), str(2 * MOST))
        until(lambda: jobs[39].status.reason == words, "so many are taken, and no more", PATIENCE)
        assert len(in_queue()) == 2 * MOST
    finally:
        set_limit(limited, MOST)
    go.write_text("went")
    assert jobs.results(PATIENCE) == ["went"] * 40


def test_a_task_that_was_cancelled_before_it_was_sent_is_left_out(
    executor: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    jobs = executor.map_array(functions.wait_for, [str(go)] * 14)
    jobs[12].cancel()
    assert jobs[12].wait(PATIENCE).state == "CANCELLED"
    go.write_text("went")
    whole_of(jobs).wait(PATIENCE)
    assert [job.state for job in jobs] == ["COMPLETED"] * 12 + ["CANCELLED", "COMPLETED"]
    assert jobs[13].result() == "went"


def test_packs_are_sent_bit_by_bit_and_one_of_which_all_was_cancelled_is_left_out(
    executor: nbsubmit.AutoExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    executor.update_parameters(pack=3)
    go = Path("go").absolute()
    jobs = executor.map_array(functions.wait_for, [str(go)] * 40)
    (told,) = caplog.messages
    assert told.startswith(f"10 of the 40 tasks of job {whole_of(jobs).id} are {WORDS}. They are")
    assert len(in_queue()) == MOST
    until(lambda: jobs[39].status.reason == WORDS, "a task says that it is not sent yet")
    cancelled = [31, 33, 34, 35]
    for number in cancelled:
        jobs[number].cancel()
        assert jobs[number].wait(PATIENCE).state == "CANCELLED"
    go.write_text("went")
    whole_of(jobs).wait(PATIENCE)
    states = ["CANCELLED" if number in cancelled else "COMPLETED" for number in range(40)]
    assert [job.state for job in jobs] == states
    assert {jobs[n].result() for n in range(40) if n not in cancelled} == {"went"}
    assert (11, 1, "") in parts(whole_of(jobs))
    assert sent(whole_of(jobs)) == 14


def test_one_job_more_is_refused_with_how_many_there_are_and_what_to_do(
    executor: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    jobs = executor.map_array(functions.wait_for, [str(go)] * MOST)
    with pytest.raises(TooMany) as refused:
        executor.submit(functions.add, 1)
    assert re.search(f"takes no more of your jobs now: {MOST} of them", str(refused.value))
    assert "Send it again when one of them has ended, or cancel one" in str(refused.value)
    with pytest.raises(TooMany, match=f": {MOST} of them run or wait"):
        executor.map_array(functions.add, [1, 2, 3])
    assert len(in_queue()) == MOST
    go.write_text("went")
    assert jobs.results(PATIENCE) == ["went"] * MOST


def test_a_job_waits_for_an_array_of_which_some_is_not_sent_yet(
    executor: nbsubmit.AutoExecutor,
) -> None:
    first, second = Path("first").absolute(), Path("second").absolute()
    waits = [str(first)] * 4 + [str(second)] * 8
    executor.update_parameters(slurm_array_parallelism=2)
    jobs = executor.map_array(functions.wait_for, waits)
    first.write_text("1")
    until(lambda: all(job.done() for job in jobs[:4]), "the first have ended", PATIENCE)
    joined = executor.submit("".join, whole_of(jobs))
    assert sent(whole_of(jobs)) < len(jobs)
    assert [one["waited"] for one in joined.spec["after"]] == [False]
    second.write_text("2")
    assert joined.result(PATIENCE) == "1" * 4 + "2" * 8


def test_an_array_of_which_some_is_sent_later_starts_after_a_job(
    executor: nbsubmit.AutoExecutor,
) -> None:
    go = Path("go").absolute()
    before = executor.submit(functions.wait_for, str(go))
    jobs = executor.map_array("{} {}".format, [before] * 14, range(14))
    assert len(in_queue()) == MOST
    go.write_text("went")
    assert jobs.results(PATIENCE) == [f"went {n}" for n in range(14)]
    folder, last = whole_of(jobs).folder, parts(whole_of(jobs))[-1][0]
    assert "--dependency=" in folder.script_file.read_text()
    # What is not known any more to the cluster cannot be named to it.
    assert "--dependency=" not in (folder.path / f"script-{last}.sh").read_text()


SPEED = {"NBSUBMIT_POLL_SECONDS": "2", "NBSUBMIT_BEAT_SECONDS": "1"}


@pytest.mark.kernel
def test_a_cell_of_more_tasks_than_that_brings_its_lists(
    executor: nbsubmit.AutoExecutor, tmp_path: Path
) -> None:
    kernel = Kernel(tmp_path, SPEED)
    try:
        kernel.run("%load_ext nbsubmit\nbase = 100")
        kernel.run("%%slurm --map x=range(25) --wait --as job\ny = base + x\nx")
        brought = kernel.run("print(y, job.value)").stdout.strip()
        assert brought == f"{list(range(100, 125))} {list(range(25))}"
    finally:
        kernel.close()


@pytest.mark.kernel
def test_after_a_restart_attaching_goes_on_with_it(
    executor: nbsubmit.AutoExecutor, tmp_path: Path
) -> None:
    first = Kernel(tmp_path, SPEED)
    try:
        first.run("%load_ext nbsubmit\nimport os, time")
        first.run(
            "%%slurm --map x=range(14) --as job\n"
            "while not os.path.exists('go'): time.sleep(0.1)\n"
            "y = 100 + x"
        )
        job_id = first.run("print(job.id)").stdout.strip()
    finally:
        first.kill()
    assert len(in_queue()) == MOST
    (tmp_path / "go").touch()
    until(lambda: not in_queue(), "the first have ended")
    second = Kernel(tmp_path, SPEED)
    try:
        shown = second.run(f"%load_ext nbsubmit\n%jobs show {job_id}")
        assert "4 of them not sent yet" in shown.stdout
        assert "nobody sends them now, for who did has ended: %jobs attach" in shown.stdout
        second.run(f"%jobs attach {job_id}")
        assert second.run("print(y)").stdout.strip() == str(list(range(100, 114)))
    finally:
        second.close()
