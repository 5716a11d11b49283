"""What a job uses is measured on the real process, and noted in a file that stays small."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from nbsubmit.core.folder import JobFolder
from nbsubmit.core.usage import Limits, Sample, UsageReader, parse
from nbsubmit.worker import family, gpus, meter
from nbsubmit.worker.family import Taken, taken
from nbsubmit.worker.gpus import Busy, Gpus
from nbsubmit.worker.meter import LONGEST_FILE, Meter, Pace, Record
from nbsubmit.worker.surroundings import limits
from tests.way import Way, until

MB = 1_000_000
# Both are tried on this system, whichever it would use.
WAYS = [family._by_proc, family._by_psutil]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A process that has 100 MB, and a child of its own that works."""
    grandchild = "while True: pass"
    code = (
        "import subprocess, sys\n"
        "held = bytearray(100_000_000)\n"
        f"busy = subprocess.Popen([sys.executable, '-c', {grandchild!r}])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
        "busy.kill(); busy.wait()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.communicate("", timeout=30)


@pytest.mark.parametrize("look", WAYS)
def test_a_process_and_its_children_are_measured_together(
    look: Callable[[int], Taken], child: subprocess.Popen[str]
) -> None:
    before = look(child.pid)
    assert before.memory > 100 * MB
    later = until(
        lambda: (now := look(child.pid)).cpu_seconds > before.cpu_seconds + 0.2 and now,
        "the child's child has worked",
    )
    assert later.memory > 100 * MB


def test_both_ways_of_measuring_agree(child: subprocess.Popen[str]) -> None:
    def both() -> bool:
        one, other = (look(child.pid) for look in WAYS)
        near = one.cpu_seconds == pytest.approx(other.cpu_seconds, abs=0.2)
        return near and one.memory == pytest.approx(other.memory, rel=0.01)

    until(both, "the child's child has started, and both see the same")


@pytest.mark.parametrize("look", WAYS)
def test_the_time_of_children_that_have_ended_counts(look: Callable[[int], Taken]) -> None:
    before = look(os.getpid()).cpu_seconds
    code = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert look(os.getpid()).cpu_seconds > before + 0.25


@pytest.mark.parametrize("look", WAYS)
def test_a_process_that_has_gone_has_nothing(look: Callable[[int], Taken]) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    assert look(gone.pid).memory == 0


def test_memory_that_was_given_back_between_two_looks_is_known() -> None:
    code = (
        "import os\n"
        "from nbsubmit.worker.family import taken\n"
        "held = bytearray(150_000_000); held = None\n"
        "found = taken(os.getpid())\n"
        "print(found.memory < 100_000_000 < 150_000_000 < found.peak)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_look_costs_next_to_nothing() -> None:
    before = time.process_time()
    for _ in range(50):
        taken(os.getpid())
    assert (time.process_time() - before) / 50 < 0.02


# When a look is noted


def test_a_young_job_is_noted_at_each_look_and_an_old_one_every_ten_seconds() -> None:
    pace = Pace(0.0)
    noted = [float(now) for now in range(7200) if pace.due(float(now), 100)]
    assert noted[:60] == [float(now) for now in range(60)]
    assert {b - a for a, b in zip(noted[-100:], noted[-99:], strict=False)} == {10.0}


def test_a_peak_that_grows_is_noted_at_once() -> None:
    pace = Pace(0.0)
    assert pace.due(5000.0, 1000)
    assert not pace.due(5001.0, 1050)
    assert pace.due(5002.0, 1101)
    assert not pace.due(5003.0, 1101)


# The file


def test_a_week_takes_less_than_100_kb_and_its_beginning_is_not_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "usage"
    record, reader, pace = Record(file), UsageReader(file), Pace(0.0)
    largest = 0
    week = 7 * 86400
    at = 1_700_000_000.0
    for now in range(0, week, 10):
        if pace.due(now, 10**12):
            memory = 9 * 10**12 if now == 36_000 else 10**12
            record.note(Sample(at + now + 0.25, 1234.5, memory, 10**12, 99.9, 10**11, 10**12))
        if now % 86_400 == 0:
            reader.read()
        largest = max(largest, file.stat().st_size) if now % 1000 == 0 else largest
    assert largest < 100_000
    samples = [s for line in file.read_bytes().splitlines() if (s := parse(line))]
    assert len(samples) < LONGEST_FILE
    assert samples[0].at < at + 7200
    assert samples[-1].at > at + week - 20
    gaps = [b.at - a.at for a, b in itertools.pairwise(samples)]
    assert max(gaps) < week / 50
    assert max(sample.memory for sample in samples) == 9 * 10**12
    assert reader.read()[-1] == samples[-1]


def test_the_file_is_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "usage"
    record = Record(file)
    for n in range(LONGEST_FILE + 1):  # it is replaced on the way
        record.note(Sample(float(n), 1.0, 2, 3))
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_bytes().splitlines()) < LONGEST_FILE


def test_a_job_that_runs_again_is_measured_anew(make_way: Callable[..., Way]) -> None:
    job = make_way("local").run("y = 1")
    usage = job.folder.usage_file
    usage.write_bytes(Sample(at=1.0, cpu=1.0, memory=10**15, peak=10**15).line())
    job.folder.result_file.unlink()
    worker = [sys.executable, "-m", "nbsubmit.worker", str(job.folder.path)]
    subprocess.run(worker, check=True, capture_output=True)
    assert all(sample.at > 1.0 for sample in UsageReader(usage).read())
    assert job.folder.result_file.exists()


# The thread's own step


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path / "job")
    folder.create()
    return folder


def test_processor_time_is_told_in_percent_of_what_was_given(folder: JobFolder) -> None:
    one, four = Meter(folder, 1), Meter(folder, 4)
    one.look(last=True)
    four.look(last=True)
    began = time.monotonic()
    used = time.process_time()
    while time.process_time() - used < 0.5:
        pass
    share = 100 * 0.5 / (time.monotonic() - began)
    one.look(last=True)
    four.look(last=True)
    *_, of_one, of_four = UsageReader(folder.usage_file).read()
    assert of_one.cpu == pytest.approx(share, rel=0.3)
    assert of_four.cpu == pytest.approx(share / 4, rel=0.3)


def test_what_cannot_be_measured_ends_the_looking_and_nothing_else(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "taken", lambda _: 1 / 0)
    assert not Meter(folder, 1).look(last=True)


def test_a_folder_that_was_deleted_ends_the_looking_and_nothing_else(folder: JobFolder) -> None:
    looking = Meter(folder, 1)
    assert looking.look(last=True)
    for file in folder.path.iterdir():
        file.unlink()
    folder.path.rmdir()
    assert not looking.look(last=True)


# GPUs. There is none here: what stands in for NVIDIA's library has its functions' names and gives
# what its manual says that they do.


class Library:
    """Two GPUs."""

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:
        return number

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}abc"

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=40 + 20 * handle, memory=1)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(total=1000, free=900, used=100 * (handle + 1))


VISIBLE: dict[str, tuple[dict[str, str], Busy | None]] = {
    "all": ({}, Busy(50.0, 300, 2000)),
    "the first": ({"CUDA_VISIBLE_DEVICES": "0"}, Busy(40.0, 100, 1000)),
    "both": ({"CUDA_VISIBLE_DEVICES": "0, 1"}, Busy(50.0, 300, 2000)),
    "one by its identifier": ({"CUDA_VISIBLE_DEVICES": "GPU-1a"}, Busy(60.0, 200, 1000)),
    "none": ({"CUDA_VISIBLE_DEVICES": ""}, None),
    "one that is not there": ({"CUDA_VISIBLE_DEVICES": "7"}, None),
}


@pytest.mark.parametrize("kind", VISIBLE)
def test_the_gpus_that_the_job_may_use_are_looked_at(kind: str) -> None:
    environ, busy = VISIBLE[kind]
    assert Gpus(Library(), environ).look() == busy


def test_without_a_gpu_the_library_is_not_even_looked_for(tmp_path: Path) -> None:
    (tmp_path / "null").touch()
    assert gpus.library(tmp_path) is None
    assert "pynvml" not in sys.modules


def test_with_a_gpu_and_without_the_library_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nvidia0").touch()
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpus.library(tmp_path) is None


def test_what_the_gpus_do_is_in_the_sample(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "library", Library)
    monkeypatch.setattr(meter, "_LOOK_SECONDS", 3600.0)
    Meter(folder, 1).start()
    (sample,) = until(lambda: UsageReader(folder.usage_file).read(), "the first look")
    assert (sample.gpu, sample.gpu_memory, sample.gpu_total) == (50.0, 300, 2000)


# What was given


def test_what_the_backend_gave_is_known_and_the_processors_always_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert limits() == Limits(cpus=len(os.sched_getaffinity(0)))
    monkeypatch.setenv("NBSUBMIT_LIMITS", "cpus=3 mib=1")
    assert limits() == Limits(cpus=3, memory=1 << 20)
