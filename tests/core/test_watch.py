"""Looking at live jobs: one pure step, by a clock that is handed in."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import pytest

from nbsubmit.core.backend import Backend, Report
from nbsubmit.core.errors import BackendMissing
from nbsubmit.core.folder import JobFolder
from nbsubmit.core.job import Job
from nbsubmit.core.options import Option
from nbsubmit.core.result import CellError, Result
from nbsubmit.core.settings import Settings
from nbsubmit.core.spec import Launch
from nbsubmit.core.state import JobState
from nbsubmit.core.watch import Asked, Watched, Watcher, poll_once

POLL, BEAT, POLITE = 15.0, 5.0, 2.0
SETTINGS = Settings(poll_seconds=POLL, beat_seconds=BEAT)
MINUTE, HOUR = 60.0, 3600.0


class FakeBackend:
    """Answers what it is told to, and keeps the questions."""

    name: ClassVar[str] = "fake"
    options: ClassVar[Sequence[Option]] = ()
    owned: ClassVar[Mapping[str, str]] = {}
    polite_seconds: ClassVar[float] = POLITE

    def __init__(self) -> None:
        self.now = 0.0
        self.asked_at: list[float] = []
        self.asked_for: list[list[str]] = []
        self.answers: dict[str, Report] = {}
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
        return {}

    def start(self, launch: Launch) -> str:
        return ""

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        self.asked_at.append(self.now)
        self.asked_for.append(list(handles))
        if self.trouble is not None:
            raise self.trouble
        return {handle: self.answers.get(handle, Report(JobState.PENDING)) for handle in handles}

    def warn(self, handle: str) -> None: ...

    def stop(self, handle: str) -> None: ...


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

    def send(self, handle: str = "17") -> tuple[Job, Node]:
        folder = JobFolder(self.path / f"240102-030405-{len(self.watched):04}")
        folder.create()
        folder.write_json(folder.spec_file, {"backend": "fake", "name": "", "created": 0.0})
        if handle:
            folder.write_json(folder.handle_file, {"backend": "fake", "handle": handle})
        job = Job(folder, self.backend, Nobody())
        self.watched.append(Watched(job, since=self.now))
        return job, Node(folder)

    def look(self) -> None:
        self.backend.now = self.now
        live = [w for w in self.watched if not w.job.done()]
        poll_once(live, self.backend, self.asked, SETTINGS, self.now)

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
