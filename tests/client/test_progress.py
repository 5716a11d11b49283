"""``nbsubmit.progress``: the items as they are, and a bar that is known as one."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest

import nbsubmit
from nbsubmit.client.bars import Bar, bars_in, running
from nbsubmit.client.screen import as_shown


class Terminal(io.StringIO):
    """Takes what is drawn."""

    encoding = "utf-8"

    def lines(self) -> list[str]:
        return as_shown(self.getvalue()).splitlines()

    def bars(self) -> list[Bar]:
        return running(bars_in(self.lines()))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error, with each step drawn."""
    monkeypatch.setattr("nbsubmit.client.progress._SHORTEST_PAUSE", 0.0)
    monkeypatch.setattr("nbsubmit.client.progress._LONGEST_PAUSE", 0.0)
    terminal = Terminal()
    # Not sys.stderr itself: pytest puts its own there when the test begins.
    monkeypatch.setattr("nbsubmit.client.progress.sys", SimpleNamespace(stderr=terminal))
    return terminal


def test_the_items_are_given_out_as_they_are(shown: Terminal) -> None:
    assert list(nbsubmit.progress("abc")) == ["a", "b", "c"]
    assert list(nbsubmit.progress(())) == []


def test_at_each_step_the_bar_says_how_many_are_done(shown: Terminal) -> None:
    seen = []
    for _ in nbsubmit.progress(range(4), desc="epoch"):
        (bar,) = shown.bars()
        seen.append((bar.description, bar.done, bar.total))
    assert seen == [("epoch", n, 4) for n in range(4)]
    (bar,) = shown.bars()
    assert bar.finished
    assert shown.getvalue().endswith("\n")


def test_the_total_may_be_told_or_not_be_known(shown: Terminal) -> None:
    def items() -> Iterator[int]:
        yield from range(3)

    for done, _ in enumerate(nbsubmit.progress(items())):
        assert [(bar.done, bar.total) for bar in shown.bars()] == [(done, None)]
    for done, _ in enumerate(nbsubmit.progress(items(), total=6)):
        assert [(bar.done, bar.total) for bar in shown.bars()] == [(done, 6)]


def test_more_items_than_were_told_are_only_counted(shown: Terminal) -> None:
    list(nbsubmit.progress(range(5), total=2))
    (bar,) = shown.bars()
    assert (bar.done, bar.total) == (5, None)


def test_a_loop_inside_another_is_shown_below_it_and_goes_with_its_end(shown: Terminal) -> None:
    for outer in nbsubmit.progress(range(2), desc="outer"):
        for inner in nbsubmit.progress(range(3), desc="inner"):
            found = [(bar.description, bar.done) for bar in shown.bars()]
            assert found == [("outer", outer), ("inner", inner)]
        assert [bar.description for bar in shown.bars()] == ["outer"]
    assert [line.split(":")[0] for line in shown.lines() if line.strip()] == ["outer"]


def test_a_loop_that_is_left_early_leaves_its_bar_and_a_clean_line(shown: Terminal) -> None:
    for n in nbsubmit.progress(range(9)):
        if n == 3:
            break
    with suppress(ZeroDivisionError):
        for n in nbsubmit.progress(range(9)):
            1 / (n - 2)
    assert [bar.done for bar in bars_in(shown.lines())] == [3, 2]
    for _ in nbsubmit.progress(range(2)):
        pass
    assert len(shown.lines()) == 3


def test_the_rate_and_the_times_are_those_of_the_loop(
    shown: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 100_000, 50))
    monkeypatch.setattr("nbsubmit.client.progress.time.monotonic", lambda: float(next(now)))
    for _ in nbsubmit.progress(range(4)):
        pass
    bar = bars_in(shown.lines())[-1]
    assert bar.rate is not None
    assert bar.elapsed is not None
    assert bar.rate == pytest.approx(4 / bar.elapsed, rel=0.1)


def test_a_quick_loop_is_not_slowed_down_by_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("nbsubmit.client.progress.sys", SimpleNamespace(stderr=terminal))
    for _ in nbsubmit.progress(range(200_000)):
        pass
    assert terminal.getvalue().count("\r") < 100


def test_many_quick_loops_inside_another_are_not_drawn_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("nbsubmit.client.progress.sys", SimpleNamespace(stderr=terminal))
    for _ in nbsubmit.progress(range(3000)):
        for _ in nbsubmit.progress(range(10)):
            pass
    assert terminal.getvalue().count("\r") < 100


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_script_shows_the_bar_in_whatever_its_terminal_can(encoding: str) -> None:
    code = "import nbsubmit\nfor x in nbsubmit.progress(range(3), desc='n'): pass"
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONIOENCODING": encoding, "PYTHONPATH": ":".join(sys.path)},
    )
    (bar,) = bars_in(as_shown(done.stderr.decode(encoding)).splitlines())
    assert (bar.description, bar.done, bar.total) == ("n", 3, 3)
