"""Samples of what a job uses: thinned out evenly, read forward, never the whole file again."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from nbsubmit.core.usage import Limits, Sample, UsageReader, last_sample, parse, thin

HOUR = [Sample(at=float(n), cpu=50.0, memory=1000, peak=1000) for n in range(3600)]
WITH_GPU = Sample(1.5, 99.9, 10, 20, gpu=50.0, gpu_memory=7, gpu_total=8)


def append(file: Path, *samples: Sample) -> None:
    with file.open("ab") as out:
        out.write(b"".join(sample.line() for sample in samples))


@pytest.mark.parametrize("sample", [HOUR[0], WITH_GPU])
def test_a_sample_is_one_line_and_comes_back_from_it(sample: Sample) -> None:
    assert sample.line().count(b"\n") == 1
    assert parse(sample.line()) == sample


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b'{"at":1}', b"7", b'{"other":1}', b"\xff"])
def test_a_line_that_is_no_sample_is_none(line: bytes) -> None:
    assert parse(line) is None


# Thinning


def test_few_samples_stay_as_they_are() -> None:
    assert thin(HOUR[:120], 120) == HOUR[:120]
    assert thin([], 120) == []


def test_many_samples_are_thinned_out_evenly_and_the_last_one_stays() -> None:
    kept = thin(HOUR, 120)
    assert 110 <= len(kept) <= 120
    assert kept[-1] is HOUR[-1]
    steps = {round(b.at - a.at) for a, b in itertools.pairwise(kept)}
    assert max(steps) <= 2 * 3600 / 120


def test_the_sample_with_the_most_memory_stays_however_often_they_are_thinned_out() -> None:
    high = replace(HOUR[1234], memory=9999)
    samples = [*HOUR[:1234], high, *HOUR[1235:]]
    for count in (1000, 300, 60, 20):
        samples = thin(samples, count)
        assert high in samples


def test_a_clock_that_was_set_back_loses_no_order() -> None:
    samples = [replace(sample, at=sample.at % 1800) for sample in HOUR]
    kept = thin(samples, 50)
    assert len(kept) <= 50
    assert kept[-1] == samples[-1]


def test_samples_of_one_moment_are_thinned_out_too() -> None:
    assert len(thin([HOUR[0]] * 500, 50)) <= 50


# Reading


def test_reading_goes_on_where_it_ended(tmp_path: Path) -> None:
    file = tmp_path / "usage"
    reader = UsageReader(file)
    assert reader.read() == []
    append(file, *HOUR[:2])
    assert reader.read() == HOUR[:2]
    append(file, HOUR[2])
    assert reader.read() == HOUR[:3]
    assert reader.read() == HOUR[:3]


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "usage"
    line = HOUR[0].line()
    file.write_bytes(line[:10])
    reader = UsageReader(file)
    assert reader.read() == []
    with file.open("ab") as out:
        out.write(line[10:])
    assert reader.read() == HOUR[:1]


def test_a_file_that_was_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    file, other = tmp_path / "usage", tmp_path / "new"
    append(file, *HOUR[:100])
    reader = UsageReader(file)
    reader.read()
    append(other, *HOUR[:100:10])
    other.replace(file)
    append(file, HOUR[100])
    assert reader.read() == [*HOUR[:100:10], HOUR[100]]


def test_a_file_that_a_second_run_of_the_job_has_emptied_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "usage"
    append(file, *HOUR[:10])
    reader = UsageReader(file)
    reader.read()
    file.write_bytes(HOUR[50].line())
    assert reader.read() == [HOUR[50]]


def test_a_reader_gives_no_more_than_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "usage"
    append(file, *HOUR)
    assert len(UsageReader(file).read()) <= 120
    assert len(UsageReader(file).read(10)) <= 10


@pytest.mark.parametrize("cut", [b"", b'{"at":9', b"\n", b"not a sample\n"])
def test_the_newest_whole_sample_is_found_at_the_end(tmp_path: Path, cut: bytes) -> None:
    file = tmp_path / "usage"
    append(file, *HOUR[:50], WITH_GPU)
    with file.open("ab") as out:
        out.write(cut)
    assert last_sample(file) == WITH_GPU


def test_where_nothing_was_noted_there_is_no_newest(tmp_path: Path) -> None:
    assert last_sample(tmp_path / "absent") is None
    (tmp_path / "empty").touch()
    assert last_sample(tmp_path / "empty") is None


# What was given

MIB = 1 << 20
SAID = {
    "cpus=2 gpus=1 mib=300 ends=1700000000": Limits(2, 1, 300 * MIB, None, 1700000000),
    "cpus=4 gpus= mib= mib_per_cpu=500 ends=": Limits(cpus=4, memory=2000 * MIB),
    "cpus=4 gpus=2 mib_per_gpu=1000": Limits(4, 2, 2000 * MIB),
    "mib_per_cpu=500": Limits(),
    "mib=0": Limits(),
    "": Limits(),
    "cpus=many mib 17 =3": Limits(),
}


@pytest.mark.parametrize("text", SAID)
def test_what_a_script_says_is_read(text: str) -> None:
    assert Limits.from_words(text) == SAID[text]


def test_limits_come_back_from_plain_data() -> None:
    limits = Limits(cpus=2, memory=17)
    assert limits.to_json() == {"cpus": 2, "memory": 17}
    assert Limits.from_json(limits.to_json()) == limits
    assert Limits.from_json({"cpus": 1, "of another release": 2}) == Limits(cpus=1)


def test_what_is_known_better_stands_over_what_was_asked_for() -> None:
    asked = Limits(cpus=1, memory=17, seconds=60)
    assert Limits(cpus=2).over(asked) == Limits(cpus=2, memory=17, seconds=60)
