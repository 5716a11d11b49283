"""An hour of a busy user's, by a clock that is handed in: every call of Slurm's programs counts.

The jobs, their folders, the watching, the sharing and the backend are real. Slurm itself is played,
for a real one has no other clock.

Promise 6 of README.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nbsubmit.backends.slurm import commands, status
from nbsubmit.backends.slurm.backend import SlurmBackend
from nbsubmit.backends.slurm.commands import CommandFailed
from nbsubmit.backends.slurm.places import Places
from nbsubmit.core.answers import AnswerFile
from nbsubmit.core.asking import Asked
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.job import Job
from nbsubmit.core.result import Result
from nbsubmit.core.settings import Settings
from nbsubmit.core.state import JobState
from nbsubmit.core.watch import Watcher, poll_once
from nbsubmit.core.watched import Watched
from tests.way import Way

POLL, BEAT, POLITE = 15.0, 5.0, SlurmBackend.polite_seconds
SETTINGS = Settings(poll_seconds=POLL, beat_seconds=BEAT)
MINUTE, HOUR = 60.0, 3600.0


@dataclass
class Slurm:
    """Plays Slurm's programs, and keeps account of each call."""

    now: float = 0.0
    states: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[float, str, tuple[str, ...]]] = field(default_factory=list)
    is_down: bool = False
    over: int = 0

    def run(self, program: str, *arguments: str, **_how: Any) -> tuple[str, str]:
        self.calls.append((self.now, program, arguments))
        if self.is_down:
            raise CommandFailed(program, "Unable to contact slurm controller")
        if program == "sbatch":
            handle = str(1001 + len(self.states) + self.over)
            self.states[handle] = "PENDING"
            return f"{handle}\n", ""
        if arguments == ("ping",):
            return "Slurmctld(primary) at head is UP\n", ""
        if program == "scontrol":
            return "AccountingStorageType = accounting_storage/none\nPrivateData = none\n", ""
        jobs = next((a for a in arguments if a.startswith("--jobs=")), "--jobs=").partition("=")[2]
        form = next(a for a in arguments if a.startswith("--format=")).partition("=")[2]
        return "".join(self._line(job, form) for job in jobs.split(",") if job in self.states), ""

    def _line(self, job: str, form: str) -> str:
        words = {"%i": job, "%T": self.states[job], "%r": "Resources", "%S": "N/A", "%l": "1:00:00"}
        return "|".join(words.get(code, "") for code in form.split("|")) + "\n"

    def questions(self) -> list[tuple[float, str]]:
        """The batched queries: when, and for which jobs."""
        form = f"--format={status.SQUEUE_FORMAT}"
        return [
            (at, next(a for a in words if a.startswith("--jobs=")))
            for at, program, words in self.calls
            if program == "squeue" and form in words
        ]

    def forget(self, handle: str) -> None:
        """A job has ended, and the controller does not know it any more."""
        del self.states[handle]
        self.over += 1

    @property
    def programs(self) -> Counter[str]:
        """How often each was called."""
        return Counter(program for _, program, _ in self.calls)

    @property
    def gaps(self) -> list[float]:
        return [late - early for (early, _), (late, _) in pairwise(self.questions())]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    played = Slurm()
    monkeypatch.setattr(commands, "run", played.run)
    monkeypatch.setattr(commands, "find", lambda program: program)
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    monkeypatch.setenv("NBSUBMIT_QUEUE", str(tmp_path / "queue"))
    return played


class Nobody(Watcher):
    """Looks at nothing: here that is done by a clock that is handed in."""

    def add(self, job: Job) -> None: ...


@dataclass
class Played:
    """A job, and what its node does to its folder and when."""

    folder: JobFolder
    watched: Watched
    handle: str
    starts: float = float("inf")
    ends: float = float("inf")
    how: str = "well"
    begun: bool = False
    over: bool = False

    def live(self, now: float, slurm: Slurm) -> None:
        if self.over or now < self.starts:
            return
        if not self.begun:
            self.begun, slurm.states[self.handle] = True, "RUNNING"
            told = {"host": "n1", "pid": 1, "at": now}
            self.folder.write_json(self.folder.started_file, told)
        if now < self.ends:
            self.folder.beat_file.touch()
            os.utime(self.folder.beat_file, (now + 1e6, now + 1e6))
            return
        self.over = True
        if self.how == "well":
            slurm.forget(self.handle)
            result = Result(started=0.0, ended=1.0, python=(3, 11))
            self.folder.write_json(self.folder.result_file, result.to_json())
        elif self.how == "killed":
            slurm.states[self.handle] = "FAILED"
            self.folder.exit_file.write_text("137")
        else:
            slurm.states[self.handle] = "NODE_FAIL"


class Kernel:
    """One process: several watchers, as a notebook and executors have them, and one `Asked`."""

    def __init__(self, path: Path, slurm: Slurm, watchers: int = 3) -> None:
        self.slurm = slurm
        self._path = path
        path.mkdir(mode=0o700)
        self._watchers: list[list[Watched]] = [[] for _ in range(watchers)]
        self._places = Places(lambda: slurm.now)
        self._asked = Asked(AnswerFile(SlurmBackend().shared_file, lambda: slurm.now + 1e9))
        self.jobs: list[Played] = []

    def send(self, **how: Any) -> Played:
        way = Way(SlurmBackend(self._places), self._path / "store", Nobody(SETTINGS), SETTINGS)
        job = way.send("x = 1")
        played = Played(job.folder, Watched(job, since=self.slurm.now), job.handle, **how)
        self._watchers[len(self.jobs) % len(self._watchers)].append(played.watched)
        self.jobs.append(played)
        return played

    def look(self) -> None:
        now = self.slurm.now
        for job in self.jobs:
            job.live(now, self.slurm)
        for watched in self._watchers:
            live = [one for one in watched if not one.job.done()]
            if live:
                poll_once(live, live[0].job.backend, self._asked, SETTINGS, now)

    def states(self) -> Counter[JobState]:
        return Counter(job.watched.job.state for job in self.jobs)


def go_to(end: float, *kernels: Kernel, step: float = 2.5) -> None:
    slurm = kernels[0].slurm
    while slurm.now < end:
        slurm.now += step
        for kernel in kernels:
            kernel.look()


def fill(kernel: Kernel, chance: random.Random) -> None:
    """A day's work: most end well, some wait for ever, some come to grief."""
    for _ in range(24):
        start = chance.uniform(5, 10 * MINUTE)
        kernel.send(starts=start, ends=start + chance.uniform(MINUTE, 40 * MINUTE))
    for _ in range(3):
        kernel.send()
    kernel.send(starts=10.0, ends=20 * MINUTE, how="killed")
    kernel.send(starts=10.0, ends=30 * MINUTE, how="lost with its node")


@pytest.fixture
def make_kernel(tmp_path: Path, slurm: Slurm) -> Callable[[str], Kernel]:
    return lambda name: Kernel(tmp_path / name, slurm)


MakeKernel = Callable[[str], Kernel]


def test_jobs_that_end_normally_cost_no_call_but_those_that_send_them(
    slurm: Slurm, make_kernel: MakeKernel
) -> None:
    kernel = make_kernel("a")
    for number in range(20):
        kernel.send(starts=2.0 + number / 2, ends=HOUR - 5 * MINUTE + number)
    go_to(HOUR, kernel, step=4.0)
    assert kernel.states() == {JobState.COMPLETED: 20}
    assert slurm.programs["sbatch"] == 20
    assert slurm.programs["scontrol"] <= 20
    assert slurm.programs.keys() <= {"sbatch", "scontrol"}
    assert {at for at, _, _ in slurm.calls} == {0.0}, "all of them when they were sent"


def test_an_hour_of_one_kernel(slurm: Slurm, make_kernel: MakeKernel) -> None:
    kernel = make_kernel("a")
    fill(kernel, random.Random(7))
    go_to(HOUR, kernel)
    states = kernel.states()
    assert states[JobState.COMPLETED] == 24
    assert states[JobState.PENDING] == 3
    assert states[JobState.NODE_FAIL] == 1
    # Each interval has one question for all jobs of all three watchers, and it grows to a minute.
    questions = slurm.questions()
    urgent = [gap for gap in slurm.gaps if gap < POLL]
    assert min(slurm.gaps) >= POLITE
    assert len(urgent) <= 4, "only the two jobs in trouble are asked for sooner"
    assert len(questions) <= 2 * HOUR / MINUTE
    assert sum(gap >= MINUTE for gap in slurm.gaps) > 40
    assert max(words.count(",") for _, words in questions) > 10
    # Besides: each job is sent by one call and one that looks for a controller, the places in the
    # queue are asked for once a minute, and the configuration once for all.
    programs = slurm.programs
    assert programs["sbatch"] == len(kernel.jobs)
    assert programs["scontrol"] <= len(kernel.jobs) + 2
    assert programs["squeue"] - len(questions) <= HOUR / MINUTE
    assert set(programs) == {"sbatch", "squeue", "scontrol"}


def test_several_kernels_ask_hardly_more_than_one(slurm: Slurm, make_kernel: MakeKernel) -> None:
    kernels = [make_kernel(name) for name in "abc"]
    for number, kernel in enumerate(kernels):
        fill(kernel, random.Random(number))
    go_to(HOUR, *kernels, step=5.0)
    for kernel in kernels:
        assert kernel.states()[JobState.COMPLETED] == 24
        assert kernel.states()[JobState.NODE_FAIL] == 1
    assert min(slurm.gaps) >= POLITE
    urgent = [gap for gap in slurm.gaps if gap < POLL]
    assert len(urgent) <= 3 * 4
    assert len(slurm.questions()) - len(urgent) <= 2 * HOUR / MINUTE


def test_a_kernel_that_comes_later_learns_what_another_asks(
    slurm: Slurm, make_kernel: MakeKernel
) -> None:
    first, second = make_kernel("a"), make_kernel("b")
    first.send()
    go_to(MINUTE, first, second)
    waits = second.send()
    lost = second.send(starts=MINUTE + 10, ends=2 * MINUTE, how="lost")
    go_to(10 * MINUTE, first, second)
    assert waits.watched.job.status.reason != ""
    assert lost.watched.job.state is JobState.NODE_FAIL
    assert min(slurm.gaps) >= POLL
    words = slurm.questions()[-1][1]
    assert first.jobs[0].handle in words
    assert waits.handle in words
    assert lost.handle not in words


def test_a_kernel_that_has_ended_is_not_asked_for_any_more(
    slurm: Slurm, make_kernel: MakeKernel
) -> None:
    first, second = make_kernel("a"), make_kernel("b")
    stays, goes = first.send(), second.send()
    go_to(2 * MINUTE, first, second)
    assert goes.handle in slurm.questions()[-1][1]
    go_to(10 * MINUTE, first)
    assert goes.handle not in slurm.questions()[-1][1]
    assert stays.handle in slurm.questions()[-1][1]


def test_a_controller_that_is_down_is_left_alone_by_all(
    slurm: Slurm, make_kernel: MakeKernel
) -> None:
    kernels = [make_kernel(name) for name in "abc"]
    jobs = [kernel.send() for kernel in kernels]
    killed = kernels[0].send(starts=5.0, ends=2 * MINUTE, how="killed")
    go_to(MINUTE, *kernels)
    slurm.is_down = True
    asked = len(slurm.questions())
    go_to(HOUR, *kernels)
    for job in jobs:
        assert "cannot be asked: squeue: Unable to contact" in job.watched.job.status.reason
    assert killed.watched.job.state is JobState.FAILED
    assert len(slurm.questions()) - asked <= HOUR / MINUTE + 5
    slurm.is_down = False
    go_to(HOUR + 3 * MINUTE, *kernels)
    assert [job.watched.job.status.reason for job in jobs if "cannot" in str(job.watched.job)] == []


def test_clusters_do_not_share_what_they_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their jobs have the same ids. Some are told apart by a variable, some by their programs."""
    files = {SlurmBackend().shared_file}
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "other.conf"))
    files.add(SlurmBackend().shared_file)
    (tmp_path / "squeue").write_text("#!/bin/sh\n")
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    files.add(SlurmBackend().shared_file)
    assert len(files) == 3
    assert SlurmBackend().shared_file in files
