"""How a job goes, read forward from its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbsubmit.client.meters import Meters
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.job import Job
from nbsubmit.core.usage import Sample

ONE = Sample(at=1.0, cpu=50.0, memory=10, peak=20)


class Nobody:
    """Watches nothing."""

    def add(self, job: Job) -> None:
        raise AssertionError("nobody waits")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    folder = JobFolder(tmp_path / "job")
    folder.create()
    folder.write_json(folder.spec_file, {"backend": "local"})
    return Job(folder, None, Nobody())


def add(file: Path, text: str) -> None:
    with file.open("ab") as out:
        out.write(text.encode())


def bar(done: int, name: str = "epoch") -> str:
    return f"\r{name}: {done:3}%|{'█' * (done // 10):10}| {done}/100 [00:01<00:02, 40.00it/s]"


def shown(meters: Meters) -> list[tuple[str, float]]:
    return [(bar.description, bar.done) for bar in meters.progress()]


def test_samples_and_bars_are_those_up_to_now(job: Job) -> None:
    meters = Meters(job)
    assert meters.samples() == ()
    assert meters.progress() == ()
    add(job.folder.usage_file, ONE.line().decode())
    add(job.folder.log_err, bar(10) + bar(20))
    assert meters.samples() == (ONE,)
    assert shown(meters) == shown(meters) == [("epoch", 20)]
    add(job.folder.log_err, bar(30))
    assert shown(meters) == [("epoch", 30)]


def test_bars_of_both_streams_are_seen(job: Job) -> None:
    add(job.folder.log_out, bar(10, "out"))
    add(job.folder.log_err, bar(20, "err"))
    assert shown(Meters(job)) == [("err", 20), ("out", 10)]


def test_a_bar_that_was_cut_in_two_is_whole_again(job: Job) -> None:
    meters = Meters(job)
    text = bar(50).encode()
    for n in range(0, len(text), 7):
        with job.folder.log_err.open("ab") as out:
            out.write(text[n : n + 7])
        meters.progress()
    assert shown(meters) == [("epoch", 50)]


@pytest.mark.parametrize("step", [1, 50, 5000])
def test_a_long_log_is_read_by_its_end(job: Job, step: int) -> None:
    meters = Meters(job)
    for n in range(5000):
        add(job.folder.log_err, bar(n // 50))
        if n % step == 0:
            assert shown(meters) == [("epoch", n // 50)]
    assert shown(meters) == shown(Meters(job)) == [("epoch", 99)]


def test_bars_far_above_are_no_longer_drawn(job: Job) -> None:
    meters = Meters(job)
    add(job.folder.log_err, bar(50) + "\n")
    assert shown(meters) == [("epoch", 50)]
    add(job.folder.log_err, "then many lines\n" * 30)
    assert shown(meters) == []


def test_a_log_without_any_line_end_is_no_bar_and_no_trouble(job: Job) -> None:
    meters = Meters(job)
    for _ in range(5):
        add(job.folder.log_err, "x" * 9000)
        assert shown(meters) == []
    add(job.folder.log_err, "\n" + bar(10))
    assert shown(meters) == [("epoch", 10)]


def test_a_log_that_is_shorter_than_before_is_read_anew(job: Job) -> None:
    meters = Meters(job)
    add(job.folder.log_err, bar(10) + bar(20) + "\n")
    meters.progress()
    job.folder.log_err.write_text(bar(5).lstrip())
    assert shown(meters) == [("epoch", 5)]


def test_a_log_that_is_gone_shows_what_it_did(job: Job) -> None:
    meters = Meters(job)
    add(job.folder.log_err, bar(10))
    meters.progress()
    job.folder.log_err.unlink()
    assert shown(meters) == [("epoch", 10)]
