"""What of a store may go: nothing that lives, may live, or is needed by what does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import nbsubmit
from nbsubmit.backends.queue.place import QueueFolder
from nbsubmit.client.cleaning import Cleaner, Plan, cleaner
from nbsubmit.core.cleaning import Wish
from nbsubmit.core.folder import JobFolder
from tests.way import until

EVERYTHING = Wish(keep=0)


def wait_for(path: Path) -> str:
    while not path.exists():
        time.sleep(0.05)
    return path.name


@pytest.fixture
def executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[nbsubmit.LocalExecutor]:
    """An executor whose jobs are ended with the test."""
    monkeypatch.setenv("NBSUBMIT_BEAT_SECONDS", "1")
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    executor = nbsubmit.LocalExecutor(tmp_path / "jobs")
    yield executor
    for job in executor.jobs:
        job.cancel()
    for job in executor.jobs:
        job.wait(60)


def looked(executor: nbsubmit.Executor) -> Cleaner:
    return cleaner(executor.folder)


def plan(executor: nbsubmit.Executor, wish: Wish = EVERYTHING) -> Plan:
    """What would go once no script is ending any more."""

    def at_rest() -> Plan | None:
        found = looked(executor).plan(wish)
        return None if "its script has not ended yet" in found.stays.values() else found

    found: Plan = until(at_rest, "all scripts have ended")
    return found


def ids(found: Plan) -> list[str]:
    return [item.id for item in found.going]


def test_a_job_on_which_a_live_one_depends_stays(
    executor: nbsubmit.LocalExecutor, tmp_path: Path
) -> None:
    first, other = executor.submit(abs, -3), executor.submit(abs, -4)
    first.result(60)
    other.result(60)
    second = executor.submit(wait_for, tmp_path / "go", after=first)
    found = plan(executor)
    assert ids(found) == [other.id]
    assert found.stays == {first.id: f"job {second.id} needs it"}
    (tmp_path / "go").touch()
    assert second.result(60) == "go"
    assert ids(plan(executor)) == [first.id, other.id, second.id]


def halves(n: int, mended: Path) -> float:
    if n % 2 and not mended.exists():
        raise ValueError(f"{n} is odd")
    return n / 2


def test_an_array_stays_with_the_tasks_of_it_that_were_run_again(
    executor: nbsubmit.LocalExecutor, tmp_path: Path
) -> None:
    jobs = executor.map_array(halves, range(3), [tmp_path / "mended"] * 3).wait(60)
    (tmp_path / "mended").touch()
    again = jobs.rerun_failed()
    assert again.results(60) == [0, 0.5, 1]
    first, second = jobs[0].whole, again[1].whole
    assert first is not None
    assert second is not None
    found = plan(executor, Wish(keep=1))
    assert ids(found) == []
    assert found.stays == {first.id: f"job {second.id} needs it"}
    assert set(ids(plan(executor))) == {first.id, second.id}


def test_a_job_whose_process_was_killed_comes_to_its_end_and_goes(
    executor: nbsubmit.LocalExecutor, tmp_path: Path
) -> None:
    job = executor.submit(wait_for, tmp_path / "go")
    until(lambda: job.folder.started_file.exists(), "it runs")
    pids = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(job.folder.path) in word for word in process.info["cmdline"] or ())
    ]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    job.wait(60)
    assert ids(plan(executor)) == [job.id]


def test_a_job_of_which_nobody_saw_the_end_stays_while_it_cannot_be_asked_for(
    executor: nbsubmit.LocalExecutor,
) -> None:
    job = executor.submit(abs, -3)
    job.result(60)
    folder = job.folder
    for file in (folder.handle_file, folder.result_file, folder.exit_file, folder.started_file):
        until(file.exists, f"{file} is there")
        file.unlink()
    spec = json.loads(folder.spec_file.read_text())
    folder.write_json(folder.spec_file, {**spec, "created": time.time() - 1000})
    beat = time.time() - 1000
    os.utime(folder.beat_file, (beat, beat))
    queue = QueueFolder()
    state = queue.state_file.read_text()
    queue.state_file.write_text("{}")
    found = plan(executor)
    queue.state_file.write_text(state)
    # It is not said to have ended, so it is not even among those that might go.
    assert ids(found) == []
    assert job.id not in found.stays
    assert ids(plan(executor)) == [job.id]


def test_two_that_clean_at_once_remove_each_job_once(
    executor: nbsubmit.LocalExecutor, tmp_path: Path
) -> None:
    for number in range(6):
        executor.submit(abs, number).result(60)
    plan(executor)
    program = (
        "import sys\n"
        "from nbsubmit.client.cleaning import cleaner\n"
        "from nbsubmit.core.cleaning import Wish\n"
        "here = cleaner(sys.argv[1])\n"
        "plan = here.plan(Wish(keep=0))\n"
        "print('ready', flush=True)\n"
        "input()\n"
        "print(len(here.remove(plan).going))\n"
    )
    # This process has the jobs open, but not their copies.
    copy = tmp_path / "copy"
    shutil.copytree(executor.folder, copy, ignore=shutil.ignore_patterns("held"))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(copy)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    counts = [int(process.communicate()[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sum(counts) == 6
    assert list((copy / ".nbsubmit" / "jobs").iterdir()) == []


def test_what_is_left_in_the_queue_of_this_machine_goes_too(
    executor: nbsubmit.LocalExecutor,
) -> None:
    executor.submit(abs, -3).result(60)
    queue = QueueFolder()
    ticket = queue.path / "tickets" / "of-a-killed-client.json"
    ticket.write_text("{}")
    here = looked(executor)
    here.remove(plan(executor))
    assert not ticket.exists()


def test_of_many_jobs_each_is_read_as_often_as_one_of_few(
    executor: nbsubmit.LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = executor.submit(abs, -3)
    job.result(60)
    plan(executor)
    reads: list[Path] = []
    read = JobFolder.read_json

    def counted(folder: JobFolder, file: Path) -> dict[str, Any] | None:
        reads.append(file)
        return read(folder, file)

    monkeypatch.setattr(JobFolder, "read_json", counted)

    def reads_for(count: int) -> int:
        for number in range(count):
            name = f"230101-{number // 60:04}{number % 60:02}-bbbb"
            shutil.copytree(job.folder.path, job.folder.path.with_name(name), dirs_exist_ok=True)
        reads.clear()
        assert len(looked(executor).plan(Wish(keep=1)).going) == count
        return len(reads)

    few, many = reads_for(10), reads_for(300)
    assert few > 0
    assert many / 300 < 2 * few / 10
