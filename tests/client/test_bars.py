"""Progress bars in text: those that tqdm really prints, and text that only looks like one."""

from __future__ import annotations

import io
import itertools
import time
from typing import Any

import pytest
from tqdm import tqdm

from nbsubmit.client.bars import Bar, bars_in, running
from nbsubmit.client.screen import as_shown


class Printed(io.StringIO):
    """A file in which a bar is drawn, and the lines that it shows now."""

    def bars(self) -> list[Bar]:
        return bars_in(as_shown(self.getvalue()).splitlines())


def drawn(done: float, postfix: dict[str, Any] | None = None, **options: Any) -> list[Bar]:
    """The bars that tqdm draws after this much is done."""
    file = Printed()
    bar = tqdm(file=file, mininterval=0, **options)
    time.sleep(0.01)
    bar.update(done)
    if postfix:
        bar.set_postfix(postfix)
    found = file.bars()
    bar.disable = True  # draw no more
    return found


OPTIONS: dict[str, tuple[float, dict[str, Any], Bar]] = {
    "plain": (42, {"total": 100}, Bar("", 42, 100)),
    "in blocks": (42, {"total": 100, "ascii": False}, Bar("", 42, 100)),
    "in signs": (42, {"total": 100, "ascii": " >="}, Bar("", 42, 100)),
    "in colour": (42, {"total": 100, "colour": "green"}, Bar("", 42, 100)),
    "described": (3, {"total": 10, "desc": "epoch"}, Bar("epoch", 3, 10)),
    "described with a colon": (3, {"total": 10, "desc": "a: b"}, Bar("a: b", 3, 10)),
    "described with a number": (3, {"total": 10, "desc": "Epoch 7"}, Bar("Epoch 7", 3, 10)),
    "at its beginning": (0, {"total": 3}, Bar("", 0, 3)),
    "at its end": (3, {"total": 3}, Bar("", 3, 3)),
    "further than its end": (5, {"total": 3}, Bar("", 5)),
    "without an end": (42, {}, Bar("", 42)),
    "described, without an end": (42, {"desc": "read"}, Bar("read", 42)),
    "in large numbers": (
        1_200_000, {"total": 10_000_000, "unit": "B", "unit_scale": True},
        Bar("", 1_200_000, 10_000_000),
    ),
    "in a unit of its own": (5, {"total": 9, "unit": "img"}, Bar("", 5, 9)),
    "in a unit after a space": (5, {"unit": " img"}, Bar("", 5)),
    "in halves": (2.5, {"total": 10}, Bar("", 2.5, 10)),
    "wide": (42, {"total": 100, "ncols": 120}, Bar("", 42, 100)),
    "of another format": (
        42, {"total": 100, "bar_format": "{l_bar}{bar}| {n_fmt}/{total_fmt}"}, Bar("", 42, 100),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OPTIONS)
def test_what_tqdm_draws_is_a_bar(kind: str) -> None:
    done, options, bar = OPTIONS[kind]
    (found,) = drawn(done, **options)
    assert (found.description, found.done, found.total) == (bar.description, bar.done, bar.total)


def test_what_stands_behind_a_bar_is_its_note() -> None:
    (bar,) = drawn(42, {"loss": 0.5, "step": "[3/7]"}, total=100)
    assert bar.note == "loss=0.5, step=[3/7]"
    assert drawn(42, {"loss": 0.5})[0].note == "loss=0.5"


def test_the_rate_is_a_second() -> None:
    (fast,) = drawn(50, total=100)
    assert fast.rate is not None
    assert 1000 < fast.rate <= 5000
    (scaled,) = drawn(5_000_000, total=10_000_000, unit="B", unit_scale=True)
    assert scaled.rate is not None
    assert 1e8 < scaled.rate <= 5e8
    (megabytes,) = drawn(3, total=10, unit="MB")
    assert megabytes.rate is not None
    assert megabytes.rate < 1000
    assert bars_in(["10%|#         | 1/10 [00:02<00:18,  2.00s/it]"])[0].rate == 0.5
    assert drawn(0, total=10)[0].rate is None


TIMES = {
    "[00:01<00:02, 1.00it/s]": (1.0, 2.0),
    "[01:02:03<4:05:06, 1.00it/s]": (3723.0, 14706.0),
    "[99:59<?, ?it/s]": (5999.0, None),
    "[1 day, 1:00:00<2 days, 0:00:01, 1.00it/s]": (90000.0, 172801.0),
}


@pytest.mark.parametrize("text", TIMES)
def test_times_are_in_seconds(text: str) -> None:
    (bar,) = bars_in([f" 50%|#####     | 5/10 {text}"])
    assert (bar.elapsed, bar.remaining) == TIMES[text]


def test_the_fraction_is_known_where_the_total_is() -> None:
    assert Bar("", 3, 4).fraction == 0.75
    assert Bar("", 9, 4).fraction == 1.0
    assert Bar("", 3).fraction is None
    assert Bar("", 0, 0).fraction is None


# Several


@pytest.mark.parametrize("leave", [True, False])
def test_bars_inside_others_are_seen_from_the_outermost_on(leave: bool) -> None:
    file = Printed()
    seen = []
    for _ in tqdm(range(3), desc="outer", file=file, mininterval=0):
        for _ in tqdm(range(4), desc="inner", file=file, mininterval=0, leave=leave):
            seen.append([(bar.description, bar.done) for bar in running(file.bars())])
    assert seen == [
        [("outer", outer), ("inner", inner)]
        for outer, inner in itertools.product(range(3), range(4))
    ]
    assert next((bar.description, bar.finished) for bar in running(file.bars())) == ("outer", True)


def test_of_bars_one_after_the_other_only_the_last_is_running() -> None:
    file = Printed()
    for n in range(3):
        for _ in tqdm(range(4), desc=f"part {n}", file=file, mininterval=0):
            pass
    assert [bar.description for bar in file.bars()] == ["part 0", "part 1", "part 2"]
    assert [bar.description for bar in running(file.bars())] == ["part 2"]
    bar = tqdm(total=5, desc="part 3", file=file, mininterval=0)
    assert [bar.description for bar in running(file.bars())] == ["part 3"]
    bar.disable = True


def test_a_bar_without_a_total_is_running_only_while_it_is_the_last() -> None:
    read, train = Bar("read", 42), Bar("train", 1, 3)
    assert running([read]) == [read]
    assert running([read, train]) == [train]
    assert running([train, read]) == [train, read]
    assert running([]) == []


def test_what_is_printed_between_does_not_hide_a_bar() -> None:
    file = Printed()
    for n in tqdm(range(3), file=file, mininterval=0):
        tqdm.write(f"reached {n}", file=file)
        assert [bar.done for bar in running(file.bars())] == [n]


# Other libraries' bars, as their manuals show them


OTHERS = {
    "rich": (
        ["Working... ━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━━━━━  42% 0:00:12"],
        Bar("Working...", 42, 100, remaining=12.0),
    ),
    "rich, not known yet": (
        ["Working... ━━━━━━━━━━━━━━━━━━━━━━━━━   0% -:--:--"], Bar("Working...", 0, 100),
    ),
    "rich with counts": (["━━━━╺━━━━ 30% 3/10 0:07"], Bar("", 3, 10, remaining=7.0)),
    "Keras 3": (
        ["42/100 ━━━━━━━━━━━━━━━━━━━━ 1s 20ms/step - accuracy: 0.5 - loss: 1.2"],
        Bar("", 42, 100, 50.0, None, 1.0, "accuracy: 0.5 - loss: 1.2"),
    ),
    "Keras 3 at the end": (
        ["100/100 ━━━━━━━━━━━━━━━━━━━━ 2s 20ms/step - loss: 1.2"],
        Bar("", 100, 100, 50.0, 2.0, 0.0, "loss: 1.2"),
    ),
    "Keras 2": (
        ["42/100 [===========>..................] - ETA: 3s - loss: 0.5"],
        Bar("", 42, 100, None, None, 3.0, "loss: 0.5"),
    ),
    "Lightning": (
        ["Epoch 0:  42%|████▏     | 42/100 [00:01<00:01, 40.00it/s, v_num=0]"],
        Bar("Epoch 0", 42, 100, 40.0, 1.0, 1.0, "v_num=0"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHERS)
def test_other_bars_are_seen_too(kind: str) -> None:
    lines, bar = OTHERS[kind]
    assert bars_in(lines) == [bar]


def test_keras_heading_says_which_epoch_runs() -> None:
    bars = bars_in(["Epoch 3/10", "42/100 ━━━━━━━━━━━━━━━━━━━━ 1s 20ms/step - loss: 1.2"])
    assert [(bar.description, bar.done, bar.total) for bar in bars] == [
        ("Epoch", 2, 10), ("", 42, 100),
    ]  # fmt: skip


# What is none


@pytest.mark.parametrize(
    "line",
    [
        "",
        "50%| of people",
        "50%| of people | 3/4",
        "accuracy: 42%",
        "42/100",
        "42/100 tests passed",
        "step 42/100 [info] loss 0.5",
        "3it",
        "took 3s [00:10, 5 km/h]",
        "42it [00:00] done",
        "Epoch 3/10",
        "| 50% | 3/10 |",
        "table|  12%|  3/10|",
        "2026-01-02 03:04:05 INFO 42% done",
        " 42%|####2     | 42/100 [00:00<00:00, 837.31it/s] and then it failed",
        "[1, 2, 3]",
        "━━━━━━━━━━━━━━━━━━━━━━━━",
        "tests/a.py ...... [ 42%]",
        "Receiving objects:  42% (42/100), 1.00 MiB",
    ],
)
def test_other_text_is_no_bar(line: str) -> None:
    assert bars_in([line]) == []


@pytest.mark.parametrize(
    "line", [" " * 100_000, "9" * 100_000, "a: " * 50_000, "━" * 100_000, ("x" * 300 + "%|") * 9]
)
def test_hostile_text_takes_no_longer_than_other_text(line: str) -> None:
    before = time.process_time()
    assert bars_in([line] * 5 + [line[:400]] * 20) == []
    assert time.process_time() - before < 2
