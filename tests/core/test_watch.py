"""Looking at live jobs: one pure step, by a clock that is handed in."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from nbsubmit.core import asking, watched
from nbsubmit.core.asking import Asked, Run
from nbsubmit.core.backend import Backend, Owner, Report
from nbsubmit.core.errors import BackendMissing
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.found import Found, look
from nbsubmit.core.inputs import Input
from nbsubmit.core.job import Job
from nbsubmit.core.options import Option
from nbsubmit.core.questions import hear_nothing
from nbsubmit.core.result import CellError, Result
from nbsubmit.core.settings import Floors, Settings, floored
from nbsubmit.core.settle import settle
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState
from nbsubmit.core.usage import Sample
from nbsubmit.core.watch import Watcher, poll_once
from nbsubmit.core.watched import Watched

T = TypeVar("T")
POLL, BEAT, POLITE = 15.0, 5.0, 2.0
SETTINGS = Settings(poll_seconds=POLL, beat_seconds=BEAT)
MINUTE, HOUR = 60.0, 3600.0


# Later than all dates that a clock here gives, and before those of a real one.
_FAR = 1e9


class FakeBackend:
    """Answers what it is told to, and keeps the questions."""

    name: ClassVar[str] = "fake"
    options: ClassVar[Sequence[Option]] = ()
    owned: ClassVar[Mapping[str, str]] = {}
    polite_seconds: ClassVar[float] = POLITE

    def __init__(self) -> None:
        self.now = 0.0
        self.asked_at: list[float] = []
        self.stopped: list[str] = []
        self.asked_for: list[list[str]] = []
        self.answers: dict[str, Report] = {}
        self.searched_at: list[float] = []
        self.started: dict[str, dict[int, str]] = {}
        self.trouble: Exception | None = None

    def check(self) -> None: ...

    def script(self, launch: Launch) -> str:
        return ""

    def ignored(self, launch: Launch) -> Sequence[str]:
        return ()

    def expected_start(self, launch: Launch) -> str:
        return ""

    def largest_array(self) -> int | None:
        return None

    def find(self, job_id: str) -> Mapping[int, str]:
        self.searched_at.append(self.now)
        if self.trouble is not None:
            raise self.trouble
        return self.started.get(job_id, {})

    def start(self, launch: Launch) -> str:
        return ""

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        self.asked_at.append(self.now)
        self.asked_for.append(list(handles))
        if self.trouble is not None:
            raise self.trouble
        return {handle: self.answers.get(handle, Report(JobState.PENDING)) for handle in handles}

    def warn(self, handle: str, owner: Owner | None = None) -> None: ...

    def stop(self, handle: str, owner: Owner | None = None) -> None:
        self.stopped.append(handle)


class FreeBackend(FakeBackend):
    """Costs nobody anything to ask."""

    polite_seconds: ClassVar[float] = 0.0


class Nobody:
    """Stands where a job expects its watcher."""

    def add(self, job: Job) -> None: ...


@dataclass
class Node:
    """Does to a job's folder what the job does."""

    folder: JobFolder

    def starts(self, at: float) -> None:
        self.beats(at)
        self.folder.write_json(self.folder.started_file, {"host": "n1", "pid": 1, "at": at})

    def beats(self, at: float) -> None:
        self.folder.beat_file.touch()
        os.utime(self.folder.beat_file, (at + 1e6, at + 1e6))

    def succeeds(self) -> None:
        result = Result(started=0.0, ended=1.0, python=(3, 11))
        self.folder.write_json(self.folder.result_file, result.to_json())

    def fails(self) -> None:
        error = CellError("ValueError", "bad", ("trace",))
        result = Result(started=0.0, ended=1.0, python=(3, 11), error=error)
        self.folder.write_json(self.folder.result_file, result.to_json())

    def ends(self, code: int) -> None:
        self.folder.exit_file.write_text(str(code))


@dataclass
class World:
    """Jobs, one backend, and a clock that goes when it is told to."""

    path: Path
    backend: FakeBackend = field(default_factory=FakeBackend)
    now: float = 0.0
    watched: list[Watched] = field(default_factory=list)
    asked: Asked = field(default_factory=Asked)
    settings: Settings = field(default_factory=lambda: SETTINGS)
    run: Run = asking.now

    def send(self, handle: str = "17", after: Sequence[Job] = ()) -> tuple[Job, Node]:
        folder = JobFolder(self.path / f"240102-030405-{len(self.watched):04}")
        folder.create()
        inputs = [Input.of(job, waited=True).to_json() for job in after]
        spec = {"backend": "fake", "name": "", "created": 0.0, "after": inputs}
        folder.write_json(folder.spec_file, spec)
        if handle:
            folder.write_json(folder.handle_file, {"backend": "fake", "handle": handle})
        job = Job(folder, self.backend, Nobody())
        self.watched.append(Watched(job, since=self.now))
        return job, Node(folder)

    def look(self) -> None:
        self.backend.now = self.now
        self._date_what_is_new()
        live = [w for w in self.watched if not w.job.done()]
        poll_once(live, self.backend, self.asked, self.settings, self.now, self.run)

    def _date_what_is_new(self) -> None:
        """Have the disk's clock go as this one: an hour here is over within its tick."""
        for one in self.watched:
            path = one.job.folder.path
            if path.is_dir() and path.stat().st_mtime > _FAR:
                os.utime(path, (_FAR / 2 + self.now, _FAR / 2 + self.now))

    def go_to(self, end: float, step: float = 0.5, each: Callable[[], None] | None = None) -> None:
        """Look again and again until then."""
        while self.now < end:
            self.now += step
            if each is not None:
                each()
            self.look()

    @property
    def gaps(self) -> list[float]:
        return [after - before for before, after in pairwise(self.backend.asked_at)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def state(job: Job) -> JobState:
    return job.state


# What costs a question


def test_a_job_that_ends_normally_costs_no_question(world: World) -> None:
    job, node = world.send()
    world.go_to(5)
    assert state(job) is JobState.PENDING
    node.starts(5)
    world.go_to(10)
    assert state(job) is JobState.RUNNING
    node.succeeds()
    world.go_to(11)
    assert state(job) is JobState.COMPLETED
    assert world.backend.asked_at == []


def test_a_job_that_runs_for_hours_costs_no_question_while_its_beat_goes_on(world: World) -> None:
    job, node = world.send()
    node.starts(0)
    world.go_to(2 * HOUR, step=5, each=lambda: node.beats(world.now))
    node.fails()
    world.go_to(2 * HOUR + 5)
    assert state(job) is JobState.FAILED
    assert world.backend.asked_at == []


def test_what_follows_a_job_that_fails_is_known_not_to_run_at_once_and_costs_no_question(
    world: World,
) -> None:
    first, node = world.send("17")
    second, _ = world.send("18", after=[first])
    third, _ = world.send("19", after=[second])
    node.starts(0)
    world.go_to(HOUR, each=lambda: node.beats(world.now))
    assert (state(second), state(third)) == (JobState.PENDING, JobState.PENDING)
    asked = len(world.backend.asked_at)
    node.fails()
    world.go_to(HOUR + 3)
    assert (state(first), state(second)) == (JobState.FAILED, JobState.CANCELLED)
    assert state(third) is JobState.CANCELLED
    assert len(world.backend.asked_at) == asked


def test_what_follows_a_job_that_seems_to_be_gone_waits_for_what_the_backend_says(
    world: World,
) -> None:
    first, _ = world.send("17")
    second, _ = world.send("18", after=[first])
    world.backend.answers["17"] = Report(None)
    world.go_to(2 * MINUTE)
    assert (state(first), state(second)) == (JobState.LOST, JobState.PENDING)
    world.backend.answers["18"] = Report(JobState.CANCELLED)
    world.go_to(4 * MINUTE)
    assert state(second) is JobState.CANCELLED
    assert f"not run: its input, job {first.id}, is LOST" in second.status.reason


def test_a_job_that_does_not_start_is_asked_for_after_a_while(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.PENDING, "jobs before it")
    job, _ = world.send()
    world.go_to(POLL - 0.5)
    assert world.backend.asked_at == []
    world.go_to(POLL)
    assert world.backend.asked_at == [POLL]
    assert (job.state, job.status.reason) == (JobState.PENDING, "jobs before it")


def test_a_job_that_waits_long_is_asked_for_less_and_less_often(world: World) -> None:
    world.send()
    world.go_to(HOUR)
    gaps = world.gaps
    assert gaps[0] == POLL
    assert all(before <= after for before, after in pairwise(gaps))
    assert gaps[-1] == MINUTE
    assert len(gaps) < 70


def test_a_hundred_jobs_cost_one_question_an_interval(world: World) -> None:
    for number in range(100):
        world.send(str(number))
    world.go_to(MINUTE)
    assert world.backend.asked_at == [15, 30, 45, 60]
    assert all(len(handles) == 100 for handles in world.backend.asked_for)


def test_a_new_job_among_old_ones_does_not_make_questions_more_frequent(world: World) -> None:
    world.send("old")
    for number in range(20):
        world.go_to(world.now + 3)
        world.send(str(number))
    world.go_to(2 * MINUTE)
    assert min(world.gaps) >= POLL


def test_a_job_whose_beat_has_stopped_is_asked_for(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.NODE_FAIL)
    job, node = world.send()
    node.starts(0)
    world.go_to(30, each=lambda: node.beats(world.now))
    world.go_to(30 + 3 * BEAT)
    assert world.backend.asked_at == []
    world.go_to(30 + 4 * BEAT)
    assert len(world.backend.asked_at) == 1
    assert state(job) is JobState.NODE_FAIL


def test_a_job_that_the_backend_has_forgotten_is_lost_after_a_moments_grace(world: World) -> None:
    world.backend.answers["17"] = Report(None)
    job, _ = world.send()
    world.go_to(POLL)
    assert state(job) is JobState.PENDING
    world.go_to(POLL + 5)
    assert state(job) is JobState.LOST
    assert "gone" in job.status.reason


def test_a_result_that_shows_during_the_grace_counts(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.COMPLETED)
    job, node = world.send()
    world.go_to(POLL + 1)
    node.succeeds()
    world.go_to(POLL + 5)
    assert state(job) is JobState.COMPLETED


def test_a_job_that_starts_after_the_queue_was_asked_is_seen_to_run(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.PENDING, "it waits for free resources")
    job, node = world.send()
    world.go_to(POLL + 1)
    assert job.status.reason == "it waits for free resources"
    node.starts(world.now)
    world.go_to(2 * MINUTE, each=lambda: node.beats(world.now))
    assert state(job) is JobState.RUNNING
    assert job.status.reason == ""


def test_a_job_that_was_queued_again_is_seen_to_wait_and_then_to_run_again(world: World) -> None:
    job, node = world.send()
    node.starts(0)
    world.go_to(5, each=lambda: node.beats(world.now))
    world.backend.answers["17"] = Report(JobState.PENDING, "its time to begin has not come")
    world.go_to(MINUTE)
    assert job.state is JobState.PENDING
    assert job.status.reason == "waits to be run again (run 2): its time to begin has not come"
    node.starts(world.now)
    world.go_to(2 * MINUTE, each=lambda: node.beats(world.now))
    assert state(job) is JobState.RUNNING


def test_what_its_earlier_run_has_left_is_no_reason_to_ask_more_often(world: World) -> None:
    job, node = world.send()
    node.starts(0)
    world.go_to(5, each=lambda: node.beats(world.now))
    world.backend.answers["17"] = Report(JobState.PENDING)
    node.ends(1)
    world.go_to(HOUR)
    assert state(job) is JobState.PENDING
    assert len(world.backend.asked_at) < 100
    assert world.gaps[-1] >= POLL


# Something is wrong with it


def test_a_worker_that_ended_without_a_result_is_asked_for_at_once(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.OUT_OF_MEMORY)
    job, node = world.send()
    node.starts(0)
    world.go_to(1)
    node.ends(137)
    world.go_to(1.5)
    assert world.backend.asked_at == [1.5]
    assert state(job) is JobState.OUT_OF_MEMORY


def test_a_job_that_was_cancelled_is_asked_for_soon_and_politely(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.RUNNING)
    job, node = world.send()
    node.starts(0)
    world.go_to(1)
    job.cancel()
    world.go_to(30, each=lambda: node.beats(world.now))
    assert world.backend.asked_at[0] == 1.5
    assert min(world.gaps) >= POLITE
    assert job.status.reason == "being cancelled"
    world.backend.answers["17"] = Report(JobState.CANCELLED)
    world.go_to(30 + POLITE)
    assert state(job) is JobState.CANCELLED


def test_a_hundred_jobs_in_trouble_are_asked_for_politely_and_at_once(world: World) -> None:
    jobs = [world.send(str(number)) for number in range(100)]
    world.backend.answers = {str(number): Report(JobState.RUNNING) for number in range(100)}
    for _, node in jobs:
        node.starts(0)
        node.ends(1)
    world.go_to(8)
    assert min(world.gaps) >= POLITE
    assert all(len(handles) == 100 for handles in world.backend.asked_for)


def test_a_sites_floor_holds_for_jobs_in_trouble_too(world: World) -> None:
    world.settings = floored(replace(SETTINGS, floors=Floors(min_poll_seconds=3 * POLITE)))
    world.backend.answers["17"] = Report(JobState.RUNNING)
    _, node = world.send()
    node.starts(0)
    node.ends(1)
    world.go_to(10 * POLITE)
    assert len(world.gaps) > 1
    assert min(world.gaps) >= 3 * POLITE


def test_a_sites_floor_holds_for_whoever_waits_for_an_answer(world: World) -> None:
    settings = floored(replace(SETTINGS, floors=Floors(min_poll_seconds=3 * POLITE)))
    _, node = world.send()
    node.starts(0)
    world.go_to(HOUR, step=60)  # it shows no sign of life, so only the backend knows
    asked = len(world.backend.asked_at)
    for second in range(60):
        world.backend.now = HOUR + second
        poll_once(world.watched, world.backend, world.asked, settings, HOUR + second, at_once=True)
    assert 2 <= len(world.backend.asked_at) - asked <= 60 / (3 * POLITE) + 1
    assert min(world.gaps) >= 3 * POLITE


def test_a_job_that_ended_while_nobody_can_be_asked_ends_all_the_same(world: World) -> None:
    world.backend.trouble = OSError("down")
    job, node = world.send()
    node.starts(0)
    node.ends(1)
    world.go_to(20)
    assert state(job) is JobState.FAILED
    assert "exit code 1" in job.status.reason


def test_a_job_that_ended_once_and_was_queued_again_is_waited_for(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.PENDING, "its time to begin has not come")
    job, node = world.send()
    node.starts(0)
    node.ends(143)
    world.go_to(5 * MINUTE)
    assert state(job) is JobState.PENDING
    assert min(world.gaps) >= POLITE


def test_a_job_whose_folder_was_deleted_ends(world: World) -> None:
    job, node = world.send()
    node.starts(0)
    world.go_to(5)
    shutil.rmtree(job.folder.path)
    world.go_to(5 * MINUTE)
    assert state(job) is JobState.LOST


def test_of_a_job_whose_folder_goes_file_by_file_it_is_known_what_may_run_on(world: World) -> None:
    job, node = world.send()
    node.starts(0)
    world.go_to(5)
    job.folder.handle_file.unlink()
    world.go_to(10)
    shutil.rmtree(job.folder.path)
    world.go_to(5 * MINUTE)
    assert state(job) is JobState.LOST
    assert "job 17" in job.status.advice


CORRUPT: dict[str, Callable[[JobFolder], object]] = {
    "no JSON": lambda f: f.result_file.write_text("{"),
    "of another version": lambda f: f.result_file.write_text('{"version": 99}'),
}


@pytest.mark.parametrize("kind", CORRUPT)
def test_a_job_with_a_corrupt_file_ends_and_the_others_go_on(world: World, kind: str) -> None:
    bad, _ = world.send("1")
    good, node = world.send("2")
    CORRUPT[kind](bad.folder)
    node.succeeds()
    world.go_to(1)
    assert state(good) is JobState.COMPLETED
    assert state(bad) is JobState.LOST
    assert "result.json" in bad.status.reason


def test_a_file_that_the_disk_does_not_give_out_stops_no_other_job(world: World) -> None:
    bad, _ = world.send("1")
    good, node = world.send("2")
    bad.folder.result_file.mkdir()  # to read it is an error of the system's
    node.succeeds()
    world.go_to(1)
    assert state(good) is JobState.COMPLETED
    bad.folder.result_file.rmdir()
    Node(bad.folder).succeeds()
    world.go_to(5)
    assert state(bad) is JobState.COMPLETED


def test_a_folder_that_could_not_be_read_once_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, node = world.send()
    node.starts(1)
    world.go_to(MINUTE, each=lambda: node.beats(world.now))
    node.succeeds()

    def fail(*_: Any, **__: Any) -> Found:
        raise OSError(errno.EIO, "the disk does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(watched, "look", fail)
        world.go_to(MINUTE + 10)
    assert state(job) is JobState.RUNNING
    world.go_to(MINUTE + 15)
    assert state(job) is JobState.COMPLETED


def test_what_a_job_uses_is_seen_though_its_folder_has_no_file_more(world: World) -> None:
    job, node = world.send()
    node.starts(1)

    def use() -> None:
        node.beats(world.now)
        with job.folder.usage_file.open("ab") as samples:
            samples.write(Sample(world.now, 100.0, 1, int(world.now)).line())

    world.go_to(5 * MINUTE, each=use)
    assert job.found.usage is not None
    assert job.found.usage.peak > 4.5 * MINUTE


def test_what_somebody_else_who_looks_has_said_of_a_job_does_not_stay(world: World) -> None:
    job, node = world.send()
    node.starts(1)
    world.go_to(10, each=lambda: node.beats(world.now))
    status = job.status
    other = replace(world.watched[0])
    hear_nothing([other], "nobody answers")
    job.update(other.found, settle(other.found, other.report, 0.0), other.report)
    assert "nobody answers" in job.status.reason
    world.go_to(20, each=lambda: node.beats(world.now))
    assert job.status == status


# Something is wrong with the backend


def test_a_backend_that_cannot_be_asked_is_named_and_the_job_stays_what_it_was(
    world: World,
) -> None:
    world.backend.trouble = OSError("no answer within 20 s")
    job, _ = world.send()
    world.go_to(POLL)
    assert state(job) is JobState.PENDING
    assert job.status.reason == "fake cannot be asked: no answer within 20 s"


def test_a_backend_that_fails_is_asked_less_and_less_often(world: World) -> None:
    world.backend.trouble = OSError("down")
    _, node = world.send()
    node.starts(0)
    node.ends(1)
    world.send("other")
    world.go_to(9)  # the first job is judged without an answer after a while
    early = world.gaps
    assert early == sorted(early)
    assert early[0] >= 2 * POLITE
    world.go_to(HOUR, step=1)
    assert world.gaps[-1] == MINUTE


def test_a_backend_that_comes_back_is_asked_as_before(world: World) -> None:
    world.backend.trouble = OSError("down")
    job, _ = world.send()
    world.go_to(MINUTE)
    world.backend.trouble = None
    world.backend.answers["17"] = Report(JobState.PENDING, "it waits for free resources")
    world.go_to(3 * MINUTE)
    assert job.status.reason == "it waits for free resources"
    assert world.asked.failures == 0


def test_a_backend_that_is_down_for_a_week_stops_nothing(world: World) -> None:
    world.backend.trouble = OSError("down")
    world.asked.failures = 7 * 24 * 60
    job, node = world.send()
    world.go_to(2 * MINUTE, step=10)
    assert state(job) is JobState.PENDING
    node.succeeds()
    world.go_to(3 * MINUTE, step=10)
    assert state(job) is JobState.COMPLETED


def test_a_backend_whose_programs_are_gone_is_one_that_cannot_be_asked(world: World) -> None:
    world.backend.trouble = BackendMissing("there is no squeue on the PATH")
    job, _ = world.send()
    world.go_to(POLL)
    assert state(job) is JobState.PENDING
    assert "there is no squeue on the PATH" in job.status.reason


def test_jobs_without_a_backend_are_looked_at_in_their_folders(world: World) -> None:
    job, node = world.send()
    node.succeeds()
    poll_once(world.watched, None, world.asked, SETTINGS, 1.0)
    assert state(job) is JobState.COMPLETED


def test_a_job_that_was_never_handed_over_is_not_asked_for(world: World) -> None:
    world.send(handle="")
    world.go_to(MINUTE)
    assert world.backend.asked_at == []


def test_a_job_that_was_never_handed_over_is_not_waited_for_for_ever(world: World) -> None:
    """What sent it died between writing its folder and starting it."""
    job, _ = world.send(handle="")
    world.go_to(HOUR, step=2)
    assert state(job) is JobState.LOST


def test_a_job_that_was_refused_is_not_asked_for(world: World) -> None:
    job, _ = world.send()
    job.folder.write_json(job.folder.refusal_file, {"reason": "no such partition", "at": 0.0})
    world.go_to(MINUTE)
    assert state(job) is JobState.REFUSED
    assert world.backend.asked_at == []


# A backend that takes its time


class Slow:
    """Has calls wait until they are let go on."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], T]) -> Future[T]:
        answer: Future[T] = Future()

        def go_on() -> None:
            try:
                answer.set_result(call())
            except Exception as error:
                answer.set_exception(error)

        self._waiting.append(go_on)
        return answer

    def let_go(self) -> None:
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on()


@pytest.fixture
def slow(world: World) -> Slow:
    world.run = Slow()
    return world.run


def test_while_an_answer_is_on_its_way_folders_are_looked_at_and_nothing_else_is_asked(
    world: World, slow: Slow
) -> None:
    _, _ = world.send("1")
    job, node = world.send("2")
    world.go_to(POLL + 1)
    node.succeeds()
    world.go_to(POLL + 3)
    assert state(job) is JobState.COMPLETED
    world.go_to(HOUR)
    slow.let_go()
    assert len(world.backend.asked_at) == 1


def test_what_is_about_to_be_answered_is_not_guessed(world: World, slow: Slow) -> None:
    job, node = world.send()
    node.starts(0)
    job.folder.write_json(job.folder.signal_file, {"signal": "SIGTERM"})
    node.ends(143)
    world.go_to(3 * MINUTE)
    assert state(job) is JobState.RUNNING
    world.backend.answers["17"] = Report(JobState.PENDING, "its time to begin has not come")
    slow.let_go()
    world.go_to(3 * MINUTE + 1)
    assert state(job) is JobState.PENDING


def test_an_answer_that_is_older_than_the_last_sign_of_life_is_passed_over(
    world: World, slow: Slow
) -> None:
    world.backend.answers["17"] = Report(JobState.PENDING)
    job, node = world.send()
    world.go_to(POLL + 1)
    node.starts(world.now)
    world.go_to(POLL + 2)
    slow.let_go()
    world.go_to(POLL + 4)
    assert (job.state, job.status.reason) == (JobState.RUNNING, "")


def test_a_slow_backend_is_left_alone_after_its_answer_as_long_as_a_quick_one(
    world: World, slow: Slow
) -> None:
    world.send()
    world.go_to(POLL)
    world.go_to(POLL + 30)
    slow.let_go()
    world.go_to(POLL + 30 + POLL - 1)
    assert world.asked.question is None
    world.go_to(POLL + 30 + POLL + 1)
    assert world.asked.question is not None


def test_a_job_that_was_told_to_end_is_not_said_to_have_while_nobody_can_be_asked(
    world: World,
) -> None:
    world.backend.trouble = OSError("down")
    job, node = world.send()
    node.starts(0)
    job.folder.write_json(job.folder.signal_file, {"signal": "SIGTERM"})
    node.ends(143)
    world.go_to(5 * MINUTE)
    assert state(job) is JobState.RUNNING
    assert job.status.reason == (
        "it was told to end by SIGTERM, and fake cannot be asked whether it is to run again: down"
    )
    world.go_to(HOUR)
    assert (job.state, job.status.reason) == (JobState.CANCELLED, "told to end by SIGTERM")


def test_a_job_that_runs_on_after_it_was_cancelled_is_told_again(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.RUNNING)
    job, node = world.send()
    node.starts(0)
    world.go_to(1)
    job.cancel()
    world.go_to(20, each=lambda: node.beats(world.now))
    assert world.backend.stopped == ["17"]
    world.go_to(2 * MINUTE, each=lambda: node.beats(world.now))
    assert 3 <= len(world.backend.stopped) <= 4


def test_a_job_that_was_cancelled_while_nobody_could_be_asked_is_told_at_the_first_answer(
    world: World,
) -> None:
    world.backend.answers["17"] = Report(JobState.RUNNING)
    job, node = world.send()
    node.starts(0)
    world.go_to(1)
    world.backend.trouble = OSError("down")
    job.cancel()
    world.go_to(10 * MINUTE, each=lambda: node.beats(world.now))
    assert world.backend.stopped == ["17"]
    assert job.status.reason == "being cancelled"
    world.backend.trouble, asked = None, len(world.backend.asked_at)
    while len(world.backend.asked_at) == asked:
        world.go_to(world.now + 0.5, each=lambda: node.beats(world.now))
    assert world.backend.stopped == ["17", "17"]


def test_how_long_a_job_ran_that_was_killed_counts_to_its_end_however_late_it_is_looked_at(
    world: World,
) -> None:
    world.backend.answers["17"] = Report(JobState.FAILED)
    job, node = world.send()
    node.starts(at=-HOUR)  # by a clock of its own
    os.utime(job.folder.started_file, (1e6, 1e6))
    node.ends(137)
    os.utime(job.folder.exit_file, (1e6 + 70, 1e6 + 70))
    world.go_to(MINUTE)
    assert (state(job), job.elapsed_seconds) == (JobState.FAILED, 70)


def test_how_long_a_job_ran_whose_node_is_lost_counts_to_its_last_beat(world: World) -> None:
    world.backend.answers["17"] = Report(JobState.NODE_FAIL)
    job, node = world.send()
    node.starts(0)
    os.utime(job.folder.started_file, (1e6, 1e6))
    world.go_to(90, each=lambda: node.beats(min(world.now, 50)))
    assert (state(job), job.elapsed_seconds) == (JobState.NODE_FAIL, 50)


# A backend that costs nothing


def test_a_free_backend_is_asked_every_second(tmp_path: Path) -> None:
    world = World(tmp_path, FreeBackend())
    world.backend.answers["17"] = Report(JobState.RUNNING)
    _, node = world.send()
    node.starts(0)
    world.go_to(10, each=lambda: node.beats(world.now))
    assert len(world.backend.asked_at) >= 9
    assert min(world.gaps) >= 1


def test_a_process_that_was_killed_is_known_to_be_gone_within_seconds(tmp_path: Path) -> None:
    world = World(tmp_path, FreeBackend())
    world.backend.answers["17"] = Report(JobState.RUNNING)
    job, node = world.send()
    node.starts(0)
    world.go_to(10)
    world.backend.answers["17"] = Report(JobState.FAILED, "its process is gone")
    world.go_to(16)
    assert (job.state, job.status.reason) == (JobState.FAILED, "its process is gone")


# Looking


def looks(world: World, job: Job, end: float, step: float) -> list[float]:
    seen: list[float] = []
    job.listen(lambda _: seen.append(world.now))
    world.go_to(end, step)
    return [after - before for before, after in pairwise(seen)]


def test_a_young_job_is_looked_at_often_and_an_old_one_less(world: World) -> None:
    job, node = world.send()
    node.starts(0)
    young = looks(world, job, 4, step=0.05)
    assert max(young) <= 0.2
    world.now = HOUR
    world.look()
    old = looks(world, job, HOUR + 30, step=0.25)
    assert 1.5 <= min(old) <= max(old) <= 2.25


def test_the_end_of_a_short_job_is_seen_within_a_hundredth_of_a_second(world: World) -> None:
    job, node = world.send()
    world.go_to(0.3, step=0.001)
    node.starts(world.now)
    world.go_to(0.32, step=0.001)
    assert state(job) is JobState.RUNNING
    node.succeeds()
    world.go_to(0.34, step=0.001)
    assert state(job) is JobState.COMPLETED


def test_between_two_looks_a_folder_with_nothing_new_is_only_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_at: list[float] = []
    listed_at: list[float] = []

    def read(folder: JobFolder, *, over: bool) -> Found:
        read_at.append(world.now)
        return look(folder, over=over)

    def listed(path: str) -> frozenset[str]:
        listed_at.append(world.now)
        return frozenset(file.name for file in Path(path).iterdir())

    monkeypatch.setattr("nbsubmit.core.watched.look", read)
    monkeypatch.setattr("nbsubmit.core.watched._names_in", listed)
    world.send()
    world.go_to(0.39, step=0.001)
    assert len(read_at) <= 5
    assert len(listed_at) >= 40


def test_a_job_that_starts_after_a_long_wait_is_looked_at_as_often_as_a_young_one(
    world: World,
) -> None:
    job, node = world.send()
    world.go_to(HOUR, step=10)
    node.starts(world.now)
    world.go_to(world.now + 3)
    assert state(job) is JobState.RUNNING
    node.succeeds()
    world.go_to(world.now + 0.25, step=0.01)
    assert state(job) is JobState.COMPLETED


def test_a_folder_in_which_nothing_is_new_is_read_seldom_and_news_is_seen_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[float] = []

    def read(folder: JobFolder, *, over: bool) -> Found:
        reads.append(world.now)
        return look(folder, over=over)

    monkeypatch.setattr("nbsubmit.core.watched.look", read)
    job, node = world.send()
    world.go_to(MINUTE)
    assert len([at for at in reads if at > MINUTE / 2]) <= 3
    for step, expected in (
        (node.starts, JobState.RUNNING),
        (lambda _: node.succeeds(), JobState.COMPLETED),
    ):
        step(world.now)
        world.go_to(world.now + 3)
        assert state(job) is expected


def test_what_a_disk_with_a_coarse_clock_does_not_date_is_read_all_the_same(world: World) -> None:
    job, node = world.send()
    world.go_to(10)
    path = job.folder.path
    dated = path.stat()
    node.starts(world.now)
    os.utime(path, ns=(dated.st_atime_ns, dated.st_mtime_ns))
    world.go_to(world.now + 20, each=lambda: node.beats(world.now))
    assert state(job) is JobState.RUNNING


def test_what_a_listener_raises_stops_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    job, node = world.send()
    job.listen(lambda job: job.spec["no such fact"])
    node.succeeds()
    world.look()
    assert job.done()
    assert "callback" in caplog.text


# The thread


def watching() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "nbsubmit-watch" and t.is_alive()]


def test_a_thread_looks_while_a_job_lives_and_is_gone_afterwards(world: World) -> None:
    watcher = Watcher(SETTINGS)
    job, node = world.send()
    ended = threading.Event()
    job.add_done_callback(lambda _: ended.set())
    watcher.add(job)
    (thread,) = watching()
    node.succeeds()
    assert ended.wait(10)
    thread.join(10)
    assert watching() == []


def test_a_job_that_nobody_looks_at_any_more_is_left(world: World) -> None:
    watcher = Watcher(SETTINGS)
    first, _ = world.send("1")
    second, node = world.send("2")
    for job in (first, second):
        watcher.add(job)
    (thread,) = watching()
    watcher.leave([first])
    ended = threading.Event()
    second.add_done_callback(lambda _: ended.set())
    node.succeeds()
    assert ended.wait(10)
    thread.join(10)
    assert watching() == []
    assert not first.is_over
    watcher.add(first)
    (thread,) = watching()
    watcher.leave([first])
    thread.join(10)
    assert watching() == []


def test_a_job_that_has_ended_starts_no_thread(world: World) -> None:
    job, node = world.send()
    node.succeeds()
    world.look()
    Watcher(SETTINGS).add(job)
    assert watching() == []


def test_one_look_here_and_now_needs_no_thread(world: World) -> None:
    world.backend.answers["1"] = Report(JobState.RUNNING)
    waiting, _ = world.send("1")
    ended, node = world.send("2")
    node.fails()
    Watcher(SETTINGS).look_now([waiting, ended])
    assert (waiting.state, ended.state) == (JobState.RUNNING, JobState.FAILED)
    assert world.backend.asked_for == [["1"]]
    assert watching() == []


def test_the_fake_is_a_backend() -> None:
    assert isinstance(FakeBackend(), Backend)


def test_a_job_that_nobody_can_be_asked_about_is_given_up_after_a_long_silence(
    world: World,
) -> None:
    job, node = world.send()
    node.starts(0)
    for second in range(0, 6000, 2):
        poll_once(world.watched, None, world.asked, SETTINGS, float(second))
        if second == 600:
            assert state(job) is JobState.RUNNING
    assert state(job) is JobState.LOST


# A handle that is another job's now


OTHERS = {
    "another job of ours": Report(JobState.RUNNING, job_id="240102-030405-abcd"),
    "the user's, by another name": Report(JobState.RUNNING, name="train"),
    "another user's": Report(JobState.RUNNING, foreign=True),
}


@pytest.mark.parametrize("whose", OTHERS)
def test_what_is_said_of_another_job_that_has_its_handle_now_is_not_said_of_it(
    world: World, whose: str
) -> None:
    job, _ = world.send("17")
    world.backend.answers["17"] = OTHERS[whose]
    world.go_to(MINUTE)
    assert state(job) is JobState.LOST
    assert job.status.reason.startswith("its id 17 is another job's now")


def test_a_job_without_a_name_of_its_own_goes_by_any(world: World) -> None:
    job, _ = world.send("17")
    world.backend.answers["17"] = Report(JobState.PENDING, "jobs before it", name="")
    world.go_to(MINUTE)
    assert job.status.reason == "jobs before it"


# A job of which nobody could note the handle


def test_a_job_that_nobody_could_note_is_found(world: World) -> None:
    job, _ = world.send(handle="")
    world.backend.started[job.id] = {0: "17"}
    world.backend.answers["17"] = Report(JobState.PENDING, "jobs before it")
    world.go_to(MINUTE)
    assert job.handle == "17"
    assert job.status.reason == "jobs before it"
    assert len(world.backend.searched_at) == 1


def test_a_job_that_may_have_been_started_is_not_given_up_while_nobody_can_be_asked(
    world: World,
) -> None:
    job, _ = world.send(handle="")
    world.backend.trouble = OSError("no answer")
    world.go_to(HOUR, step=5)
    assert state(job) is JobState.PENDING
    assert job.status.reason == "fake cannot be asked: no answer"
    assert len(world.backend.searched_at) <= HOUR / 30 + 1
    world.backend.trouble = None
    world.go_to(HOUR + MINUTE)
    assert state(job) is JobState.LOST
    assert "while it was handing it over" in job.status.reason


def test_while_a_search_hangs_that_is_said_and_no_other_is_begun(world: World) -> None:
    answer: Future[Any] = Future()
    world.run = lambda call: answer
    job, _ = world.send(handle="")
    world.go_to(HOUR, step=5)
    assert (state(job), job.status.reason) == (JobState.PENDING, "fake has not answered yet")
    answer.set_result(None)
    world.go_to(HOUR + MINUTE)
    assert state(job) is JobState.LOST
