"""Settings from the environment: read as their kind, refused in words."""

from __future__ import annotations

import pytest

from nbsubmit.core.errors import OptionError
from nbsubmit.core.settings import (
    NAMES,
    Floors,
    Settings,
    floored,
    of_environment,
    read,
    replaced,
)


def test_an_environment_without_our_names_says_nothing() -> None:
    assert of_environment({"HOME": "/home/me", "NBSUBMIT_QUEUE": "/tmp/queue"}) == {}


def test_each_setting_has_a_default_that_it_may_have() -> None:
    for name in NAMES:
        default = getattr(Settings(), name)
        assert read(name, default, name) == default


READ: dict[tuple[str, object], object] = {
    ("poll_seconds", "30"): 30.0,
    ("poll_seconds", 30): 30.0,
    ("folder", "/scratch/jobs"): "/scratch/jobs",
    ("wait", "1"): "always",
    ("wait", "Always"): "always",
    ("wait", True): "always",
    ("wait", "no"): "never",
    ("wait", False): "never",
    ("wait", "headless"): "headless",
}


@pytest.mark.parametrize("given", READ, ids=str)
def test_a_value_is_read(given: tuple[str, object]) -> None:
    assert read(*given, "X") == READ[given]


REFUSED: dict[tuple[str, object], str] = {
    ("poll_seconds", "soon"): "X='soon' is not a number",
    ("poll_seconds", "0"): "X='0' must be seconds: more than zero, and 86400 at most",
    ("poll_seconds", "nan"): "X='nan' must be seconds: more than zero, and 86400 at most",
    ("poll_seconds", None): "X=None is not a number",
    ("size_limit", "much"): "X: 'much' is not an amount of memory; write 4G, 500M or 1.5T",
    ("folder", 3): "X=3 is not text",
    ("wait", "maybe"): "X='maybe' is none of never, headless, always",
}


@pytest.mark.parametrize("given", REFUSED, ids=str)
def test_a_value_that_cannot_be_is_refused(given: tuple[str, object]) -> None:
    with pytest.raises(OptionError) as caught:
        read(*given, "X")
    assert str(caught.value) == REFUSED[given]


def test_the_environment_is_named_in_the_error() -> None:
    with pytest.raises(OptionError, match="NBSUBMIT_WAIT='perhaps' is none of"):
        of_environment({"NBSUBMIT_WAIT": "perhaps"})


def test_what_is_below_a_sites_floor_is_raised_to_it_and_nothing_else_changes() -> None:
    floors = Floors(min_poll_seconds=30)
    assert floored(Settings(poll_seconds=2, floors=floors)).poll_seconds == 30
    assert floored(Settings(poll_seconds=60, floors=floors)).poll_seconds == 60
    assert floored(Settings(beat_seconds=0.5, floors=floors)).beat_seconds == 0.5
    assert replaced(Settings(floors=floors), poll_seconds=1.0).poll_seconds == 30
