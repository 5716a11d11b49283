"""What a backend was asked, and what it said: shared by a file that is the user's alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar, cast

import pytest

from nbsubmit.core import asking
from nbsubmit.core.answers import AnswerFile, Shared
from nbsubmit.core.asking import Asked, Run
from nbsubmit.core.backend import Backend, Report
from nbsubmit.core.state import JobState

RUNS, WAITS = Report(JobState.RUNNING, node="n1"), Report(JobState.PENDING, "its turn", ahead=3)
NOON = 1e9
T = TypeVar("T")


class Says:
    """A backend that gives one answer, or is down."""

    name = "fake"

    def __init__(self, reports: dict[str, Report] | None) -> None:
        self.reports = reports
        self.asked_for: list[list[str]] = []

    def poll(self, handles: Sequence[str]) -> Mapping[str, Report]:
        self.asked_for.append(list(handles))
        if self.reports is None:
            raise OSError("down")
        return self.reports


class Process:
    """One of two processes, whose clocks have begun at different times."""

    def __init__(self, file: Path, day: Callable[[], float], begun: float) -> None:
        self.asked = Asked(AnswerFile(file, day))
        self._day, self._begun = day, begun

    @property
    def now(self) -> float:
        return self._day() - NOON + self._begun

    def ask(self, reports: dict[str, Report] | None, run: Run = asking.now) -> Says:
        """Ask for what is wanted and for what there is an answer to."""
        backend = Says(reports)
        self.asked.want(reports or (), self.now)
        self.asked.ask(cast("Backend", backend), self.now, run)
        self.asked.hear(self.now)
        return backend

    def look(self) -> Asked:
        self.asked.look(self.now)
        return self.asked


class Day:
    """The time of day, and two processes."""

    def __init__(self, file: Path) -> None:
        self.time = NOON
        self.one = Process(file, lambda: self.time, 100.0)
        self.other = Process(file, lambda: self.time, 9_000.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queue" / "slurm.json"


@pytest.fixture
def day(file: Path) -> Day:
    return Day(file)


def test_what_one_process_was_told_the_other_knows(day: Day, file: Path) -> None:
    told = {"a": RUNS, "b": WAITS, "c": Report(None)}
    day.one.ask(told)
    day.time += 5
    other = day.other.look()
    assert other.reports == told
    assert day.other.now - other.at == pytest.approx(5)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_failure_is_known_to_both_and_ends_with_an_answer(day: Day) -> None:
    for _ in range(3):
        day.one.ask(None)
        day.time += 1
    assert (day.other.look().failures, day.other.asked.trouble) == (3, "fake cannot be asked: down")
    day.other.ask({"a": RUNS})
    assert (day.one.look().failures, day.one.asked.trouble) == (0, "")


def test_who_asks_asks_for_what_the_other_wants(day: Day) -> None:
    day.one.ask({"a": RUNS})
    day.time += 20
    day.other.look().want(["b"], day.other.now)
    day.one.look()
    (asked_for,) = day.one.ask({"a": RUNS, "b": WAITS}).asked_for
    assert sorted(asked_for) == ["a", "b"]
    assert day.other.look().reports["b"] == WAITS
    day.one.asked.want_no_more(["a"])
    assert day.one.asked.wanted(day.one.now) == ["b"]
    day.time += 3600  # nobody has wanted it since
    assert day.one.asked.wanted(day.one.now) == []


def test_only_one_of_two_that_are_due_asks(day: Day) -> None:
    day.one.ask({"a": RUNS})
    day.time += 20
    late: list[Callable[[], None]] = []

    def later(call: Callable[[], T]) -> Future[T]:
        answer: Future[T] = Future()
        late.append(lambda: answer.set_result(call()))
        return answer

    second = day.other.ask({"a": WAITS}, later)
    day.one.ask({"a": WAITS})
    late[0]()
    day.other.asked.hear(day.other.now)
    assert second.asked_for == []
    assert day.other.asked.reports == {"a": WAITS}
    assert day.other.asked.question is None


def test_a_process_does_not_ask_while_another_one_does(day: Day, file: Path) -> None:
    with AnswerFile(file).alone() as is_alone:
        assert is_alone
        assert day.other.ask({"a": RUNS}).asked_for == []
    assert day.other.asked.at == float("-inf")
    assert day.other.ask({"a": RUNS}).asked_for == [["a"]]


def test_all_watchers_of_a_process_have_one(file: Path) -> None:
    assert asking.shared(file) is asking.shared(file)
    first = asking.shared(file)
    asking.forget()  # as a forked child does
    assert asking.shared(file) is not first


def make_loose(file: Path) -> None:
    file.chmod(0o644)


def let_group_write(file: Path) -> None:
    file.chmod(0o620)


def give_away(file: Path) -> None:
    os.chown(file, 54_321, 54_321)


def link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to(file.with_name("elsewhere"))


def from_the_future(file: Path) -> None:
    data = json.loads(file.read_text())
    data["answer"]["at"] += 9e6
    file.write_text(json.dumps(data))


def of_another_release(file: Path) -> None:
    data = json.loads(file.read_text())
    data["answer"]["reports"]["a"]["unheard"] = 1
    file.write_text(json.dumps(data))


SPOILED: dict[str, Callable[[Path], object]] = {
    "others may read it": make_loose,
    "others may write it": let_group_write,
    "a link": link,
    "from the future": from_the_future,
    "of another release": of_another_release,
    "no JSON": lambda file: file.write_text("{"),
    "not a mapping": lambda file: file.write_text("[1]"),
    "empty": lambda file: file.write_text(""),
    "binary": lambda file: file.write_bytes(b"\xff\xfe\0"),
    "somebody else's": give_away,
}


@pytest.mark.parametrize("kind", SPOILED)
def test_what_is_not_surely_the_users_own_tells_nothing_and_stops_nothing(
    day: Day, file: Path, kind: str
) -> None:
    if kind == "somebody else's" and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    day.one.ask({"a": RUNS})
    SPOILED[kind](file)
    assert day.other.look().reports == {}
    assert day.other.asked.at == float("-inf")
    day.time += 1
    day.other.ask({"a": WAITS})
    assert Process(file, lambda: day.time, 0.0).look().reports == {"a": WAITS}
    assert file.stat().st_mode & 0o777 == 0o600


def test_where_nothing_can_be_written_each_process_asks_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    day = Day(tmp_path / "file" / "below" / "slurm.json")
    day.one.ask({"a": RUNS})
    assert day.one.asked.reports == {"a": RUNS}
    assert day.other.look().reports == {}


def test_of_very_many_jobs_nothing_is_shared(day: Day, file: Path) -> None:
    many = {f"j{number}": RUNS for number in range(5_000)}
    day.one.ask(many)
    assert not file.exists()
    assert day.one.asked.reports == many


def test_a_file_that_is_written_twice_within_a_tick_of_the_clock_is_read_twice(
    tmp_path: Path,
) -> None:
    file = AnswerFile(tmp_path / "answers")
    file.write(Shared(wanted={"1": NOON}))
    written = file.path.stat()
    assert set(file.read().wanted) == {"1"}
    # A file gets the number of one that has gone; here it is the same one.
    text = file.path.read_text().replace('"1"', '"2"')
    file.path.write_text(text)
    os.utime(file.path, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert set(file.read().wanted) == {"2"}
