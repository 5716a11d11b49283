"""Settings from the environment: read as their kind, refused in words."""

from __future__ import annotations

from dataclasses import fields

import pytest

from nbsubmit.core.errors import OptionError
from nbsubmit.core.settings import Settings, load, read


def test_without_an_environment_the_defaults_hold() -> None:
    assert load({}) == Settings()


def test_each_setting_has_a_default_that_it_may_have() -> None:
    for setting in fields(Settings):
        assert read(setting.name, setting.default, setting.name) == setting.default


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
    ("poll_seconds", "0"): "X='0' must be more than zero",
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
        load({"NBSUBMIT_WAIT": "perhaps"})
