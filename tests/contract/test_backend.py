"""What every backend must do, on all of them: debug, local, and a real Slurm.

Promise 7 of README.
"""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from nbsubmit.client.jobs import jobs
from nbsubmit.core.errors import CellFailed, JobCancelled, JobLost
from nbsubmit.core.job import Job
from nbsubmit.core.result import VALUE
from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import CellOptions
from nbsubmit.core.state import JobState
from nbsubmit.core.watch import Watcher
from tests.way import PATIENCE, Way, until

HOSTILE = (
    "with space",
    "quote'\"s",
    "percent%j",
    "dollar$HOME",
    "newline\nin it",
    "ünï",
    "-dash;#",
    "back\\slash",
)


def test_a_cell_brings_back_what_it_binds(way: Way) -> None:
    job = way.run("y = x * 2\nz = [y]", {"x": 21})
    assert job.state is JobState.COMPLETED
    assert job.names == {"y": 42, "z": [42]}


def test_the_last_expression_is_the_jobs_value(way: Way) -> None:
    assert way.run("a = 3\na + 4").value == 7


def test_prints_are_in_the_logs(way: Way) -> None:
    job = way.run("import sys\nprint('to out')\nprint('to err', file=sys.stderr)")
    assert job.stdout() == "to out\n"
    assert job.stderr() == "to err\n"


def test_the_error_of_a_cell_comes_back_with_its_type_and_its_line(way: Way) -> None:
    job = way.run("before = 1\nvalues = {}\nvalues['missing']")
    assert job.state is JobState.FAILED
    error = job.exception()
    assert isinstance(error, KeyError)
    assert error.args == ("missing",)
    assert "line 4" in str(error.__cause__)
    assert job.names["before"] == 1


def test_an_exception_that_cannot_be_rebuilt_still_says_what_it_was(way: Way) -> None:
    source = (
        "class Picky(Exception):\n"
        "    def __init__(self, a, b):\n"
        "        super().__init__(f'{a} and {b}')\n"
        "    def __reduce__(self):\n"
        "        return Picky, (1,)\n"
        "kept = 1\n"
        "raise Picky(1, 2)"
    )
    job = way.run(source)
    with pytest.raises(CellFailed, match="Picky: 1 and 2"):
        job.result()
    assert job.names["kept"] == 1


@pytest.mark.parametrize("ending", ["raise SystemExit(3)", "raise KeyboardInterrupt"])
def test_even_an_exit_leaves_a_result(way: Way, ending: str) -> None:
    job = way.run(f"x = 1\n{ending}")
    assert job.state is JobState.FAILED
    assert job.names == {"x": 1}


def test_what_cannot_come_back_is_named_and_the_rest_comes(way: Way) -> None:
    job = way.run("log = open('/dev/null', 'w')\nholder = {'log': log}\nn = 5")
    result = job.found.result
    assert job.state is JobState.COMPLETED
    assert job.names == {"n": 5}
    assert result is not None
    assert result.unsent["holder"].startswith("holder['log'] is an open file")


def test_a_value_changed_in_place_comes_back_and_an_unchanged_one_does_not(way: Way) -> None:
    job = way.run("changed.append(3)\ntotal = len(same)", {"changed": [1, 2], "same": [1]})
    assert job.names == {"changed": [1, 2, 3], "total": 1}
    assert job.found.result is not None
    assert job.found.result.changed == ("changed",)


def test_a_deleted_name_is_reported(way: Way) -> None:
    job = way.run("del big", {"big": [1]})
    assert job.found.result is not None
    assert job.found.result.deleted == ("big",)


def test_functions_see_what_the_cell_binds_and_come_home_to_the_notebook(way: Way) -> None:
    home: dict[str, object] = {"__name__": "__main__"}
    exec("K = 1\ndef f(): return K\ncount = 0\ndef bump():\n    global count\n    count += 1", home)
    job = way.run("K = 99\nseen = f()\nbump()\nbump()\ndef g(): return K", home)
    assert job.names["seen"] == 99
    assert job.names["count"] == 2
    home["K"] = 7
    assert job.names["g"]() == 7


def test_an_instance_of_a_class_of_the_notebook_comes_back_as_one(way: Way) -> None:
    home: dict[str, object] = {"__name__": "__main__"}
    exec("class P:\n    def __init__(self): self.v = 1", home)
    method = vars(home["P"])["__init__"]
    job = way.run("q = P()\nq.v = 2", home)
    assert type(job.names["q"]) is home["P"]
    assert job.names["q"].v == 2
    assert vars(home["P"])["__init__"] is method


def test_await_works_at_the_top_level(way: Way) -> None:
    assert way.run("import asyncio\nx = await asyncio.sleep(0, 'slept')\nx").value == "slept"


def test_input_has_nobody_to_ask(way: Way) -> None:
    job = way.run("name = input('your name? ')")
    assert "nobody to ask" in str(job.exception())


def test_a_folder_holds_the_same_files_on_every_backend(way: Way) -> None:
    job = way.run("import numpy\ny = numpy.zeros(10_000)\nprint(1)")
    always = {
        "job.json", "payload.json", "payload.pkl", "payload.bin", "script.sh", "handle.json",
        "started.json", "result.json", "result.pkl", "result.bin", "events.jsonl",
        "log.out", "log.err",
    }  # fmt: skip
    of_a_process = {"beat", "exit", "usage.jsonl"}
    until(
        lambda: job.folder.exit_file.exists() or way.backend.name == "debug", "the script has ended"
    )
    files = {path.name for path in job.folder.path.iterdir()}
    assert always <= files
    assert files - always <= of_a_process


def test_nobody_else_can_read_a_jobs_files(way: Way) -> None:
    before = os.umask(0o002)
    try:
        job = way.run("y = 1\nprint(y)")
    finally:
        os.umask(before)
    assert stat.S_IMODE(job.folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(way.store.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in job.folder.path.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_way_goes_through_a_folder_with_a_hostile_name(
    make_way: Callable[..., Way], backend_name: str, tmp_path: Path, name: str
) -> None:
    if "\n" in name and backend_name == "slurm":
        # sbatch reads one option a line, so this is refused, and nothing is left behind.
        way = make_way(backend_name, tmp_path / name)
        with pytest.raises(Exception, match="line break"):
            way.send("y = 1")
        assert list((tmp_path / name / "jobs").iterdir()) == []
        return
    job = make_way(backend_name, tmp_path / name).run("print('through')\ny = 1")
    assert job.names == {"y": 1}
    assert job.stdout() == "through\n"


def test_the_environment_can_be_added_to_and_does_not_stand_in_the_script(way: Way) -> None:
    options = CellOptions(env={"SECRET_TOKEN": "hush hush"})
    job = way.run("import os\nv = os.environ['SECRET_TOKEN']", options=options)
    assert job.names["v"] == "hush hush"
    assert "hush" not in job.folder.script_file.read_text()


def test_what_a_job_prints_in_c_or_in_a_child_is_in_the_logs(
    make_way: Callable[..., Way], started_backend: str
) -> None:
    job = make_way(started_backend).run(
        "import os, subprocess\n"
        "print('first')\n"
        "os.write(1, b'second\\n')\n"
        "subprocess.run(['echo', 'third'], check=True)\n"
        "print('fourth')"
    )
    assert job.stdout().split() == ["first", "second", "third", "fourth"]


RUNS_ON = "import os, time\nprint(os.getpid(), flush=True)\nwhile True: time.sleep(0.1)"


def running(way: Way, source: str = RUNS_ON) -> tuple[object, int]:
    """Send a cell that runs on, and return its job and its process id."""
    job = way.send(source)
    pid = until(lambda: job.stdout().strip(), "the cell prints its process id")
    until(lambda: job.state is JobState.RUNNING, "the job is seen to run")
    return job, int(pid)


def test_a_running_job_can_be_cancelled(make_way: Callable[..., Way], started_backend: str) -> None:
    way = make_way(started_backend)
    _, pid = running(way)
    job = way.jobs[-1]
    assert job.cancel() is True
    with pytest.raises(JobCancelled, match="cancelled from this notebook"):
        job.result(PATIENCE)
    assert job.state is JobState.CANCELLED
    until(lambda: not Path(f"/proc/{pid}").exists(), "the process is gone")
    assert job.cancel() is False


def test_what_a_cancelled_cell_had_bound_is_not_lost(
    make_way: Callable[..., Way], started_backend: str
) -> None:
    way = make_way(started_backend)
    running(way, f"epoch = 17\n{RUNS_ON}")
    way.jobs[-1].cancel()
    way.jobs[-1].wait(PATIENCE)
    assert way.jobs[-1].names["epoch"] == 17


def test_a_worker_that_is_killed_ends_in_a_state_that_says_so(
    make_way: Callable[..., Way], started_backend: str
) -> None:
    way = make_way(started_backend)
    _, pid = running(way)
    job = way.jobs[-1]
    os.kill(pid, signal.SIGKILL)
    job.wait(20)
    assert job.state is JobState.FAILED
    assert "killed by SIGKILL" in job.status.reason
    with pytest.raises(JobLost, match="SIGKILL"):
        job.result()


def test_one_look_tells_the_end_of_a_worker_that_was_killed_while_nobody_watched(
    make_way: Callable[..., Way], started_backend: str
) -> None:
    way = make_way(started_backend)
    job = way.send("import os\nos.kill(os.getpid(), 9)")
    way.watcher.leave([job])

    def seen() -> Job | None:
        (found,) = jobs(way.store, watcher=Watcher(Settings()))
        return found if found.is_over else None

    found = until(seen, "a single look is enough")
    assert found.state is JobState.FAILED
    assert "SIGKILL" in found.status.reason


def test_a_setup_line_runs_first_and_one_that_fails_ends_the_job(
    make_way: Callable[..., Way], started_backend: str
) -> None:
    way = make_way(started_backend)
    job = way.run(
        "import os\nv = os.environ['MADE']", options=CellOptions(setup=("export MADE=1",))
    )
    assert job.names["v"] == "1"
    job = way.run("1", options=CellOptions(setup=("echo no such module >&2; exit 7",)))
    assert job.state is JobState.FAILED
    assert "exit code 7" in job.status.reason
    assert "no such module" in str(job.exception())


def test_a_python_that_is_not_there_is_named(
    make_way: Callable[..., Way], started_backend: str
) -> None:
    job = make_way(started_backend).run("1", options=CellOptions(python="/no/such/python"))
    assert job.state is JobState.FAILED
    assert "does not exist on the node" in job.status.reason


def test_a_process_that_ends_by_itself_in_c_is_known_to_have_ended(
    make_way: Callable[..., Way], started_backend: str
) -> None:
    job = make_way(started_backend).send("import os\nos._exit(5)").wait(20)
    assert job.state is JobState.FAILED
    assert "exit code 5" in job.status.reason


def test_a_job_is_found_again_by_its_id_and_its_values_with_it(way: Way) -> None:
    from nbsubmit.client.jobs import attach

    job = way.run("y = [1, 2]\ny")
    again = attach(job.id[-4:], way.store)
    assert again.state is JobState.COMPLETED
    assert again.names == {"y": [1, 2]}
    assert again.found.result is not None
    assert again.found.result.has(VALUE)
