"""Workers that are forked from a template: as good as new ones, and none where they would not be.

The template is this test's own, for what Python reads when it starts is another for each test.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import nbsubmit
from nbsubmit.backends.queue import forks
from nbsubmit.core.state import JobState
from nbsubmit.worker import forks as forks_there
from tests.backends import seen_in_a_job as seen
from tests.way import PATIENCE, until

ROOT = Path(nbsubmit.__file__).parents[1]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are none")


@dataclass
class Place:
    """Sends jobs over a queue of the test's own."""

    path: Path
    patch: pytest.MonkeyPatch

    def executor(self, python: str | None = None, **parameters: Any) -> nbsubmit.AutoExecutor:
        """An executor of local jobs."""
        executor = nbsubmit.AutoExecutor(self.path / "logs", cluster="local", local_python=python)
        executor.update_parameters(**parameters)
        return executor

    def run(self, function: Any, *args: Any, **parameters: Any) -> Any:
        """What a function returns in a job."""
        return self.executor(**parameters).submit(function, *args).result(PATIENCE)

    @property
    def name(self) -> str:
        """The template's name."""
        command = (sys.executable, "-m", "nbsubmit.worker", "folder")
        name = forks.name_for(command, os.environ)
        assert name is not None
        return name

    def template(self) -> int | None:
        """The process of the template, if it is there; whoever asks that is a client of it."""
        return next((p.pid for p in psutil.process_iter(["cmdline"]) if self._is_mine(p)), None)

    def _is_mine(self, process: psutil.Process) -> bool:
        return "template" in (process.info["cmdline"] or ()) and self._of_this(process)

    def _of_this(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("PYTHON_OF_THIS_TEST") == str(self.path)
        except psutil.Error:
            return False

    def workers(self) -> list[int]:
        """The processes of this test that are workers, their scripts, or a template."""
        found = psutil.process_iter(["cmdline"])
        return [
            p.pid
            for p in found
            if "nbsubmit.worker" in (p.info["cmdline"] or ()) and self._of_this(p)
        ]

    def at_start(self, text: str) -> None:
        """Have this run whenever a worker's Python starts."""
        extra = self.path / "extra"
        extra.mkdir()
        module = extra / "sitecustomize.py"
        module.write_text(text)
        os.utime(module, (1, 1))
        self.patch.setenv("PYTHONPATH", f"{extra}{os.pathsep}{ROOT}")

    def with_template(self) -> int:
        """Have a template, and return its process."""
        self.run(os.getpid)
        return int(until(self.template, "there is a template"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A queue, and a template that no other test has."""
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    monkeypatch.setenv("PYTHON_OF_THIS_TEST", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, monkeypatch)
    yield place
    forks.forget()
    left = place.template()
    if left:
        os.kill(left, signal.SIGKILL)


# As good as new


def test_the_first_job_is_started_by_its_script_and_later_ones_are_forked(place: Place) -> None:
    assert place.run(seen.is_forked) is False
    until(place.template, "there is a template")
    assert place.run(seen.is_forked) is True
    assert place.run(seen.is_forked) is True


def test_a_forked_worker_finds_all_as_a_new_one_does(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.with_template()
    other = place.path / "another folder"
    other.mkdir()
    monkeypatch.chdir(other)
    monkeypatch.setenv("OF_THIS_JOB", "só")
    forked = place.run(seen.surroundings)
    monkeypatch.setenv("NBSUBMIT_LOCAL_FORKS", "0")
    new = place.run(seen.surroundings)
    assert new["environment"].pop("NBSUBMIT_LOCAL_FORKS") == "0"
    assert forked == new


def test_forked_workers_have_random_numbers_of_their_own_and_one_seed_of_hash(
    place: Place,
) -> None:
    place.with_template()
    numbers, seeds = zip(*(place.run(seen.chance) for _ in range(3)), strict=True)
    assert len(set(numbers)) == 3
    assert len(set(seeds)) == 1


def test_logs_of_a_forked_worker_count_from_its_own_start(place: Place) -> None:
    place.with_template()
    before = time.time()
    forked, since = place.run(seen.logs_count_from)
    assert forked
    assert since >= before


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_forked_worker_may_have_threads_and_processes_of_its_own(
    place: Place, method: str
) -> None:
    place.with_template()
    assert place.run(seen.squares, method) == [0, 1, 4, 9, 16]


def test_tasks_of_an_array_and_of_several_processes_are_forked(place: Place) -> None:
    place.with_template()
    jobs = place.executor().map_array(lambda _: seen.is_forked(), range(4))
    assert jobs.results() == [True] * 4
    both = place.executor(tasks_per_node=2).submit(seen.is_forked)
    assert both.results() == [True, True]
    keys = [f"{job.folder.whole}/tasks/{n}" for n, job in enumerate(jobs)]
    keys += [f"{both.folder.whole}/tasks/_{rank}" for rank in range(2)]
    for key in keys:
        file = Path(key) / "exit"
        until(file.exists, f"{file} is there")
        assert file.read_text() == "0"


def test_a_template_keeps_nothing_of_what_a_job_has_imported(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.with_template()
    monkeypatch.setattr(sys, "path", [str(place.path), *sys.path])
    module = place.path / "mine_of_today.py"
    module.write_text("VERSION = 1\n")
    versions = [place.run(seen.version_of, "mine_of_today")]
    module.write_text("VERSION = 2_0\n")
    versions.append(place.run(seen.version_of, "mine_of_today"))
    assert versions == [(True, 1), (True, 20)]


def test_what_a_start_of_python_prints_is_not_printed_again_by_forks(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    place.at_start("print('it starts')\n")
    place.with_template()
    job = place.executor().submit(seen.is_forked)
    assert job.result(PATIENCE) is True
    until(job.folder.exit_file.exists, "its processes have ended")
    assert job.stdout() == ""


# Ends


@pytest.mark.parametrize(
    ("way", "code"),
    [("os._exit", 7), ("a segmentation fault", 139), ("SIGKILL", 137), ("SIGABRT", 134)],
)
def test_a_forked_worker_that_ends_early_leaves_the_exit_code_that_a_shell_would(
    place: Place, way: str, code: int
) -> None:
    template = place.with_template()
    job = place.executor().submit(seen.end_by, way)
    job.wait(PATIENCE)
    assert job.status.state is JobState.FAILED
    assert job.folder.exit_file.read_text() == str(code)
    assert place.template() == template


def test_a_forked_job_is_cancelled_with_all_that_it_has_started(place: Place) -> None:
    template = place.with_template()
    note = place.path / "child"
    job = place.executor().submit(seen.wait_with_a_child, note)
    child = int(until(lambda: note.exists() and note.read_text(), "it runs"))
    job.cancel(check=False)
    job.wait(PATIENCE)
    assert job.status.state is JobState.CANCELLED
    until(lambda: not psutil.pid_exists(child), "its child is gone")
    assert place.template() == template


def test_a_forked_job_that_interrupts_itself_with_all_its_processes_goes_on(place: Place) -> None:
    place.with_template()
    job = place.executor().submit(seen.interrupt_all)
    assert job.result(PATIENCE) is True
    until(job.folder.exit_file.exists, "the exit code is there")
    assert job.folder.exit_file.read_text() == "0"
    assert job.stderr() == ""


def test_a_forked_job_is_ended_when_its_time_is_over(place: Place) -> None:
    place.with_template()
    job = place.executor(timeout_min=2 / 60).submit(seen.wait_for, place.path / "never")
    job.wait(PATIENCE)
    assert job.status.state is JobState.TIMEOUT


def test_a_forked_job_runs_on_when_its_client_and_the_template_are_killed(place: Place) -> None:
    template = place.with_template()
    code = (
        "import nbsubmit, time\nfrom pathlib import Path\n"
        "from tests.backends import seen_in_a_job as seen\n"
        f"executor = nbsubmit.AutoExecutor({str(place.path / 'logs')!r}, cluster='local')\n"
        f"job = executor.submit(seen.wait_for, Path({str(place.path / 'go')!r}))\n"
        "print(job.id, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        job_id = one.stdout.readline().strip()
        until((place.path / "go.waits").exists, "it runs")
        os.kill(one.pid, signal.SIGKILL)
        os.kill(template, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(template), "the template is gone")
    (place.path / "go").touch()
    job = nbsubmit.attach(job_id, folder=place.path / "logs")
    assert job.wait(PATIENCE).result() is True
    until(lambda: job.folder.exit_file.exists(), "the exit code is there")
    assert job.folder.exit_file.read_text() == "0"


# Where there is none


def test_when_the_template_is_killed_jobs_go_on_and_leave_another(place: Place) -> None:
    template = place.with_template()
    os.kill(template, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(template), "it is gone")
    assert place.run(seen.is_forked) is False
    assert until(place.template, "there is another") != template
    assert place.run(seen.is_forked) is True


def test_a_template_that_does_not_answer_is_done_without(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = place.with_template()
    monkeypatch.setattr(forks, "_PATIENCE_SECONDS", 0.5)
    os.kill(template, signal.SIGSTOP)
    go = place.path / "go"
    job = place.executor().submit(seen.wait_for, go)
    until(go.with_suffix(".waits").exists, "it runs")
    # What it forks now for a job that runs already must not run that again.
    os.kill(template, signal.SIGCONT)
    go.touch()
    assert job.result(PATIENCE) is False
    assert job.folder.read_json(job.folder.runs_file) is None


def test_what_needs_a_shell_gets_one(place: Place) -> None:
    place.with_template()
    assert place.run(seen.is_forked, local_setup=["export OF_SETUP=1"]) is False
    script = place.path / "python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    script.chmod(0o700)
    assert place.run(seen.is_forked, python=str(script)) is False


def test_a_worker_with_threads_leaves_no_template_for_forks_would_not_have_them(
    place: Place,
) -> None:
    place.at_start(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    )
    place.run(os.getpid)
    until(lambda: not place.workers(), "nothing is left")


def test_where_a_start_of_python_sets_variables_it_is_started_for_each_job(place: Place) -> None:
    place.at_start("import os\nos.environ['OF_START'] = '1'\n")
    assert place.run(seen.variable, "OF_START") == (False, "1")
    until(lambda: not place.workers(), "nothing is left")
    assert place.run(seen.variable, "OF_START") == (False, "1")


NO_MORE_PROCESSES = """
import os, resource, runpy
import nbsubmit.worker.child  # which a user without rights may not be able to read
leave = runpy.run_module("nbsubmit.worker", run_name="of a test")["_leave_template"]
if os.getuid() == 0:  # for whom nothing is limited
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
try:
    os.fork()
except OSError:
    print("there can be no more")
leave("a name", os.getpid(), 0.0)
print("the job goes on")
"""


def test_a_worker_that_cannot_leave_a_template_runs_its_job() -> None:
    done = subprocess.run([sys.executable, "-c", NO_MORE_PROCESSES], capture_output=True, text=True)
    assert done.stdout == "there can be no more\nthe job goes on\n", done.stderr


def test_where_the_system_does_not_tell_where_words_are_they_stay() -> None:
    code = (
        "from nbsubmit.worker import child\n"
        "child._words = lambda: (0, 0, 0, [b''])\n"
        "child.say_who('template')\nprint('done')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "done\n", done


@pytest.mark.parametrize("variable", ["PYTHONHASHSEED", "LD_LIBRARY_PATH", "LC_ALL", "HOME"])
def test_what_python_reads_when_it_starts_makes_another_template(
    place: Place, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    name = place.name
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    assert place.name == name
    monkeypatch.setenv(variable, "1")
    assert place.name != name


def test_limits_of_the_process_that_sends_make_another_template(place: Place) -> None:
    code = (
        "import os, resource, signal, sys, threading\nfrom nbsubmit.backends.queue import forks\n"
        "def name(): return forks.name_for((sys.executable, '-m', 'nbsubmit.worker', 'x'), "
        "os.environ)\n"
        "names = [name()]\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nnames.append(name())\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\nnames.append(name())\n"
        "os.nice(1)\nnames.append(name())\n"
        "def block(number):\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, {number})\n    names.append(name())\n"
        "block(signal.SIGUSR1)\n"
        "thread = threading.Thread(target=block, args=(signal.SIGUSR2,))\n"
        "thread.start()\nthread.join()\nnames.append(name())\n"
        "print(len(names), len(set(names)), names[-1] == names[-3])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "7 6 True\n"


def test_another_python_has_a_template_of_its_own(place: Place) -> None:
    template = place.with_template()
    other = place.path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    python = other / "bin" / "python"
    site = next((other / "lib").glob("python*/site-packages"))
    places = [str(ROOT), *(place for place in sys.path if place.endswith("-packages"))]
    (site / "ours.pth").write_text("\n".join(places))
    seen_by = [place.run(_executable, python=str(python)) for _ in range(2)]
    assert [Path(executable) for executable, _ in seen_by] == [python, python]
    assert seen_by[0][1] is False
    assert place.template() == template


def _executable() -> tuple[str, bool]:
    return sys.executable, seen.is_forked()


def test_a_template_ends_when_what_it_has_loaded_changes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = place.path / "extra"
    extra.mkdir()
    module = extra / "sitecustomize.py"
    module.write_text("VERSION = 1\n")
    os.utime(module, (1, 1))
    monkeypatch.setenv("PYTHONPATH", f"{extra}{os.pathsep}{ROOT}")
    template = place.with_template()
    assert place.run(seen.version_of, "sitecustomize") == (True, 1)
    module.write_text("VERSION = 2\n")
    os.utime(module, (2, 2))
    assert place.run(seen.version_of, "sitecustomize") == (False, 2)
    assert until(place.template, "there is another") != template
    assert place.run(seen.version_of, "sitecustomize") == (True, 2)


SLOW = """
import sys, time
from pathlib import Path
HERE = Path(__file__).parent
VERSION = 1

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "nbsubmit.worker.meter":
            (HERE / "waits").touch()
            while not (HERE / "go").exists():
                time.sleep(0.02)

sys.meta_path.insert(0, Slow())
"""


def test_what_changes_while_a_slow_disk_is_read_is_seen(place: Place) -> None:
    place.at_start(SLOW)
    extra = place.path / "extra"
    job = place.executor().submit(seen.version_of, "sitecustomize")
    until((extra / "waits").exists, "it has read some of what it needs")
    (extra / "sitecustomize.py").write_text("VERSION = 2\n")
    # So long before that it counts as settled by the time that all is read.
    edited = time.time() - forks_there._SETTLED_SECONDS + 0.5
    os.utime(extra / "sitecustomize.py", (edited, edited))
    until(lambda: time.time() > edited + forks_there._SETTLED_SECONDS + 0.5, "time has gone by")
    (extra / "go").touch()
    assert job.result(PATIENCE) == (False, 1)
    until(lambda: not place.workers(), "nothing is left")
    assert place.run(seen.version_of, "sitecustomize") == (False, 2)


def test_a_template_ends_with_the_last_process_that_has_asked_it(place: Place) -> None:
    code = (
        "import nbsubmit, os, time\n"
        f"executor = nbsubmit.AutoExecutor({str(place.path / 'logs')!r}, cluster='local')\n"
        "executor.submit(os.getpid).result()\nprint('done', flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "done\n"
        template = int(until(place.template, "there is a template"))
        one.communicate("\n")
    until(lambda: not psutil.pid_exists(template), "the template is gone")
