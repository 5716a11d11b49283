"""Settings and chance travel with a cell, and what it changes of them comes back."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch

from nbsubmit.core import ambient
from nbsubmit.core.ambient import Around
from nbsubmit.core.ambient.kinds import KINDS


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """All that a test sets is as before when it has ended."""
    with warnings.catch_warnings():
        around = Around({})
        around.apply()
        yield
        around.restore()


def use_fixed_width() -> None:
    pd.set_option("display.width", 55)


def draw_large() -> None:
    mpl.rcParams["figure.figsize"] = [9.0, 3.0]


def print_short() -> None:
    np.set_printoptions(precision=2)


def ignore_overflow() -> None:
    np.seterr(over="ignore")


def go_deep() -> None:
    sys.setrecursionlimit(sys.getrecursionlimit() + 100)


def be_silent() -> None:
    warnings.filterwarnings("ignore", "never mind")


def log_more() -> None:
    logging.getLogger().setLevel(logging.DEBUG)


def compute_finely() -> None:
    torch.set_default_dtype(torch.float64)


def keep_no_gradients() -> None:
    torch.set_grad_enabled(False)


def print_tensors_short() -> None:
    torch.set_printoptions(precision=2, sci_mode=False)  # type: ignore[no-untyped-call]


def be_the_same_again() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)


def give_frames() -> None:
    sklearn.set_config(transform_output="pandas")


SETTINGS = {
    use_fixed_width: lambda: pd.get_option("display.width"),
    draw_large: lambda: mpl.rcParams["figure.figsize"],
    print_short: lambda: np.get_printoptions()["precision"],
    ignore_overflow: lambda: np.geterr()["over"],
    go_deep: sys.getrecursionlimit,
    be_silent: lambda: [f[1].pattern for f in warnings.filters if f[1]][:1],
    log_more: lambda: logging.getLogger().level,
    compute_finely: torch.get_default_dtype,
    keep_no_gradients: torch.is_grad_enabled,
    print_tensors_short: lambda: str(torch.tensor([1 / 3, 1e6])),
    be_the_same_again: torch.is_deterministic_algorithms_warn_only_enabled,
    give_frames: lambda: sklearn.get_config()["transform_output"],
}


@pytest.mark.parametrize("change", SETTINGS, ids=lambda f: f.__name__)
def test_a_setting_of_the_notebook_holds_in_the_job_and_goes_with_it(change: Any) -> None:
    look: Any = SETTINGS[change]
    fresh = Around({})
    fresh.apply()
    change()
    chosen, packed = look(), ambient.pack(ambient.snapshot(), waits=False)
    fresh.restore()
    assert look() != chosen
    job = Around(packed)
    job.apply()
    assert look() == chosen
    assert job.changes() == {}


@pytest.mark.parametrize("change", SETTINGS, ids=lambda f: f.__name__)
def test_a_setting_that_the_cell_changes_comes_home(change: Any) -> None:
    look: Any = SETTINGS[change]
    sent, before = ambient.snapshot(), look()
    job = Around(ambient.pack(sent, waits=False))
    job.apply()
    change()
    chosen, changes = look(), job.changes()
    job.restore()
    assert look() == before != chosen
    ambient.bring(changes, sent, waits=False)
    assert look() == chosen


def test_a_setting_that_was_changed_here_meanwhile_stays() -> None:
    sent = ambient.snapshot()
    job = Around(ambient.pack(sent, waits=False))
    job.apply()
    use_fixed_width()
    changes = job.changes()
    job.restore()
    pd.set_option("display.width", 99)
    ambient.bring(changes, sent, waits=False)
    assert pd.get_option("display.width") == 99


DRAWS: dict[str, Callable[[], float]] = {
    "random": random.random,
    "numpy": lambda: float(np.random.rand()),
    "torch": lambda: float(torch.rand(())),
}


@pytest.mark.parametrize("source", DRAWS)
def test_chance_goes_on_in_a_job_that_is_waited_for_and_comes_back(source: str) -> None:
    draw = DRAWS[source]
    sent = ambient.snapshot()
    plain = [draw(), draw(), draw()]
    rewind = {m: ambient._as_text(values) for m, values in sent.items() if KINDS[m].is_chance}
    ambient.bring(rewind, ambient.snapshot(), waits=True)
    job = Around(ambient.pack(sent, waits=True))
    job.apply()
    in_job = [draw(), draw()]
    changes = job.changes()
    job.restore()
    ambient.bring(changes, sent, waits=True)
    assert [*in_job, draw()] == plain


@pytest.mark.parametrize("source", DRAWS)
def test_other_jobs_draw_each_their_own_and_the_same_again_after_the_same_seed(source: str) -> None:
    draw = DRAWS[source]

    def in_jobs() -> list[float]:
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)
        drawn = []
        for _ in range(2):
            job = Around(ambient.pack(ambient.snapshot(), waits=False))
            job.apply()
            drawn.append(draw())
            job.restore()
        return drawn

    first = in_jobs()
    assert first[0] != first[1]
    assert in_jobs() == first


def test_a_filter_whose_category_is_not_loaded_in_the_job_is_not_lost_at_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = type("Rare", (Warning,), {"__module__": "not_in_the_job"})
    here = SimpleNamespace(Rare=kind)
    monkeypatch.setitem(sys.modules, "not_in_the_job", here)
    warnings.filterwarnings("ignore", category=kind)
    sent = ambient.snapshot()
    job = Around(ambient.pack(sent, waits=False))
    with monkeypatch.context() as there:
        there.delitem(sys.modules, "not_in_the_job")
        job.apply()
        be_silent()
        changes = job.changes()
    job.restore()
    ambient.bring(changes, sent, waits=False)
    assert any(found[2] is kind for found in warnings.filters)
    assert warnings.filters[0][1].pattern == "never mind"  # type: ignore[union-attr]


def test_a_setting_that_cannot_travel_hinders_no_other() -> None:
    text = ambient._as_text({"bad": iter(lambda: 1, 2), "good": 1, "lock": threading.Lock()})
    assert ambient.from_text(text)["good"] == 1


def test_a_folder_that_is_not_here_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sent = ambient.snapshot()
    away = tmp_path / "away"
    changes = {"os": ambient._as_text({"folder": (str(tmp_path), str(away))})}
    told = ambient.bring(changes, sent, waits=True)
    assert told == {"the working directory": f"{away} is not here"}
    assert Path.cwd() == tmp_path
    away.mkdir()
    assert ambient.bring(changes, sent, waits=True) == {}
    assert Path.cwd() == away


def test_a_variable_that_was_set_here_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME", raising=False)
    sent = ambient.snapshot()
    monkeypatch.setenv("SOME", "here")
    changes = {"os": ambient._as_text({"variable SOME": (None, "there")})}
    ambient.bring(changes, sent, waits=True)
    assert os.environ["SOME"] == "here"


def test_seeds_that_are_drawn_for_a_module_that_is_not_here_differ_and_are_the_same_again() -> None:
    def drawn() -> list[str]:
        kept = ambient.pending()
        kept.hold("numpy.random", {"state": "a state"})
        return [ambient.pack({}, waits=False, kept=kept)["numpy.random"] for _ in range(3)]

    assert drawn() == drawn()
    assert len(set(drawn())) == 3
